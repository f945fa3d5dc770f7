import pLimit from 'p-limit';
import type { Desired } from '../core/desired/build-desired.ts';
import type { ApplyObject } from '../core/model/action.ts';
import { splitObjectKey } from '../core/model/ids.ts';
import type { Cluster } from '../core/model/ports.ts';
import type { Guarded } from '../core/plan/guard-run.ts';
import type { SpecPlan } from '../core/plan/spec-plan.ts';
import type { Outcome } from './apply-plan.ts';
import { TRIALS_AT_ONCE } from './apply-plan.ts';
import { placeProblems } from './place-problems.ts';
import type { Check } from './try-spec.ts';
import { tryAll } from './try-spec.ts';

/** What of a pass is checked. */
interface Checkable {
  readonly context: { readonly desired: Desired };
  readonly guarded: Guarded;
  readonly namespaces: readonly ApplyObject[];
}

/** The pass, each plan with what the API server would refuse of it, told by dry runs of every object, side by side. */
export async function checkPass<P extends Checkable>(pass: P, cluster: Cluster, signal: AbortSignal): Promise<P> {
  const trials = pLimit(TRIALS_AT_ONCE);
  const check: Check = (action) => trials(() => cluster.check(action, signal));
  const { guarded, namespaces, context } = pass;
  // What goes into a namespace that would be made first cannot be tried before that is there.
  const made = new Set(namespaces.map(({ object }) => object.metadata.name));
  const plans = await Promise.all(
    guarded.plans.map(async (plan) => {
      const problems = await refusalsOf(plan, made, { check, desired: context.desired });
      return problems.length === 0 ? plan : { ...plan, problems: [...plan.problems, ...problems] };
    }),
  );
  return { ...pass, guarded: { ...guarded, plans } };
}

async function refusalsOf(
  plan: SpecPlan,
  made: ReadonlySet<string>,
  { check, desired }: { readonly check: Check; readonly desired: Desired },
): Promise<SpecPlan['problems']> {
  const applies = plan.actions.filter((action) => action.kind === 'apply-object');
  const triable = applies.filter(({ key }) => !made.has(splitObjectKey(key).namespace));
  const refusals = await tryAll(triable, check);
  const outcomes = triable.flatMap((action): readonly Outcome[] => {
    const problem = refusals.get(action.key);
    return problem === undefined ? [] : [{ spec: plan.spec, action, result: 'failed', problem }];
  });
  return placeProblems(outcomes, desired).flatMap(({ problem }) => problem ?? []);
}
