import type { Problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import type { Action, DeregisterPool, Waiting } from '../model/action.ts';
import { kindOf, SERVICE_KIND } from '../model/ids.ts';
import type { PlanContext } from './context.ts';
import { planObjects } from './plan-objects.ts';
import { planPool } from './plan-pool.ts';
import { planRemovals } from './plan-removals.ts';
import type { SpecPlan } from './spec-plan.ts';

/**
 * Plans one spec: objects to apply, pools to register, pools and objects to remove, in that order. Pure. A broken spec, one
 * that is set aside, or one whose file is gone applies nothing, but its pools go on from the live Services. Removals are
 * planned as if allowed; the guard takes them out where they are not. Nothing of a spec is applied while one of its objects is
 * refused.
 */
export function planSpec(spec: DesiredSpec, context: PlanContext): SpecPlan {
  const actions: Action[] = [];
  const whileHeld: Action[] = [];
  const handOvers: DeregisterPool[] = [];
  const waiting: Waiting[] = [];
  const problems: Problem[] = [...spec.problems];
  const steps = spec.standing === 'decoded' ? planObjects(spec, context) : [];
  const refused = steps.some(({ step }) => step.kind === 'refused');
  for (const { key, step } of steps) {
    if (step.kind === 'apply' && !refused) actions.push(step.action);
    else if (step.kind === 'wait') waiting.push(step.waiting);
    else if (step.kind === 'refused') problems.push(step.problem);
    else if (step.kind === 'drain-first') {
      waiting.push({ leg: 'consul', what: `NodePort ${step.ports.join(', ')} drains before the Service changes its type`, on: key });
    }
  }
  for (const view of spec.pools) {
    problems.push(...view.problems);
    const step = planPool(view, context);
    if (view.leaving !== undefined) {
      if (step.action?.kind === 'register-pool') whileHeld.push(step.action);
      continue;
    }
    if (step.handOver !== undefined) handOvers.push(step.handOver);
    if (step.action !== undefined) (step.handOver === undefined ? actions : whileHeld).push(step.action);
    waiting.push(...step.waiting);
    problems.push(...step.problems);
  }
  const leaving = planRemovals(spec, handOvers, context);
  return {
    spec: spec.id,
    standing: spec.standing,
    actions,
    waiting: [...waiting, ...leaving.waiting],
    problems,
    removals: leaving.removals,
    removing: leaving.actions,
    whileHeld,
    holds: [],
    unapplied: refused ? steps.flatMap(({ key, step }) => (step.kind === 'apply' && kindOf(key) === SERVICE_KIND ? [key] : [])) : [],
    pools: spec.pools.map((view) => view.pool),
  };
}
