import { drainingKey, memoryKey, migratingKey, poolOfKey } from '../model/consul-names.ts';
import type { KvKey, ObjectKey, PoolKey } from '../model/ids.ts';
import type { RegisteredCheck, RegisteredInstance, RegistryState } from '../model/registration.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ClusterState, World } from '../model/world.ts';
import type { Look } from './settled-plans.ts';

/** What differs between two looks at the world, where it is of one object or one pool. */
export interface Changes {
  readonly objects: ReadonlySet<ObjectKey>;
  readonly pools: ReadonlySet<PoolKey>;
}

/** With more checks that differ, looking for their pools costs more than planning everything. */
const MOST_CHECKS = 50;

/**
 * What differs between two looks; `all` when something differs that belongs to no single object or pool, such as a node, or the
 * freshness of a source. Every field that is not known here counts as such, so that a new one is never overlooked. Costs a walk
 * over what is not the very same map.
 */
export function whatChanged(before: Look, now: Look): Changes | 'all' {
  const changes = { objects: new Set<ObjectKey>(), pools: new Set<PoolKey>() };
  const same =
    before.policy === now.policy &&
    before.removalBar?.message === now.removalBar?.message &&
    before.world.specs.kind === now.world.specs.kind &&
    before.world.registry.kind === now.world.registry.kind &&
    areSame(before.world, now.world, WORLD_KEYED) &&
    compareCluster(before.world.cluster, now.world.cluster, changes) &&
    compareRegistry(before, now, changes.pools);
  return same ? changes : 'all';
}

interface Found {
  readonly objects: Set<ObjectKey>;
  readonly pools: Set<PoolKey>;
}

/** The fields that are compared by key; every other one must be the same. */
const WORLD_KEYED: ReadonlySet<string> = new Set<keyof World>([
  'specs',
  'cluster',
  'registry',
  // Only NodePorts that drain wait for what Traefik says, and a pool that drains is never settled (isOnTheMove).
  'gateways',
]);
const CLUSTER_KEYED: ReadonlySet<string> = new Set<keyof ClusterState>(['services', 'endpoints', 'pods', 'objects', 'nodes']);
const REGISTRY_KEYED: ReadonlySet<string> = new Set<keyof RegistryState>([
  'instances',
  'kv',
  'checks',
  // Only the conflicts of routes are told from them, and those are compared by themselves (see planSpecs).
  'foreignTags',
]);

/** False when something differs that is of no single object or pool. */
function compareCluster(before: ClusterState, now: ClusterState, { objects, pools }: Found): boolean {
  return (
    areSame(before, now, CLUSTER_KEYED) &&
    before.nodes.kind === now.nodes.kind &&
    isSame(snapshotValue(before.nodes), snapshotValue(now.nodes)) &&
    compareSnapshot(before.services, now.services, objects) &&
    compareSnapshot(before.endpoints, now.endpoints, pools) &&
    compareSnapshot(before.pods, now.pods, objects) &&
    before.objects.size === now.objects.size &&
    [...now.objects].every(([kind, snapshot]) => compareSnapshot(before.objects.get(kind), snapshot, objects))
  );
}

function compareSnapshot<K, V>(before: Snapshot<ReadonlyMap<K, V>> | undefined, now: Snapshot<ReadonlyMap<K, V>>, into: Set<K>): boolean {
  if (before?.kind !== now.kind) return false;
  compareMaps(snapshotValue(before), snapshotValue(now), into);
  return true;
}

/** Notes the keys whose values are not the very same. */
function compareMaps<K, V>(before: ReadonlyMap<K, V> | undefined, now: ReadonlyMap<K, V> | undefined, into: Set<K>): void {
  if (before === now) return;
  for (const [key, value] of now ?? []) if (before?.get(key) !== value) into.add(key);
  for (const key of before?.keys() ?? []) if (now?.has(key) !== true) into.add(key);
}

function compareRegistry({ registry: before }: Look, { registry: now, policy }: Look, pools: Set<PoolKey>): boolean {
  if (before === now) return true;
  if (before === undefined || now === undefined) return false;
  if (!areSame(before, now, REGISTRY_KEYED)) return false;
  compareMaps(before.instances, now.instances, pools);
  return compareEntries(before.kv, now.kv, { policy, pools }) && compareChecks(before, now, pools);
}

function compareEntries(
  before: RegistryState['kv'],
  now: RegistryState['kv'],
  { policy, pools }: { readonly policy: Look['policy']; readonly pools: Set<PoolKey> },
): boolean {
  const keys = new Set<KvKey>();
  compareMaps(before, now, keys);
  for (const key of keys) {
    const pool = poolOfKey(policy.keyPath, policy.cluster, key);
    if (pool !== undefined) pools.add(pool);
    // What the memory holds is not of the plans: what grants and times follow from it shows in the decisions on pools.
    else if (key !== memoryKey(policy.keyPath, policy.cluster)) return false;
  }
  return true;
}

function compareChecks(before: RegistryState, now: RegistryState, pools: Set<PoolKey>): boolean {
  const keys = new Set<string>();
  compareMaps(before.checks, now.checks, keys);
  if (keys.size > MOST_CHECKS) return false;
  for (const key of keys) {
    const found = [before, now].flatMap((state) => poolOfCheck(state.checks.get(key), state.instances) ?? []);
    if (found.length === 0) return false;
    for (const pool of found) pools.add(pool);
  }
  return true;
}

function poolOfCheck(check: RegisteredCheck | undefined, instances: RegistryState['instances']): PoolKey | undefined {
  const isOn = ({ id, consulNode }: RegisteredInstance): boolean => id === check?.instanceId && consulNode === check.consulNode;
  for (const [pool, list] of instances) if (list.some(isOn)) return pool;
  return undefined;
}

/** True when a pool's NodePorts drain, or it moves between its registrars: then its plan depends on the time. */
export const isOnTheMove = (pool: PoolKey, { registry, policy: { keyPath, cluster } }: Look): boolean =>
  registry?.kv.has(drainingKey(keyPath, cluster, pool)) === true || registry?.kv.has(migratingKey(keyPath, cluster, pool)) === true;

/** Whether two records hold the same fields, but for some. */
const areSame = (before: object, now: object, except: ReadonlySet<string>): boolean =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].every(
    (field) => except.has(field) || isSame(Reflect.get(before, field), Reflect.get(now, field)),
  );

/** The very same value, or a list, set, map or record of the very same values. */
export function isSame(before: unknown, now: unknown): boolean {
  if (Object.is(before, now)) return true;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return false;
  if (before.constructor !== now.constructor) return false;
  if (Array.isArray(before) && Array.isArray(now)) return before.length === now.length && before.every((one, i) => Object.is(one, now[i]));
  const [a, b] = [entriesOf(before), entriesOf(now)];
  return a.size === b.size && [...a].every(([key, value]) => b.has(key) && Object.is(b.get(key), value));
}

const entriesOf = (value: object): ReadonlyMap<unknown, unknown> => {
  if (value instanceof Map) return value;
  return value instanceof Set ? new Map(value.entries()) : new Map<unknown, unknown>(Object.entries(value));
};
