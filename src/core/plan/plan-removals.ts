import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import { serviceKey } from '../desired/build-desired.ts';
import { isNodePort } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import type { Action, DeregisterPool, Waiting } from '../model/action.ts';
import type { PoolKey } from '../model/ids.ts';
import { kindOf, objectTitle, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import { drainingOf, drainMs } from './context.ts';
import { byApplyOrder } from './order.ts';
import { isNeverDeleted } from './plan-objects.ts';
import { deregisterPool } from './plan-pool.ts';
import { drainingWrite } from './pool-entries.ts';
import type { Removal } from './spec-plan.ts';

/** What leaves with one spec: pools out of Consul first, objects out of Kubernetes when the pools have drained. */
export interface RemovalPlan {
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
  readonly removals: readonly Removal[];
}

/**
 * Plans what is to leave of one spec, in the order of promise 8, and the pools that are handed over to agents. Whether any of
 * it may is the guard's to say.
 */
export function planRemovals(spec: DesiredSpec, handOvers: readonly DeregisterPool[], context: PlanContext): RemovalPlan {
  const leaving = [
    ...spec.pools.flatMap((view) => (view.leaving === undefined ? [] : [{ pool: view.pool, why: view.leaving }])),
    ...spec.orphanPools.map((pool) => ({ pool, why: 'its Service is neither in the cluster nor in a spec' })),
  ];
  const bar = context.removalBar ?? whyMayBelongToBroken(spec, context);
  const pools = leaving.map(({ pool, why }) => leavePool(pool, why, spec, context));
  const objects = spec.leftovers.filter((object) => !object.deleting && !isNeverDeleted(object.key));
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
    ...pools.flatMap((pool) => (pool.registered ? [poolRemoval(pool.pool, bar)] : [])),
    ...handOvers.map(({ pool }) => poolRemoval(pool, bar)),
    ...objects.map((object) => objectRemoval(object, leaving.length > 0, bar ?? whyKindIncomplete(object, context))),
  ];
  const starts = objects.length === 0 ? [] : startDrains(objects, spec.id, context);
  const deletes = drained && starts.length === 0 ? [...objects].sort((a, b) => byApplyOrder(b.key, a.key)).map(deleteAction) : [];
  return { actions: [...handOvers, ...pools.flatMap((pool) => pool.actions), ...starts, ...deletes], waiting: waits, removals };
}

const poolRemoval = (pool: PoolKey, bar: Problem | undefined): Removal => ({
  key: `pool:${pool}`,
  kind: 'pool',
  title: `pool ${pool}`,
  withPool: false,
  bar,
});

const objectRemoval = ({ key }: LiveObject, withPool: boolean, bar: Problem | undefined): Removal => ({
  key: `object:${key}`,
  kind: 'object',
  title: objectTitle(key),
  withPool,
  bar,
});

/** A rename with a typo must not delete: while any file is broken, what its file's absence would remove may live in it. */
function whyMayBelongToBroken(spec: DesiredSpec, context: PlanContext): Problem | undefined {
  const broken = snapshotValue(context.world.specs)?.broken ?? new Map<string, unknown>();
  if (broken.size === 0 || spec.standing === 'decoded') return undefined;
  const files = [...broken.keys()].slice(0, 5).join(', ');
  return problem('BROKEN_SPEC_MAY_OWN', `what ${spec.id} owned stays: it may have moved to a file that is broken (${files})`);
}

function whyKindIncomplete(object: LiveObject, context: PlanContext): Problem | undefined {
  const snapshot =
    kindOf(object.key) === SERVICE_KIND ? context.world.cluster.services : context.world.cluster.objects.get(kindOf(object.key));
  if (snapshot === undefined || snapshot.kind === 'complete') return undefined;
  return problem('SNAPSHOT_NOT_COMPLETE', `${objectTitle(object.key)} stays: its kind is ${snapshot.kind} (${snapshot.reason.message})`);
}

interface LeavingPool {
  readonly pool: PoolKey;
  readonly registered: boolean;
  readonly actions: readonly Action[];
}

/** One transaction takes the pool out; afterwards its draining key is kept until the Service is gone and the time is over. */
function leavePool(pool: PoolKey, why: string, spec: DesiredSpec, context: PlanContext): LeavingPool {
  const action = deregisterPool(pool, spec.id, why, context);
  return { pool, registered: action !== undefined, actions: action === undefined ? [] : [action] };
}

/** What the objects of a spec wait for before they may be deleted: their pools out of Consul and drained. */
function drainWaits(objects: readonly LiveObject[], leaving: readonly PoolKey[], context: PlanContext): readonly Waiting[] {
  const waits: Waiting[] = [];
  for (const pool of new Set([...leaving, ...objects.flatMap(poolOf)])) {
    const sinceMs = Math.max(0, ...Object.values(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {}));
    const untilMs = sinceMs + drainMs(context.views.get(pool), context.policy);
    if (sinceMs > 0 && untilMs > context.nowMs)
      waits.push({ leg: 'consul', what: 'the pool drains before its objects are deleted', on: pool, untilMs });
  }
  return waits;
}

const poolOf = (object: LiveObject): readonly PoolKey[] =>
  kindOf(object.key) === SERVICE_KIND && isNodePort(object) ? [poolKey(object.namespace, object.name)] : [];

/** No draining key: a full drain starts, whether or not anyone remembers the pool in Consul (design section 7). */
function startDrains(objects: readonly LiveObject[], spec: string, context: PlanContext): readonly Action[] {
  return objects.flatMap((object) => {
    const [pool] = poolOf(object);
    if (pool === undefined || (context.registry?.instances.get(pool)?.length ?? 0) > 0) return [];
    if (Object.keys(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {}).length > 0) return [];
    const ports = Object.fromEntries(
      portsOf(object.spec).flatMap((port) => (port.nodePort === undefined ? [] : [[String(port.nodePort), context.nowMs]])),
    );
    const write = drainingWrite(pool, spec, ports, context);
    return write === undefined ? [] : [{ kind: 'write-kv' as const, writes: [write], why: `drain of pool ${pool} starts` }];
  });
}

function deleteAction(object: LiveObject): Action {
  const { key, apiVersion, uid, resourceVersion } = object;
  return { kind: 'delete-object', key, apiVersion, uid, resourceVersion, why: 'no spec contains it any more' };
}

/** Draining keys whose Service is gone: nothing is left to drain, so they are forgotten. */
export function forgetDrained(context: PlanContext, prefix: string): readonly Action[] {
  if (context.world.cluster.services.kind !== 'complete' || context.world.registry.kind !== 'complete') return [];
  const services = context.world.cluster.services.value;
  const writes = [...context.world.registry.value.kv.values()].flatMap((entry) => {
    if (!entry.key.startsWith(prefix)) return [];
    const pool = entry.key.slice(prefix.length) as PoolKey;
    const standing = services.has(serviceKey(pool)) || (context.registry?.instances.get(pool)?.length ?? 0) > 0;
    return standing ? [] : [{ key: entry.key, value: undefined, modifyIndex: entry.modifyIndex }];
  });
  return writes.length === 0 ? [] : [{ kind: 'write-kv', writes, why: 'drains that are over' }];
}
