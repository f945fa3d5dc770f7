import type { PoolView } from '../desired/pool-view.ts';
import { NODE_CHECK_ID } from '../model/consul-names.ts';
import type { GatewayKey, GatewayRouter } from '../model/gateway.ts';
import type { AgentInstance, RegisteredInstance, RegistryState } from '../model/registration.ts';
import { declareInstance } from '../routes/declare-instance.ts';
import { enableLabels, labelsOf, parseLabelBool } from '../routes/decode-labels.ts';
import { normalizeName } from '../routes/go-values.ts';
import { serverUrl } from '../routes/merge-objects.ts';
import type { PlanContext } from './context.ts';
import { registeredOf } from './plan-pool.ts';
import { agentsOf } from './pool-agents.ts';

/** A Traefik service that the tags of a pool name, and the servers that the pool gives it. */
export interface ExpectedService {
  readonly key: GatewayKey;
  /** The URL of each backend that must be in rotation, with its node. */
  readonly required: ReadonlyMap<string, string>;
  /** The URLs of backends that may be: Consul warns of them, or does not tell how they are. */
  readonly allowed: ReadonlySet<string>;
}

/** A router that the tags of a pool name. What they leave open is absent. */
export interface ExpectedRouter {
  readonly key: GatewayKey;
  readonly fields: Partial<Omit<GatewayRouter, 'status' | 'errors'>>;
}

/** What Traefik is to make of the registration of a pool as it stands in Consul. */
export interface ExpectedRoutes {
  /** False: the tags switch it off, or cannot be read. Undefined: they leave it to `exposedByDefault`. */
  readonly exposed: boolean | undefined;
  readonly services: readonly ExpectedService[];
  readonly routers: readonly ExpectedRouter[];
}

type RoutedPart = Pick<RegisteredInstance, 'address' | 'port' | 'tags' | 'consulNode' | 'id' | 'service'>;

const NOTHING: ExpectedRoutes = { exposed: false, services: [], routers: [] };

/**
 * What Traefik is to make of a pool, told from the registration that stands in Consul: the names in its tags, and the backends that
 * pass their checks. What a middleware does is not looked at.
 */
export function expectedRoutes(view: PoolView, context: PlanContext): ExpectedRoutes {
  const { instances, checks } = registeredOf(view.pool, context);
  const failing = statusesOf(instances, checks, context.registry);
  const agents = agentsOf(view, context).instances;
  const [first] = [...instances, ...agents];
  // The names are in the tags; without any instance those that are wanted tell where old servers may linger.
  const source: RoutedPart = first ?? { address: '0.0.0.0', port: 1, tags: view.tags, consulNode: '', id: '', service: view.service };
  const labels = labelsOf(source.tags, 'traefik');
  const [enabled] = enableLabels(labels);
  // The name of a canary holds a hash of its tags: nobody but Traefik knows it.
  if (enabled === false || parseLabelBool(labels.get('traefik.consulcatalog.canary') ?? '') === true) return NOTHING;
  const declared = declareInstance({ ...source, nodeId: '', status: 'passing' }, { defaultRule: () => '' }, []);
  if (declared === undefined) return NOTHING;
  const servers = { instances, agents, failing };
  const services = [...declared.services.values()].map(({ name, labels: own }): ExpectedService => {
    return { key: `http/${name}`, ...serversOf(servers, (one) => serverUrl({ ...source, ...one, nodeId: '', status: 'passing' }, own)) };
  });
  const routers = [...declared.routers.values()].map(
    ({ name, labels: own }): ExpectedRouter => ({ key: `http/${name}`, fields: fieldsOf(own) }),
  );
  const streams = (['tcp', 'udp'] as const).flatMap((layer) => streamServices(layer, labels, source.service, servers));
  return { exposed: enabled, services: [...services, ...streams], routers };
}

interface Servers {
  readonly instances: readonly RegisteredInstance[];
  readonly agents: readonly AgentInstance[];
  readonly failing: ReadonlyMap<RegisteredInstance, 'warning' | 'critical'>;
}

function serversOf({ instances, agents, failing }: Servers, urlOf: (one: Pick<RoutedPart, 'address' | 'port'>) => string | undefined) {
  const required = new Map<string, string>();
  const allowed = new Set<string>();
  for (const instance of instances) {
    const url = urlOf(instance);
    if (url === undefined || failing.get(instance) === 'critical') continue;
    if (failing.has(instance)) allowed.add(url);
    else required.set(url, instance.node);
  }
  for (const agent of agents) {
    const url = urlOf(agent);
    if (url !== undefined && !required.has(url)) allowed.add(url);
  }
  return { required, allowed };
}

/** The instances that Consul warns of or calls critical, by their own checks or their node's. */
function statusesOf(
  instances: readonly RegisteredInstance[],
  checks: readonly { readonly consulNode: string; readonly instanceId: string; readonly status: string }[],
  registry: RegistryState | undefined,
): Servers['failing'] {
  const failing = new Map<RegisteredInstance, 'warning' | 'critical'>();
  const own = Map.groupBy(checks, ({ consulNode, instanceId }) => `${consulNode}/${instanceId}`);
  for (const instance of instances) {
    const node = registry?.checks.get(`${instance.consulNode}/${NODE_CHECK_ID}`)?.status ?? 'passing';
    const all = [node, ...(own.get(`${instance.consulNode}/${instance.id}`) ?? []).map(({ status }) => status)];
    if (all.includes('critical')) failing.set(instance, 'critical');
    else if (all.includes('warning')) failing.set(instance, 'warning');
  }
  return failing;
}

/** The TCP or UDP services that labels name; one that only has routers is called like the Consul service. */
function streamServices(
  layer: 'tcp' | 'udp',
  labels: ReadonlyMap<string, string>,
  service: string,
  servers: Servers,
): readonly ExpectedService[] {
  const named = (kind: string): readonly string[] => {
    const begin = `traefik.${layer}.${kind}.`;
    return [...labels.keys()].flatMap((key) => (key.toLowerCase().startsWith(begin) ? [key.split('.')[3] ?? ''] : []));
  };
  const declared = new Set(named('services'));
  const names = declared.size > 0 ? declared : new Set(named('routers').length > 0 ? [normalizeName(service)] : []);
  return [...names].map((name) => {
    const portKey = `traefik.${layer}.services.${name}.loadbalancer.server.port`.toLowerCase();
    const port = [...labels].find(([key]) => key.toLowerCase() === portKey)?.[1];
    const urlOf = (one: Pick<RoutedPart, 'address' | 'port'>): string =>
      `${one.address.includes(':') ? `[${one.address}]` : one.address}:${port ?? one.port}`;
    return { key: `${layer}/${name}` as const, ...serversOf(servers, urlOf) };
  });
}

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function fieldsOf(labels: ReadonlyMap<string, string>): ExpectedRouter['fields'] {
  const [rule, service, entryPoints] = [labels.get('rule'), labels.get('service'), labels.get('entrypoints')];
  const tls = labels.get('tls');
  const priority = Number(labels.get('priority') ?? 0);
  return {
    ...(rule === undefined || rule === '' ? {} : { rule }),
    ...(service === undefined ? {} : { service }),
    ...(entryPoints === undefined ? {} : { entryPoints: listOf(entryPoints) }),
    ...(priority === 0 ? {} : { priority }),
    ...(tls === undefined ? {} : { tls: parseLabelBool(tls) === true }),
    middlewares: listOf(labels.get('middlewares') ?? '').map((name) => (name.includes('@') ? name : `${name}@consulcatalog`)),
  };
}
