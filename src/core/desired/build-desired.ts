import type { Problem } from '../../shared/problem.ts';
import type { GroupKind, ObjectKey, PoolKey, SpecId } from '../model/ids.ts';
import { byBytes, objectKey, poolKey, SERVICE_KIND, specId, splitPoolKey } from '../model/ids.ts';
import { MARKS, META } from '../model/marks.ts';
import type { LiveObject, Spec, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { World } from '../model/world.ts';
import type { Claims } from './claims.ts';
import { settleClaims, settleNames } from './claims.ts';
import { ownershipOf } from './ownership.ts';
import type { PoolView } from './pool-view.ts';
import { isNodePort, viewPool } from './pool-view.ts';

/** Where a spec file stands: decoded, broken, set aside for another spec's sake, or no longer there. */
export type SpecStanding = 'decoded' | 'broken' | 'set-aside' | 'gone';

/** Everything that belongs to one spec: what it wants, and what of it exists. */
export interface DesiredSpec {
  readonly id: SpecId;
  readonly standing: SpecStanding;
  readonly spec: Spec | undefined;
  readonly problems: readonly Problem[];
  /** Owned live objects that carry this spec's name and that no decoded spec claims. */
  readonly leftovers: readonly LiveObject[];
  /** Its pools that have a live Service, in the order of their keys. */
  readonly pools: readonly PoolView[];
  /** Pools in Consul whose Service is gone from the cluster and from every spec. */
  readonly orphanPools: readonly PoolKey[];
}

/** What should be, and of what. */
export interface Desired {
  readonly specs: ReadonlyMap<SpecId, DesiredSpec>;
  readonly holders: ReadonlyMap<ObjectKey, SpecId>;
  /** Every watched object by key, Services included. */
  readonly live: ReadonlyMap<ObjectKey, LiveObject>;
  /** Number of objects and of pools that are ours now: what the guard measures against. */
  readonly owned: { readonly objects: number; readonly pools: number };
  /** Pools that may not take the Consul name they want. */
  readonly nameConflicts: ReadonlyMap<PoolKey, Problem>;
}

/** Results of the last run by pool, reused while neither the live nor the desired Service changed. */
export type ViewMemo = Map<
  PoolKey,
  { readonly live: LiveObject; readonly desired: SpecObject | undefined; readonly pruned: boolean; readonly view: PoolView }
>;

/** What else the building looks at. */
export interface BuildOptions {
  readonly memo: ViewMemo;
  /** Services that could not be applied as desired: their pools follow what runs, so that node changes go on. */
  readonly refused: ReadonlySet<ObjectKey>;
}

/** Builds everything that should be, once per pass. Pure but for `memo`, which only saves work. */
export function buildDesired(world: World, policy: Policy, { memo, refused }: BuildOptions): Desired {
  const set = snapshotValue(world.specs);
  const specs = set?.specs ?? new Map<SpecId, Spec>();
  const live = liveObjects(world);
  const claims = settleClaims(specs, (key) => heldBy(live.get(key), policy.owner), new Set(set?.broken.keys()));
  const wanted = wantedObjects(specs, claims);
  const inventory = takeInventory({ world, live, claims, policy });
  const views = viewPools({ inventory, wanted, claims, policy, memo, refused, known: world.specs.kind !== 'unavailable' });
  const registry = snapshotValue(world.registry);
  const orphans = orphanPools(registry, inventory, claims);
  const ids = new Set<SpecId>([
    ...specs.keys(),
    ...(set?.broken.keys() ?? []),
    ...inventory.bySpec.keys(),
    ...views.keys(),
    ...orphans.keys(),
  ]);
  const result = new Map<SpecId, DesiredSpec>();
  for (const id of [...ids].sort(byBytes)) {
    const broken = set?.broken.get(id);
    const spec = specs.get(id);
    result.set(id, {
      id,
      standing: broken !== undefined ? 'broken' : claims.setAside.has(id) ? 'set-aside' : spec !== undefined ? 'decoded' : 'gone',
      spec,
      problems: [...(broken ?? []), ...(claims.problems.get(id) ?? [])],
      leftovers: inventory.bySpec.get(id)?.filter((object) => !claims.holders.has(object.key)) ?? [],
      pools: views.get(id) ?? [],
      orphanPools: orphans.get(id) ?? [],
    });
  }
  return {
    specs: result,
    holders: claims.holders,
    live,
    owned: { objects: inventory.count, pools: countPools(inventory.services, registry) },
    nameConflicts: conflictsOfNames([...views.values()].flat(), registry),
  };
}

const heldBy = (live: LiveObject | undefined, owner: string): string | undefined =>
  live !== undefined && ownershipOf(live, owner) !== 'stranger' ? live.annotations[MARKS.spec] : undefined;

function liveObjects(world: World): ReadonlyMap<ObjectKey, LiveObject> {
  const all = new Map<ObjectKey, LiveObject>();
  const sources = [...world.cluster.objects.values(), world.cluster.services];
  for (const snapshot of sources) for (const [key, object] of snapshotValue(snapshot) ?? []) all.set(key, object);
  return all;
}

/** The desired form of each claimed object, of the spec that holds it and is not set aside. */
function wantedObjects(specs: ReadonlyMap<SpecId, Spec>, claims: Claims): ReadonlyMap<ObjectKey, SpecObject> {
  const wanted = new Map<ObjectKey, SpecObject>();
  for (const [id, spec] of specs) {
    if (claims.setAside.has(id)) continue;
    for (const object of spec.objects) if (claims.holders.get(object.key) === id) wanted.set(object.key, object);
  }
  return wanted;
}

interface Inventory {
  /** Owned objects by the spec recorded on them. */
  readonly bySpec: ReadonlyMap<SpecId, readonly LiveObject[]>;
  /** Owned or drifted Services of type NodePort, with the spec they belong to. */
  readonly services: ReadonlyMap<LiveObject, SpecId>;
  readonly count: number;
}

function takeInventory(input: { world: World; live: ReadonlyMap<ObjectKey, LiveObject>; claims: Claims; policy: Policy }): Inventory {
  const bySpec = new Map<SpecId, LiveObject[]>();
  const services = new Map<LiveObject, SpecId>();
  const registry = snapshotValue(input.world.registry);
  let count = 0;
  for (const object of input.live.values()) {
    const ownership = ownershipOf(object, input.policy.owner);
    if (ownership === 'stranger') continue;
    count++;
    const recorded = specId(object.annotations[MARKS.spec] ?? '');
    if (ownership === 'owned') bySpec.set(recorded, [...(bySpec.get(recorded) ?? []), object]);
    if (makesPool(object, registry)) services.set(object, input.claims.holders.get(object.key) ?? recorded);
  }
  return { bySpec, services, count };
}

/** A Service makes a pool while it is of type NodePort, or still registered from the time when it was. */
function makesPool(object: LiveObject, registry: RegistryState | undefined): boolean {
  if (!object.key.startsWith(`${SERVICE_KIND}/`)) return false;
  return isNodePort(object) || (registry?.instances.has(poolKey(object.namespace, object.name)) ?? false);
}

function viewPools(input: {
  inventory: Inventory;
  wanted: ReadonlyMap<ObjectKey, SpecObject>;
  claims: Claims;
  policy: Policy;
  memo: ViewMemo;
  refused: ReadonlySet<ObjectKey>;
  known: boolean;
}): ReadonlyMap<SpecId, readonly PoolView[]> {
  const views = new Map<SpecId, PoolView[]>();
  const seen = new Set<PoolKey>();
  for (const [live, spec] of input.inventory.services) {
    const desired = input.refused.has(live.key) ? undefined : input.wanted.get(live.key);
    const pruned = input.known && !input.claims.holders.has(live.key) && ownershipOf(live, input.policy.owner) === 'owned';
    const key = poolKey(live.namespace, live.name);
    seen.add(key);
    const old = input.memo.get(key);
    const same = old?.live === live && old.desired === desired && old.pruned === pruned && old.view.spec === spec;
    const view = same ? old.view : viewPool({ spec, live, desired: desired?.object, pruned }, input.policy);
    input.memo.set(key, { live, desired, pruned, view });
    views.set(spec, [...(views.get(spec) ?? []), view]);
  }
  for (const key of input.memo.keys()) if (!seen.has(key)) input.memo.delete(key);
  for (const list of views.values()) list.sort((a, b) => byBytes(a.pool, b.pool));
  return views;
}

/** Pools that Consul still knows although no Service of ours and no spec stands behind them, by the spec recorded there. */
function orphanPools(registry: RegistryState | undefined, inventory: Inventory, claims: Claims): ReadonlyMap<SpecId, readonly PoolKey[]> {
  const served = new Set([...inventory.services.keys()].map((object) => object.key));
  const result = new Map<SpecId, PoolKey[]>();
  for (const [pool, instances] of registry?.instances ?? []) {
    const key = serviceKey(pool);
    if (served.has(key) || claims.holders.has(key)) continue;
    const id = specId(instances[0]?.meta[META.spec] ?? '');
    result.set(id, [...(result.get(id) ?? []), pool]);
  }
  return result;
}

/** The key of the Service behind a pool. */
export function serviceKey(pool: PoolKey): ObjectKey {
  const { namespace, name } = splitPoolKey(pool);
  return objectKey(SERVICE_KIND, namespace, name);
}

function countPools(services: ReadonlyMap<LiveObject, SpecId>, registry: RegistryState | undefined): number {
  const pools = new Set<PoolKey>([...services.keys()].map((live) => poolKey(live.namespace, live.name)));
  for (const pool of registry?.instances.keys() ?? []) pools.add(pool);
  return pools.size;
}

function conflictsOfNames(views: readonly PoolView[], registry: RegistryState | undefined): ReadonlyMap<PoolKey, Problem> {
  const registering = views.filter((view) => view.leaving === undefined || registry?.instances.has(view.pool) === true);
  const wanted = new Map(registering.map((view) => [view.pool, view.service]));
  return settleNames([
    ...registering.map(({ service, pool, spec }) => ({ service, pool, spec, registered: registeredNames(pool, registry).has(service) })),
    ...[...(registry?.instances ?? [])].flatMap(([pool, instances]) =>
      [...registeredNames(pool, registry)]
        .filter((service) => wanted.get(pool) !== service)
        .map((service) => ({ service, pool, spec: specId(instances[0]?.meta[META.spec] ?? ''), registered: true, leaving: true })),
    ),
  ]);
}

const registeredNames = (pool: PoolKey, registry: RegistryState | undefined): ReadonlySet<string> =>
  new Set(registry?.instances.get(pool)?.map((instance) => instance.service));

/** The kinds that must be watched: those of the specs, those we have applied before, and the kinds every pool needs. */
export function kindsToWatch(specs: Iterable<Spec>, remembered: Iterable<string>, always: readonly GroupKind[]): ReadonlySet<GroupKind> {
  const kinds = new Set<GroupKind>(always);
  for (const kind of remembered) kinds.add(kind as GroupKind);
  for (const spec of specs)
    for (const { key } of spec.objects) kinds.add(key.slice(0, key.indexOf('/', key.indexOf('/') + 1)) as GroupKind);
  return kinds;
}
