import type { Problem } from '../../shared/problem.ts';
import type { Action, NodeAction, Waiting } from '../model/action.ts';
import type { PoolKey } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { actionTitle } from '../plan/action-title.ts';
import type { PlanContext } from '../plan/context.ts';
import type { PutOff, Removal, SpecPlan } from '../plan/spec-plan.ts';
import type { ChangeStanding, PlannedActions, PlannedChange } from './plan-diff.ts';
import { changesOf, leavingChanges } from './plan-diff.ts';
import type { ActionReport, RunReport } from './run-report.ts';

/** What a plan was made from, and what became of it so far. */
export interface PlanFacts {
  readonly context: PlanContext;
  readonly report: Pick<RunReport, 'specs' | 'actions'>;
}

/**
 * All that is not yet as it should be, with the values before and after as far as they are known: what is done next, and what
 * waits, is held or has failed, with the reason. Nothing of a spec that is in step. Pure.
 */
export function pendingChanges(plans: readonly PlannedActions[], facts: PlanFacts): readonly PlannedChange[] {
  const bySpec = new Map(facts.report.specs.map(({ id, actions }) => [id, actions]));
  return plans.flatMap(({ spec, actions, plan }) => {
    const tried = spec === undefined ? facts.report.actions : bySpec.get(spec);
    const standing = standings(plan, tried ?? []);
    const open = actions.flatMap((action) => changesOf(action, { spec, standing: standing(action) }, facts.context));
    return plan === undefined
      ? open
      : [...open, ...putOffs(plan, facts.context), ...removals(plan, facts.context), ...waitingPools(plan, facts.context)];
  });
}

/** How far the actions of a plan are: what went wrong in the last run is told with what was said of it. */
function standings(plan: SpecPlan | undefined, tried: readonly ActionReport[]): (action: Action | NodeAction) => ChangeStanding {
  const resting = new Set<Action | NodeAction>(plan?.resting);
  const errors = (plan?.problems ?? []).filter(({ severity }) => severity === 'error');
  return (action) => {
    const on = actionTitle(action);
    const failed = tried.find((one) => one.result === 'failed' && one.op === action.kind && one.on === on)?.problem;
    if (failed !== undefined) return troubleOf('failed', failed);
    if (!resting.has(action)) return { state: 'planned' };
    const told = errors.find(({ message }) => message.includes(on)) ?? errors.at(-1);
    return told === undefined ? { state: 'failed', reason: 'it was refused before' } : troubleOf('failed', told);
  };
}

const troubleOf = (state: 'held' | 'failed', { message, remedy, code }: Problem): ChangeStanding => ({
  state,
  reason: message,
  remedy,
  code,
});

function putOffs(plan: SpecPlan, context: PlanContext): readonly PlannedChange[] {
  return (plan.putOff ?? []).flatMap(({ op, key, apply, ...why }): readonly PlannedChange[] => {
    const standing = standingOf(why, plan.waiting);
    if (apply !== undefined) return changesOf(apply, { spec: plan.spec, standing }, context);
    return [{ spec: plan.spec, leg: 'kubernetes', op, on: objectTitle(key), why: [], lines: [], ...standing }];
  });
}

function standingOf({ state, reason, problem }: Pick<PutOff, 'state' | 'reason' | 'problem'>, waiting: readonly Waiting[]): ChangeStanding {
  if (problem !== undefined) return troubleOf('failed', problem);
  const untilMs = waiting.find(({ what }) => what === reason)?.untilMs;
  return { state: state === 'refused' ? 'failed' : state, reason, ...(untilMs === undefined ? {} : { untilMs }) };
}

/** What is to leave and that no action takes away now: what the guard holds, and what goes when something else has. */
function removals(plan: SpecPlan, context: PlanContext): readonly PlannedChange[] {
  const { spec, holds } = plan;
  // One that follows the nodes of a pool does not take it away.
  const going = [...plan.actions, ...(plan.resting ?? [])].filter(({ kind }) => kind !== 'register-pool');
  const titles = new Set(going.map(actionTitle));
  return plan.removals
    .filter(({ title }) => !titles.has(title))
    .flatMap((removal): readonly PlannedChange[] => {
      const hold = holds.find(({ what }) => what === removal.title) ?? holds[0];
      const standing = hold === undefined ? waitOf(removal, plan) : troubleOf('held', hold.reason);
      if (standing === undefined) return [];
      if (removal.kind === 'pool') return leavingChanges(removal.key.slice('pool:'.length) as PoolKey, { spec, standing }, context);
      return [{ spec, leg: 'kubernetes', op: 'delete-object', on: removal.title, why: [], lines: [], ...standing }];
    });
}

/** What a removal that may go waits for: something of its own, else the pools of its spec. Undefined: a pool that is only handed over. */
function waitOf({ key, kind }: Removal, { waiting, pools, actions }: SpecPlan): ChangeStanding | undefined {
  const own = waiting.find(({ on }) => on !== undefined && key.endsWith(`:${on}`));
  if (kind === 'pool' && own === undefined) return undefined;
  const wait = own ?? waiting.find(({ on }) => pools.some((pool) => pool === on)) ?? waiting.find(({ leg }) => leg === 'consul');
  if (wait !== undefined) return { state: 'waiting', reason: wait.what, ...(wait.untilMs === undefined ? {} : { untilMs: wait.untilMs }) };
  const first = actions.flatMap((action) => (action.kind === 'deregister-pool' ? [action.pool] : []));
  const what = first.length === 0 ? 'its pool drains first' : `pool ${first.join(', ')} leaves Consul and drains first`;
  return { state: 'waiting', reason: what };
}

/** Pools that are not registered as they should be, and for which nothing can be done yet. */
function waitingPools(plan: SpecPlan, { views }: PlanContext): readonly PlannedChange[] {
  const busy = new Set<string>([...plan.actions.map(actionTitle), ...plan.removals.map(({ title }) => title)]);
  return plan.waiting.flatMap(({ what, on, rollout, untilMs }): readonly PlannedChange[] => {
    const pool = plan.pools.find((one) => one === on);
    if (pool === undefined || rollout === true || busy.has(`pool ${pool}`) || views.get(pool)?.leaving !== undefined) return [];
    const until = untilMs === undefined ? {} : { untilMs };
    return [
      {
        spec: plan.spec,
        leg: 'consul',
        op: 'register-pool',
        on: `pool ${pool}`,
        why: [],
        lines: [],
        state: 'waiting',
        reason: what,
        ...until,
      },
    ];
  });
}
