import type { RegisterPool } from '../model/action.ts';
import { drainingKey, NODE_CHECK_ID, poolCheckId } from '../model/consul-names.ts';
import type { PoolKey } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { RegisteredCheck } from '../model/registration.ts';
import type { PlanContext } from './context.ts';
import { nudgedAtMs, nudgeMark } from './nudge-mark.ts';
import { registeredOf } from './plan-pool.ts';
import type { SpecPlan } from './spec-plan.ts';

/** The least time between two nudges, in ms: each is a write. */
export const NUDGE_EVERY_MS = 5 * 60_000;

/** A touch of a check that makes Traefik look at Consul again, and when it may be done. */
export interface Nudge {
  readonly atMs: number;
  readonly action: RegisterPool;
}

/**
 * What is to be done about pools of which a replica has not followed, though it answers. A Traefik that is told of changes
 * (`watch: true`) looks at the whole catalog when any check changes: so one check is touched for all pools, once for what is
 * registered of each. Its output says when, so that neither a restart nor another leader touches it again; nothing compares it.
 * Undefined when nothing is left to try: a Traefik that polls is not waiting for anything.
 */
export function planNudge(behind: ReadonlySet<PoolKey>, changing: ReadonlySet<PoolKey>, context: PlanContext): Nudge | undefined {
  const { registry, policy } = context;
  if (registry === undefined || policy.refresh?.kind === 'poll') return undefined;
  const checks = poolChecks(context);
  const marks = [...checks.values()].flatMap((check) => {
    const atMs = nudgedAtMs(check.output);
    return atMs === undefined ? [] : [{ atMs, index: check.modifyIndex }];
  });
  const coveredTo = Math.max(0, ...marks.map(({ index }) => index));
  const waiting = [...behind].filter((pool) => registeredAt(pool, context) > coveredTo);
  if (waiting.length === 0) return undefined;
  // Its own check where it has one: what a Traefik may not see of Consul does not wake it.
  const candidates = [...waiting.sort(byBytes), ...[...checks.keys()].sort(byBytes)].filter((pool) => !changing.has(pool));
  const check = candidates.map((pool) => checks.get(pool)).find((found) => found !== undefined);
  const pool = candidates.find((one) => checks.get(one) === check);
  if (check === undefined || pool === undefined) return undefined;
  const atMs = Math.max(context.nowMs, ...marks.map((mark) => mark.atMs + NUDGE_EVERY_MS));
  const touched = { ...check, output: nudgeMark(context.nowMs) };
  const nothing = { set: [], remove: [], removeChecks: [], kv: [] };
  const changes = ['its check is touched so that Traefik looks again'];
  return { atMs, action: { kind: 'register-pool', pool, service: check.service, ...nothing, checks: [touched], changes } };
}

/** The nudge as an action of this pass, if one is due; never of a pool that changes in it anyway. */
export function nudgeNow(
  behind: ReadonlySet<PoolKey> | undefined,
  plans: readonly Pick<SpecPlan, 'actions'>[],
  context: PlanContext,
): readonly RegisterPool[] {
  if (behind === undefined || behind.size === 0) return [];
  const changing = plans.flatMap(({ actions }) => actions.flatMap((action) => ('pool' in action ? [action.pool] : [])));
  const nudge = planNudge(behind, new Set(changing), context);
  return nudge === undefined || nudge.atMs > context.nowMs ? [] : [nudge.action];
}

/** When a check was last touched so that Traefik looks again, in ms since the epoch; undefined: never. */
export function lastNudgeMs(context: PlanContext): number | undefined {
  const times = [...poolChecks(context).values()].flatMap(({ output }) => nudgedAtMs(output) ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The check that stands for each registered pool. */
function poolChecks({ registry, checksByInstance }: PlanContext): ReadonlyMap<PoolKey, RegisteredCheck> {
  const found = new Map<PoolKey, RegisteredCheck>();
  for (const [pool, instances] of registry?.instances ?? []) {
    const id = poolCheckId(pool);
    for (const { consulNode, id: instance } of instances) {
      const own = checksByInstance.get(`${consulNode}/${instance}`)?.find(({ checkId }) => checkId === id);
      if (own !== undefined) found.set(pool, own);
    }
  }
  return found;
}

/** Consul's index of the last change of what is registered of a pool; of one that has left, of the record of its leaving. */
function registeredAt(pool: PoolKey, context: PlanContext): number {
  const { registry, policy } = context;
  const { instances, checks } = registeredOf(pool, context);
  const nodes = instances.map(({ consulNode }) => registry?.checks.get(`${consulNode}/${NODE_CHECK_ID}`)?.modifyIndex ?? 0);
  const left = registry?.kv.get(drainingKey(policy.keyPath, policy.cluster, pool))?.modifyIndex ?? 0;
  // consul-esm writes what it finds at any time.
  const own = [...instances, ...checks.filter(({ probe }) => probe === undefined)].map(({ modifyIndex }) => modifyIndex);
  return Math.max(0, left, ...nodes, ...own);
}
