import type { Desired } from '../core/desired/build-desired.ts';
import type { SpecId } from '../core/model/ids.ts';
import type { SpecObject } from '../core/model/objects.ts';
import type { Outcome } from './apply-plan.ts';
import { isClusterAction } from './apply-plan.ts';

/** The outcomes, what was refused of an object with the place in its file where the object begins. */
export function placeProblems(outcomes: readonly Outcome[], { specs }: Pick<Desired, 'specs'>): readonly Outcome[] {
  const writtenIn = (spec: SpecId | undefined): readonly SpecObject[] => (spec === undefined ? [] : (specs.get(spec)?.spec?.objects ?? []));
  return outcomes.map((outcome) => {
    const { spec, action, problem } = outcome;
    if (spec === undefined || problem === undefined || problem.where !== undefined || !isClusterAction(action)) return outcome;
    const written = writtenIn(spec).find(({ key }) => key === action.key);
    return written === undefined ? outcome : { ...outcome, problem: { ...problem, where: { file: spec, ...written.where } } };
  });
}
