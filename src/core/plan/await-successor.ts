import type { DesiredSpec } from '../desired/build-desired.ts';
import { serviceKey } from '../desired/build-desired.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { Waiting } from '../model/action.ts';
import type { PoolKey } from '../model/ids.ts';
import type { PlanContext } from './context.ts';

/**
 * That a pool whose Service its spec has dropped goes on while another one of that spec is about to come in: a Service that is renamed
 * keeps its route until the pods behind its new name are ready. Not for longer than a drain waits at most, counted from the apply of
 * the new Service: it may have nothing to do with the old one, and never be ready.
 */
export function whySuccessorFirst(pool: PoolKey, spec: DesiredSpec, context: PlanContext): Waiting | undefined {
  const { desired, policy, nowMs } = context;
  // What agents are told is theirs to follow, sooner or later.
  if (policy.registration === 'kv' || desired.holders.has(serviceKey(pool)) || !isRegistered(pool, context)) return undefined;
  // Without its Service the NodePort is closed, or somebody else's by now.
  const own = spec.pools.find((view) => view.pool === pool);
  if (own === undefined || own.live.deleting) return undefined;
  const waits = spec.pools.flatMap((view) => {
    const { appliedAtMs } = view.live;
    if (view.pool === pool || appliedAtMs === undefined || !isAboutToEnter(view, context)) return [];
    const untilMs = appliedAtMs + policy.maxWaitMs;
    // By a clock that is further ahead than that nobody could tell when it ends.
    const isTold = untilMs > nowMs && appliedAtMs <= nowMs + policy.maxWaitMs;
    return isTold ? [{ next: view.pool, untilMs }] : [];
  });
  const [last] = waits.toSorted((a, b) => b.untilMs - a.untilMs);
  if (last === undefined) return undefined;
  return { leg: 'consul', what: `pool ${pool} goes on until pool ${last.next} of its spec is in Consul`, on: pool, untilMs: last.untilMs };
}

const isRegistered = (pool: PoolKey, { registry }: PlanContext): boolean => (registry?.instances.get(pool)?.length ?? 0) > 0;

function isAboutToEnter(view: PoolView, context: PlanContext): boolean {
  const { pool, leaving, mayEnter, problems } = view;
  if (leaving !== undefined || !mayEnter || isRegistered(pool, context)) return false;
  const isRefused = context.desired.nameConflicts.has(pool) || context.routes?.setAside.has(pool) === true;
  return !isRefused && problems.every(({ severity }) => severity !== 'error');
}
