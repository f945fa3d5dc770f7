import type { PoolView } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import { poolCheckKind } from '../model/consul-names.ts';
import { META } from '../model/marks.ts';
import type { Policy } from '../model/policy.ts';
import type { Instance, RegisteredInstance } from '../model/registration.ts';
import type { Backend } from '../pool/decide-pool.ts';
import { instanceKey, type Registered, sameList } from './diff-registration.ts';
import { buildRegistration, contentHash, type Registration, type RegistrationSource, registrationOf } from './registration.ts';

/** A pool that may not change but for its nodes. */
export interface FollowingPool {
  readonly view: PoolView;
  readonly backends: readonly Backend[];
  readonly registered: Registered;
  readonly health: RegistrationSource['health'];
  /** False while its annotations are refused: nobody can tell which nodes they mean, nor how health is judged. Then nodes only leave. */
  readonly joins: boolean;
}

/**
 * The last good registration of a pool whose new name or annotations are refused, on the nodes that are its backends now: Consul
 * service, tags and port stay as they are, or become so again, and what is no longer a backend leaves. Undefined when nothing of it is registered.
 */
export function followNodes({ view, backends, registered, health, joins }: FollowingPool, policy: Policy): Registration | undefined {
  const last = lastGood(registered.instances);
  if (last === undefined) return undefined;
  const good = { ...last, port: joins ? openPort(last.port, view) : last.port };
  const asRegistered: PoolView = { ...view, service: good.service, tags: good.tags };
  const addresses = new Map(backends.map(({ node, address }) => [node, address]));
  const staying = registered.instances.flatMap(({ pool: _pool, modifyIndex: _index, ...instance }): readonly Instance[] => {
    const address = addresses.get(instance.node);
    return address === undefined ? [] : [{ ...asGood(instance, good, view), address }];
  });
  const source = { view: asRegistered, nodePort: good.port, inCatalog: true, health };
  const known = new Set(registered.instances.map(({ node }) => node));
  const newcomers = backends.filter(({ node }) => joins && !known.has(node));
  const { instances: joining } = buildRegistration({ ...source, backends: newcomers }, policy);
  const wanted = registrationOf(source, [...staying, ...joining]);
  return { ...wanted, healthChecks: joins ? wanted.healthChecks : healthChecksOn(staying, view, registered) };
}

/** Nobody listens any more on the NodePort of a Service that somebody has made anew: then the pool moves to the one it has now. */
const openPort = (port: number, view: PoolView): number => (isOpen(port, view) ? port : (view.nodePort ?? port));

const isOpen = (port: number, { live }: PoolView): boolean => portsOf(live.spec).some(({ nodePort }) => nodePort === port);

/** An instance that is as we wrote it: its hash tells. Where somebody has edited all, one that still has a hash. */
const lastGood = (instances: readonly RegisteredInstance[]): RegisteredInstance | undefined =>
  instances.find((one) => one.meta[META.hash] === contentHash(one)) ??
  instances.find(({ meta }) => meta[META.hash] !== undefined) ??
  instances[0];

/**
 * What somebody has edited becomes what the rest of the pool is: Traefik drops a route whose instances disagree. In the middle of a
 * large change some have another NodePort, which is open; any other is none of ours.
 */
function asGood(instance: Instance, good: Instance, view: PoolView): Instance {
  const { service, tags, meta } = good;
  const port = isOpen(instance.port, view) ? instance.port : good.port;
  if (instance.service === service && instance.port === port && sameList(instance.tags, tags)) return instance;
  return { ...instance, service, port, tags, meta: { ...meta, [META.node]: instance.node } };
}

function healthChecksOn(instances: readonly Instance[], { pool }: PoolView, { checks }: Registered): Registration['healthChecks'] {
  const staying = new Set(instances.map(({ consulNode, id }) => instanceKey(consulNode, id)));
  const isOfHealth = (checkId: string): boolean => !['pool', undefined].includes(poolCheckKind(pool, checkId));
  return checks.filter(({ consulNode, instanceId, checkId }) => isOfHealth(checkId) && staying.has(instanceKey(consulNode, instanceId)));
}
