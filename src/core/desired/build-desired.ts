import type { Problem } from '../../shared/problem.ts';
import type { ObjectKey, PoolKey, SpecId } from '../model/ids.ts';
import { byBytes, objectKey, poolKey, SERVICE_KIND, specId, splitPoolKey } from '../model/ids.ts';
import { MARKS, META } from '../model/marks.ts';
import type { LiveObject, Spec, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { World } from '../model/world.ts';
import type { Claims, ClaimsMemo } from './claims.ts';
import { settleClaims } from './claims.ts';
import { conflictsOfNames } from './name-conflicts.ts';
import { ownershipOf } from './ownership.ts';
import { noting, traefikServices } from './pool-tags.ts';
import type { PoolView } from './pool-view.ts';
import { isNodePort, viewPool } from './pool-view.ts';
import type { ImmutableRefusal, Recreations } from './recreations.ts';
import { findRecreations, whyRecreated } from './recreations.ts';
import { specsInForce } from './specs-in-force.ts';
import type { SpecStanding } from './standing-of.ts';
import { standingOf } from './standing-of.ts';
import { whyItStays } from './stays-in-cluster.ts';
import type { SuspendedSpecs } from './suspensions.ts';
import { NO_SUSPENSIONS } from './suspensions.ts';
import { toldPools } from './told-pools.ts';

/** Everything that belongs to one spec: what it wants, and what of it exists. */
export interface DesiredSpec {
  readonly id: SpecId;
  readonly standing: SpecStanding;
  /** Of a broken file: its last good version, where one is known. */
  readonly spec: Spec | undefined;
  readonly problems: readonly Problem[];
  /** Owned live objects that carry this spec's name and that no decoded spec claims. */
  readonly leftovers: readonly LiveObject[];
  /** Its pools that have a live Service, in the order of their keys. */
  readonly pools: readonly PoolView[];
  /** Pools in Consul, in the catalog or told to agents, whose Service is gone from the cluster and from every spec. */
  readonly orphanPools: readonly PoolKey[];
}

/** What should be, and of what. */
export interface Desired {
  readonly specs: ReadonlyMap<SpecId, DesiredSpec>;
  readonly holders: ReadonlyMap<ObjectKey, SpecId>;
  /** Every watched object by key, Services included. */
  readonly live: ReadonlyMap<ObjectKey, LiveObject>;
  /** What is to be deleted and created again, or is gone already and about to be created. */
  readonly recreations: ReadonlyMap<ObjectKey, ImmutableRefusal>;
  /** Number of objects and of pools that are ours now: what the guard measures against. */
  readonly owned: { readonly objects: number; readonly pools: number };
  /** Pools that may not take the Consul name they want. */
  readonly nameConflicts: ReadonlyMap<PoolKey, Problem>;
}

/** Results of the last run by pool, reused while neither the live nor the desired Service changed. */
type ViewMemo = Map<
  PoolKey,
  {
    readonly live: LiveObject;
    readonly desired: SpecObject | undefined;
    readonly wish: SpecObject | undefined;
    readonly pruned: boolean;
    readonly recreated: string | undefined;
    /** The Consul services that its tags name, with the Traefik service of each. */
    readonly referred: Map<string, string | undefined>;
    readonly view: PoolView;
  }
>;

/** What is kept from one pass to the next. Losing it costs time, nothing else. */
export interface DesiredMemo {
  readonly views: ViewMemo;
  readonly claims: ClaimsMemo;
  /** The last result, with all that it was built from. */
  readonly last: Map<'desired', { readonly parts: readonly unknown[]; readonly desired: Desired }>;
}
export const newDesiredMemo = (): DesiredMemo => ({ views: new Map(), claims: new Map(), last: new Map() });

/** What else the building looks at. */
export interface BuildOptions {
  readonly memo: DesiredMemo;
  /** Services that could not be applied as desired: their pools follow what runs, so that node changes go on. Nothing of it is recreated. */
  readonly refused: ReadonlySet<ObjectKey>;
  /** Changes that the API server has refused because a field is immutable. */
  readonly immutable: ReadonlyMap<ObjectKey, ImmutableRefusal>;
  /** Specs that are left as they are: their pools follow what runs. Absent: none. */
  readonly suspended?: SuspendedSpecs;
}

/**
 * Builds everything that should be, once per pass; the very same value while nothing that it is built from has changed. Pure but
 * for `memo`, which only saves work.
 */
export function buildDesired(world: World, policy: Policy, options: BuildOptions): Desired {
  // What was refused is told by maps that are changed in place.
  if (options.refused.size + options.immutable.size > 0) return build(world, policy, options);
  const [set, registry, { services, objects }] = [snapshotValue(world.specs), snapshotValue(world.registry), world.cluster];
  const live = [services, ...objects.values()].map(snapshotValue);
  const parts = [
    options.suspended?.key ?? '',
    policy,
    world.specs.kind,
    set?.specs,
    set?.broken,
    set?.lastGood,
    registry?.kv,
    registry?.instances,
    ...live,
  ];
  const last = options.memo.last.get('desired');
  if (last?.parts.length === parts.length && last.parts.every((part, i) => part === parts[i])) return last.desired;
  const desired = build(world, policy, options);
  options.memo.last.set('desired', { parts, desired });
  return desired;
}

function build(world: World, policy: Policy, { memo, refused, immutable, suspended = NO_SUSPENSIONS }: BuildOptions): Desired {
  const set = snapshotValue(world.specs);
  const live = liveObjects(world);
  const holderOf = (key: ObjectKey): string | undefined => heldBy(live.get(key), policy.owner);
  const specs = set === undefined ? new Map<SpecId, Spec>() : specsInForce(set, holderOf);
  const claims = settleClaims(specs, holderOf, new Set(set?.broken.keys()), memo.claims);
  const wanted = wantedObjects(specs, claims);
  const inventory = takeInventory({ world, live, claims, policy });
  const recreations = findRecreations({ refusals: immutable, wanted, live, refused, owner: policy.owner });
  const again = { recreations, wanted, live, holders: claims.holders };
  const views = viewPools({
    inventory,
    wanted,
    claims,
    policy,
    memo: memo.views,
    refused,
    again,
    suspended,
    known: world.specs.kind !== 'unavailable',
  });
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
      standing: standingOf(id, { specs, broken, setAside: claims.setAside, suspended }),
      // A person who suspends it means its last good version as well.
      spec: broken !== undefined && suspended.has(id) ? undefined : spec,
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
    recreations,
    owned: { objects: inventory.count, pools: countPools(inventory, registry) },
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
  /** Pools with an entry of ours under `deployments/`. */
  readonly told: ReadonlySet<PoolKey>;
  readonly count: number;
}

function takeInventory(input: { world: World; live: ReadonlyMap<ObjectKey, LiveObject>; claims: Claims; policy: Policy }): Inventory {
  const bySpec = new Map<SpecId, LiveObject[]>();
  const services = new Map<LiveObject, SpecId>();
  const registry = snapshotValue(input.world.registry);
  const told = toldPools(registry, input.policy);
  const known = (pool: PoolKey): boolean => told.has(pool) || registry?.instances.has(pool) === true;
  let count = 0;
  for (const object of input.live.values()) {
    const ownership = ownershipOf(object, input.policy.owner);
    if (ownership === 'stranger') continue;
    if (whyItStays(object) === undefined) count++;
    const recorded = specId(object.annotations[MARKS.spec] ?? '');
    if (ownership === 'owned') {
      const list = bySpec.get(recorded);
      if (list === undefined) bySpec.set(recorded, [object]);
      else list.push(object);
    }
    if (makesPool(object, known)) services.set(object, input.claims.holders.get(object.key) ?? recorded);
  }
  return { bySpec, services, told, count };
}

/** A Service makes a pool while it is of type NodePort, or still known to Consul from the time when it was. */
function makesPool(object: LiveObject, isKnown: (pool: PoolKey) => boolean): boolean {
  if (!object.key.startsWith(`${SERVICE_KIND}/`)) return false;
  return isNodePort(object) || isKnown(poolKey(object.namespace, object.name));
}

function viewPools(input: {
  inventory: Inventory;
  wanted: ReadonlyMap<ObjectKey, SpecObject>;
  claims: Claims;
  policy: Policy;
  memo: ViewMemo;
  refused: ReadonlySet<ObjectKey>;
  again: Recreations;
  suspended: SuspendedSpecs;
  known: boolean;
}): ReadonlyMap<SpecId, readonly PoolView[]> {
  const views = new Map<SpecId, PoolView[]>();
  const seen = new Set<PoolKey>();
  const traefikServiceOf = traefikServices(() => input.wanted.values());
  for (const [live, spec] of input.inventory.services) {
    const isSuspended = input.suspended.has(spec);
    const recreated = isSuspended ? undefined : whyRecreated(live, spec, input.again);
    const isLeft = input.refused.has(live.key) || input.again.recreations.has(live.key);
    const wish = isSuspended ? undefined : input.wanted.get(live.key);
    const desired = isLeft ? undefined : wish;
    const gone = input.known && !input.claims.holders.has(live.key) && ownershipOf(live, input.policy.owner) === 'owned';
    // A Service that stays in the cluster goes on serving.
    const pruned = gone && !isSuspended && whyItStays(live) === undefined;
    const key = poolKey(live.namespace, live.name);
    seen.add(key);
    const old = input.memo.get(key);
    const isSameWish = old?.desired === desired && old?.wish === wish && old?.pruned === pruned && old.recreated === recreated;
    const isAlike = isSameWish && old.live === live && old.view.spec === spec;
    const same = isAlike && [...old.referred].every(([service, name]) => traefikServiceOf(service) === name);
    const referred = same ? old.referred : new Map<string, string | undefined>();
    const source = { spec, live, desired: desired?.object, wish: wish?.object, pruned, recreated };
    const view = same ? old.view : viewPool(source, input.policy, noting(traefikServiceOf, referred));
    input.memo.set(key, { live, desired, wish, pruned, recreated, referred, view });
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
  for (const pool of new Set([...(registry?.instances.keys() ?? []), ...inventory.told])) {
    const key = serviceKey(pool);
    if (served.has(key) || claims.holders.has(key)) continue;
    const id = specId(registry?.instances.get(pool)?.[0]?.meta[META.spec] ?? '');
    result.set(id, [...(result.get(id) ?? []), pool]);
  }
  return result;
}

/** The key of the Service behind a pool. */
export function serviceKey(pool: PoolKey): ObjectKey {
  const { namespace, name } = splitPoolKey(pool);
  return objectKey(SERVICE_KIND, namespace, name);
}

function countPools({ services, told }: Inventory, registry: RegistryState | undefined): number {
  const pools = new Set<PoolKey>([...told, ...[...services.keys()].map((live) => poolKey(live.namespace, live.name))]);
  for (const pool of registry?.instances.keys() ?? []) pools.add(pool);
  return pools.size;
}
