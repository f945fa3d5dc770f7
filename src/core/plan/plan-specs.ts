import { errorText } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import type { Waiting } from '../model/action.ts';
import type { PoolKey, SpecId } from '../model/ids.ts';
import type { PlanContext } from './context.ts';
import { planSpec } from './plan-spec.ts';
import { routeVerdicts } from './route-conflicts.ts';
import type { SettledPlan } from './settled-plans.ts';
import type { SpecPlan } from './spec-plan.ts';
import type { Changes } from './what-changed.ts';
import { isOnTheMove, isSame, whatChanged } from './what-changed.ts';

/**
 * Plans every spec. A settled one has all it wants, and waits for nothing but its own roll-out and pods: only a change of its
 * file, of its objects and pools, or of something that all specs share can ask for more. While none of these differs from the pass
 * before, its plan is the very same as then, so that a pass costs as much as has changed. What has anything to do, or to wait for,
 * is planned anew each time. A spec that cannot even be planned is told so; the others go on.
 */
export function planSpecs(given: PlanContext): readonly SpecPlan[] {
  const context = { ...given, routes: routeVerdicts(given) };
  const last = context.memos.settled.get('specs');
  const touched = last === undefined ? 'all' : touchedSpecs(whatChanged(last.look, context), context);
  const bySpec = new Map<SpecId, SettledPlan>();
  const plans: SpecPlan[] = [];
  for (const spec of context.desired.specs.values()) {
    const decisions = spec.pools.map(({ pool }) => context.decisions.get(pool));
    const known = touched === 'all' || touched.has(spec.id) ? undefined : last?.bySpec.get(spec.id);
    const routes = context.routes.problems.get(spec.id);
    if (known !== undefined && isUnchanged(known, { spec, decisions, routes }, context)) {
      bySpec.set(spec.id, known);
      plans.push(known.plan);
      continue;
    }
    const plan = planFenced(spec, context);
    if (isSettled(plan, spec, context)) bySpec.set(spec.id, { spec, decisions, routes, plan });
    plans.push(plan);
  }
  const { world, registry, removalBar, policy } = context;
  context.memos.settled.set('specs', { look: { world, registry, removalBar, policy }, bySpec });
  return plans;
}

function touchedSpecs(changes: Changes | 'all', { desired, views }: PlanContext): ReadonlySet<SpecId> | 'all' {
  if (changes === 'all' || desired.recreations.size > 0) return 'all';
  const objects = [...changes.objects].map((key) => desired.holders.get(key));
  const pools = [...changes.pools].map((pool) => views.get(pool)?.spec);
  return new Set([...objects, ...pools].filter((id) => id !== undefined));
}

const isUnchanged = (known: SettledPlan, { spec, decisions, routes }: Omit<SettledPlan, 'plan'>, { desired }: PlanContext): boolean =>
  known.spec.spec === spec.spec &&
  known.spec.standing === spec.standing &&
  isSame(known.spec.problems, spec.problems) &&
  isSame(known.spec.pools, spec.pools) &&
  isSame(known.decisions, decisions) &&
  known.routes === routes &&
  spec.leftovers.length + spec.orphanPools.length === 0 &&
  !spec.pools.some(({ pool }) => desired.nameConflicts.has(pool));

/** Whether a plan depends on nothing but what `whatChanged` and `isUnchanged` compare. */
function isSettled(plan: SpecPlan, spec: DesiredSpec, context: PlanContext): boolean {
  const { actions, removals, removing, whileHeld, holds, unapplied, resting, putOff } = plan;
  const open = [actions, removals, removing, whileHeld, holds, unapplied, resting ?? [], putOff ?? [], spec.leftovers, spec.orphanPools];
  return (
    spec.standing === 'decoded' &&
    open.every((list) => list.length === 0) &&
    plan.waiting.every((waiting) => isOwnWait(waiting, plan)) &&
    plan.problems.every((one) => isOwnProblem(one, spec) || context.routes?.problems.get(spec.id)?.includes(one) === true) &&
    !context.dependencies.of.has(spec.id) &&
    spec.pools.every(({ pool }) => isPoolSettled(pool, context))
  );
}

/** Waiting for the end of a roll-out, for a NodePort, or for the first pod behind a pool: its own objects and endpoints tell. */
const isOwnWait = ({ on, untilMs, rollout }: Waiting, { pools }: SpecPlan): boolean =>
  untilMs === undefined && (rollout === true || pools.some((pool) => pool === on));

const isOwnProblem = (one: Problem, { problems, pools }: DesiredSpec): boolean =>
  one.code === 'ROLLOUT_FAILED' || problems.includes(one) || pools.some((view) => view.problems.includes(one));

const isPoolSettled = (pool: PoolKey, context: PlanContext): boolean =>
  context.decisions.get(pool)?.lookAgainAtMs === undefined && !context.desired.nameConflicts.has(pool) && !isOnTheMove(pool, context);

function planFenced(spec: DesiredSpec, context: PlanContext): SpecPlan {
  try {
    return planSpec(spec, context);
  } catch (error) {
    const problems = [...spec.problems, problem('INTERNAL', `${spec.id} cannot be planned: ${errorText(error)}`)];
    return { ...NOTHING_TO_DO, spec: spec.id, standing: spec.standing, problems, pools: spec.pools.map((view) => view.pool) };
  }
}

/** A plan with nothing in it. */
export const NOTHING_TO_DO: Omit<SpecPlan, 'spec' | 'standing'> = {
  actions: [],
  waiting: [],
  problems: [],
  removals: [],
  removing: [],
  whileHeld: [],
  holds: [],
  pools: [],
  unapplied: [],
};
