import type { PoolView } from '../desired/pool-view.ts';
import { NODE_CHECK_ID } from '../model/consul-names.ts';
import type { GatewayKey, GatewayRouter } from '../model/gateway.ts';
import type { AgentInstance, RegisteredInstance, RegistryState } from '../model/registration.ts';
import { readGate } from '../routes/catalog-items.ts';
import { declareTags, serverMaker, type TagDeclaration } from '../routes/declare-tags.ts';
import type { DynamicObject } from '../routes/dynamic-types.ts';
import { LabelError } from '../routes/label-tree.ts';
import { labelsOf } from '../routes/tag-labels.ts';
import type { PlanContext } from './context.ts';
import { registeredOf } from './plan-pool.ts';
import { agentsOf } from './pool-agents.ts';
import { spreadRouter, toldEntryPoints, withProvider } from './spread-routers.ts';

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

type Address = Pick<RegisteredInstance, 'address' | 'port'>;

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
  const { tags, service } = first ?? view;
  const labels = labelsOf(tags, 'traefik');
  const gate = readGate(labels);
  // The name of a canary holds a hash of its tags: nobody but Traefik knows it.
  if (gate instanceof LabelError || !gate.enable || gate.connect || gate.canary) return NOTHING;
  const declared = declare(service, tags, labels);
  if (declared === undefined) return NOTHING;
  const servers = { instances, agents, failing };
  const services = (['http', 'tcp', 'udp'] as const).flatMap((protocol) =>
    [...declared.configuration[protocol].services].map(([name, { server }]): ExpectedService => {
      const serverOf = serverMaker(protocol, server);
      const urlOf = (one: Address): string => serverName(serverOf(one));
      return { key: `${protocol}/${name}`, ...serversOf(servers, urlOf) };
    }),
  );
  const entryPoints = toldEntryPoints(context);
  const routers = [...declared.configuration.http.routers].flatMap(([name, config]) =>
    spreadRouter({ key: `http/${name}`, fields: fieldsOf(config) }, entryPoints),
  );
  const isSaid = [...labels.keys()].some((key) => key.toLowerCase() === 'traefik.enable');
  return { exposed: isSaid ? true : undefined, services, routers };
}

/** What the tags declare; undefined when Traefik cannot read them. What a router without a rule gets is not known here. */
function declare(service: string, tags: readonly string[], labels: ReadonlyMap<string, string>): TagDeclaration | undefined {
  try {
    return declareTags(service, { tags, labels, isCanary: false, isLetIn: true }, () => 'open');
  } catch (error) {
    if (error instanceof LabelError) return undefined;
    throw error;
  }
}

const serverName = ({ url, address }: DynamicObject): string => String(url ?? address);

interface Servers {
  readonly instances: readonly RegisteredInstance[];
  readonly agents: readonly AgentInstance[];
  readonly failing: ReadonlyMap<RegisteredInstance, 'warning' | 'critical'>;
}

function serversOf({ instances, agents, failing }: Servers, urlOf: (one: Address) => string) {
  const required = new Map<string, string>();
  const allowed = new Set<string>();
  for (const instance of instances) {
    if (instance.address === '' || failing.get(instance) === 'critical') continue;
    const url = urlOf(instance);
    if (failing.has(instance)) allowed.add(url);
    else required.set(url, instance.node);
  }
  for (const agent of agents) {
    const url = urlOf(agent);
    if (agent.address !== '' && !required.has(url)) allowed.add(url);
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

/** What a router says; what it leaves open is another's to decide, such as TLS, which an entry point may add. */
function fieldsOf(config: DynamicObject): ExpectedRouter['fields'] {
  const { rule, defaultRule, service, entryPoints, priority, tls, middlewares = [] } = config;
  return {
    ...(defaultRule === true ? {} : { rule: String(rule) }),
    service: String(service),
    ...(entryPoints === undefined ? {} : { entryPoints: entryPoints as readonly string[] }),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(tls === undefined ? {} : { tls: true }),
    middlewares: (middlewares as readonly string[]).map(withProvider),
  };
}
