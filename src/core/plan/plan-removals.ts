import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { serviceKey } from '../desired/build-desired.ts';
import { isNodePort } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import { whyItStays } from '../desired/stays-in-cluster.ts';
import type { Action, DeregisterPool, Waiting, WriteKv } from '../model/action.ts';
import { migratingPrefix } from '../model/consul-names.ts';
import type { PoolKey, SpecId } from '../model/ids.ts';
import { kindOf, objectTitle, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { RemovalKey } from '../model/memory.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { whySuccessorFirst } from './await-successor.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, toldEntry, whyNoRemoval } from './context.ts';
import { drainEnd } from './let-go.ts';
import { whyMayHaveMoved } from './may-have-moved.ts';
import { byRemovalOrder } from './order.ts';
import { LATE_AGENT_MS } from './plan-migration.ts';
import { finalizers } from './plan-objects.ts';
import { deregisterPool } from './plan-pool.ts';
import type { Pruning } from './plan-pruning.ts';
import type { Going } from './plan-recreate.ts';
import { drainingWrite } from './pool-entries.ts';
import type { Removal } from './spec-plan.ts';

/** What leaves with one spec: pools out of Consul first, objects out of Kubernetes when the pools have drained. */
export interface RemovalPlan {
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
  readonly removals: readonly Removal[];
  /** What stays although no spec contains it. */
  readonly notes: readonly Problem[];
}

/** A pool that leaves the catalog because agents register it, or whose entry that tells agents of it goes. */
export interface HandOver {
  readonly pool: PoolKey;
  readonly action: DeregisterPool | WriteKv;
}

/** What leaves beside the pools that their Services say leave. */
export interface Leaving {
  readonly pruning: Pick<Pruning, 'pruned' | 'kept'>;
  readonly handOvers: readonly HandOver[];
  /** Objects that are deleted so that they can be created again. */
  readonly recreated: readonly Going[];
}

/**
 * Plans what is to leave of one spec, in the order of promise 8, and the pools that are handed over to agents. Whether any of
 * it may is the guard's to say.
 */
export function planRemovals(spec: DesiredSpec, { pruning, handOvers, recreated }: Leaving, context: PlanContext): RemovalPlan {
  const leaving = [
    ...spec.pools.flatMap((view) =>
      view.leaving === undefined || pruning.kept.has(view.live.key) ? [] : [{ pool: view.pool, why: view.leaving, returns: view.returns }],
    ),
    ...spec.orphanPools.map((pool) => ({ pool, why: 'its Service is neither in the cluster nor in a spec', returns: false })),
  ];
  const bar = context.removalBar ?? whyMayBelongToBroken(spec, context);
  const pools = leaving.map((pool) => leavePool(pool, spec, context));
  const going = [...pruning.pruned.map((live): Going => ({ live, why: 'no spec contains it any more' })), ...recreated];
  const objects = going.map(({ live }) => live);
  const ending = spec.leftovers.filter((object) => object.deleting);
  const waits =
    objects.length === 0
      ? []
      : drainWaits(
          objects,
          leaving.map(({ pool }) => pool),
          context,
        );
  const drained = waits.length === 0 && pools.every((pool) => !pool.registered);
  const removals: Removal[] = [
    ...pools.flatMap(({ pool, registered, returns }) =>
      registered ? [poolRemoval(pool, returns ? barOfReturn(`pool:${pool}`, bar, context) : bar, returns)] : [],
    ),
    ...handOvers.map(({ pool }) => poolRemoval(pool, bar, false)),
    ...going.map((one) => objectRemoval(one, leaving.length > 0, whyToStay(one, bar, context))),
    ...[...ending.map((live) => ({ live })), ...returning(spec, context)]
      .map((one) => objectRemoval(one, leaving.length > 0, undefined))
      .filter(({ key }) => context.memory.removals[key] !== undefined),
  ];
  // Those that leave Consul only now begin to drain with that.
  const begun = new Set(pools.flatMap(({ pool, registered }) => (registered ? [pool] : [])));
  const starts = objects.length === 0 ? [] : startDrains(withServices(objects, spec), begun, { spec: spec.id, context });
  const deletes = drained && starts.length === 0 ? going.sort((a, b) => byRemovalOrder(a.live, b.live)).map(deleteAction) : [];
  return {
    actions: [...handOvers.map(({ action }) => action), ...pools.flatMap((pool) => pool.actions), ...starts, ...deletes],
    waiting: [...waits, ...pools.flatMap((pool) => pool.waiting), ...ending.map(stillThere)],
    removals,
    notes: mayTell(spec, context) ? spec.leftovers.flatMap(staysNote) : [],
  };
}

/** Objects that are being deleted to be created again. */
function returning(spec: DesiredSpec, { desired }: PlanContext): readonly Pick<Going, 'live' | 'returns'>[] {
  const own = [...desired.recreations.keys()].filter((key) => desired.holders.get(key) === spec.id);
  return own.flatMap((key) => {
    const live = desired.live.get(key);
    return live?.deleting === true ? [{ live, returns: true }] : [];
  });
}

/** A delete that was sent is done only when the object is gone: until then its grant counts, and its finalizers are shown. */
const stillThere = (object: LiveObject): Waiting => ({
  leg: 'kubernetes',
  what: `${objectTitle(object.key)} is still being deleted${finalizers(object)}`,
  on: object.key,
});

/** Only a file that was read, or is known to be gone, tells what is in no spec any more. */
const mayTell = ({ standing }: DesiredSpec, { world }: PlanContext): boolean =>
  world.specs.kind !== 'unavailable' && (standing === 'decoded' || standing === 'gone');

function staysNote(object: LiveObject): readonly Problem[] {
  const why = whyItStays(object);
  return why === undefined || object.deleting ? [] : [problem('PRUNE_DISABLED', `${why}; no spec contains it any more`)];
}

const poolRemoval = (pool: PoolKey, bar: Problem | undefined, returns: boolean): Removal => ({
  key: `pool:${pool}`,
  kind: 'pool',
  title: `pool ${pool}`,
  withPool: false,
  ...(returns ? { returns } : {}),
  bar,
});

/** With the Services whose pools cannot do without one of the objects: these drain before it goes, as if they went themselves. */
const withServices = (objects: readonly LiveObject[], { pools }: DesiredSpec): readonly LiveObject[] => [
  ...new Set([...objects, ...pools.flatMap(({ live, returns }) => (returns ? [live] : []))]),
];

const objectRemoval = ({ live, returns }: Pick<Going, 'live' | 'returns'>, withPool: boolean, bar: Problem | undefined): Removal => ({
  key: `object:${live.key}`,
  kind: 'object',
  title: objectTitle(live.key),
  withPool,
  ...(returns === undefined ? {} : { returns }),
  bar,
});

/** A rename with a typo must not delete: while any file is broken, what its file's absence would remove may live in it. */
function whyMayBelongToBroken(spec: DesiredSpec, context: PlanContext): Problem | undefined {
  const broken = snapshotValue(context.world.specs)?.broken ?? new Map<string, unknown>();
  if (broken.size === 0 || spec.standing === 'decoded') return undefined;
  if (broken.has(spec.id)) return problem('BROKEN_SPEC_MAY_OWN', `what ${spec.id} owns stays while the file is broken`);
  const files = [...broken.keys()].slice(0, 5).join(', ');
  return problem('BROKEN_SPEC_MAY_OWN', `what ${spec.id} owned stays: it may have moved to a file that is broken (${files})`);
}

function whyToStay({ live, returns }: Going, bar: Problem | undefined, context: PlanContext): Problem | undefined {
  if (returns === true) return barOfReturn(`object:${live.key}`, bar, context) ?? whyKindIncomplete(live, context);
  return bar ?? whyKindIncomplete(live, context) ?? whyMayHaveMoved(live, context);
}

/**
 * What bars a removal of something that comes back. Once it was granted, Git may fail: its last word holds, and to stop half-way
 * would leave the pool out of traffic for as long as Git is away.
 */
const barOfReturn = (key: RemovalKey, bar: Problem | undefined, { memory, world }: PlanContext): Problem | undefined =>
  bar !== undefined && memory.removals[key] !== undefined ? whyNoRemoval(world, 'is-return') : bar;

function whyKindIncomplete(object: LiveObject, context: PlanContext): Problem | undefined {
  const snapshot =
    kindOf(object.key) === SERVICE_KIND ? context.world.cluster.services : context.world.cluster.objects.get(kindOf(object.key));
  if (snapshot === undefined || snapshot.kind === 'complete') return undefined;
  return problem('SNAPSHOT_NOT_COMPLETE', `${objectTitle(object.key)} stays: its kind is ${snapshot.kind} (${snapshot.reason.message})`);
}

interface LeavingPool {
  readonly pool: PoolKey;
  readonly returns: boolean;
  readonly registered: boolean;
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
}

/** One transaction takes the pool out; afterwards its draining key is kept until the Service is gone and the time is over. */
function leavePool(
  { pool, why, returns }: { readonly pool: PoolKey; readonly why: string; readonly returns: boolean },
  spec: DesiredSpec,
  context: PlanContext,
): LeavingPool {
  const waiting = whyAgentsFirst(pool, context) ?? whySuccessorFirst(pool, spec, context);
  if (waiting !== undefined) return { pool, returns, registered: true, actions: [], waiting: [waiting] };
  const action = deregisterPool(pool, spec.id, why, context);
  return { pool, returns, registered: action !== undefined, actions: action === undefined ? [] : [action], waiting: [] };
}

/**
 * Agents that are told to register a pool no more follow a moment later: its entry goes, and the drain begins, when they are gone.
 * Those that do not read what they are told are not waited for longer than that.
 */
function whyAgentsFirst(pool: PoolKey, context: PlanContext): Waiting | undefined {
  const { registry, nowMs } = context;
  const told = toldEntry(pool, context);
  if (told?.nodes?.length !== 0 || (registry?.agents?.get(told.service)?.length ?? 0) === 0) return undefined;
  const since = Object.values(drainingOf(pool, registry, context.policy)?.value.ports ?? {});
  const untilMs = Math.max(0, ...since) + LATE_AGENT_MS;
  if (untilMs <= nowMs) return undefined;
  return { leg: 'consul', what: `agents still register pool ${pool}, though they are told not to`, on: pool, untilMs };
}

/** What the objects of a spec wait for before they may be deleted: their pools out of Consul and drained. */
function drainWaits(objects: readonly LiveObject[], leaving: readonly PoolKey[], context: PlanContext): readonly Waiting[] {
  const waits: Waiting[] = [];
  for (const pool of new Set([...leaving, ...objects.flatMap(poolOf)])) {
    const ports = Object.entries(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {});
    const ends = ports.map(([port, sinceMs]) => drainEnd({ pool, port: Number(port), sinceMs }, context));
    const last = ends.toSorted((a, b) => b.atMs - a.atMs)[0];
    if (last === undefined || last.atMs <= context.nowMs) continue;
    const what = `pool ${pool} drains before its objects are deleted${last.why === undefined ? '' : ` (${last.why})`}`;
    waits.push({ leg: 'consul', what, on: pool, ...(Number.isFinite(last.atMs) ? { untilMs: last.atMs } : {}) });
  }
  return waits;
}

const poolOf = (object: LiveObject): readonly PoolKey[] =>
  kindOf(object.key) === SERVICE_KIND && isNodePort(object) ? [poolKey(object.namespace, object.name)] : [];

/** No draining key: a full drain starts, whether or not anyone remembers the pool in Consul (design section 7). */
function startDrains(
  objects: readonly LiveObject[],
  begun: ReadonlySet<PoolKey>,
  { spec, context }: { readonly spec: SpecId; readonly context: PlanContext },
): readonly Action[] {
  return objects.flatMap((object) => {
    const [pool] = poolOf(object);
    if (pool === undefined || begun.has(pool)) return [];
    if (Object.keys(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {}).length > 0) return [];
    const ports = Object.fromEntries(
      portsOf(object.spec).flatMap((port) => (port.nodePort === undefined ? [] : [[String(port.nodePort), context.nowMs]])),
    );
    const write = drainingWrite(pool, spec, ports, context);
    return write === undefined ? [] : [{ kind: 'write-kv' as const, writes: [write], why: `drain of pool ${pool} starts` }];
  });
}

function deleteAction({ live, why }: Going): Action {
  const { key, apiVersion, uid, resourceVersion } = live;
  return { kind: 'delete-object', key, apiVersion, uid, resourceVersion, why };
}

/**
 * Draining keys, and those of moves, whose Service is gone: nothing is left to drain or to move, so they are forgotten. Each for
 * itself, for they may be more than one transaction holds.
 */
export function forgetDrained(context: PlanContext, prefix: string): readonly Action[] {
  if (context.world.cluster.services.kind !== 'complete' || context.world.registry.kind !== 'complete') return [];
  const services = context.world.cluster.services.value;
  const moves = migratingPrefix(context.policy.keyPath, context.policy.cluster);
  return [...context.world.registry.value.kv.values()].flatMap(({ key, modifyIndex }): readonly Action[] => {
    const start = [prefix, moves].find((one) => key.startsWith(one));
    if (start === undefined) return [];
    const pool = key.slice(start.length) as PoolKey;
    const standing = services.has(serviceKey(pool)) || (context.registry?.instances.get(pool)?.length ?? 0) > 0;
    const why = `the ${start === moves ? 'move' : 'drain'} of pool ${pool} is over`;
    return standing ? [] : [{ kind: 'write-kv', writes: [{ key, value: undefined, modifyIndex }], why }];
  });
}
