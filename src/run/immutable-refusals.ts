import type { ImmutableRefusal } from '../core/desired/recreations.ts';
import { wantedHash } from '../core/desired/recreations.ts';
import type { ApplyObject } from '../core/model/action.ts';
import type { ObjectKey, SpecId } from '../core/model/ids.ts';
import type { PlanContext } from '../core/plan/context.ts';
import { isToRecreate } from '../core/plan/plan-recreate.ts';
import type { Outcome } from './apply-plan.ts';

/**
 * The changes that were refused because a field is immutable, of objects that may be deleted and created again. Kept in memory
 * only: after a restart the next try is refused again, and tells the same.
 */
export type ImmutableRefusals = Map<ObjectKey, ImmutableRefusal>;

/** What is known of refusals in a run. */
export interface KnownRefusals {
  readonly immutable: ImmutableRefusals;
  /** Services that follow what runs, since they could not be applied. */
  readonly refused: Set<ObjectKey>;
}

/** The outcomes as they are to be told, and whether they have taught anything that calls for another look. */
export interface Lesson {
  readonly outcomes: readonly Outcome[];
  readonly learnt: boolean;
}

/**
 * Learns from the outcomes of a pass which objects are to be deleted and created again. Not where something else of the spec was
 * refused as well: what is deleted then might not be created. Such a refusal is no failure but the first step, and is told as a
 * note.
 */
export function learnRefusals(outcomes: readonly Outcome[], context: PlanContext, known: KnownRefusals): Lesson {
  const failed = new Set<SpecId | undefined>(
    outcomes.flatMap((one) => (one.result === 'failed' && !isToRecreate(one.action, one.problem) ? [one.spec] : [])),
  );
  let learnt = false;
  const told = outcomes.map((outcome): Outcome => {
    const { action, problem } = outcome;
    if (action.kind !== 'apply-object') return outcome;
    if (action.why === 'create' && problem?.code === 'KUBERNETES_REFUSED' && known.immutable.delete(action.key)) learnt = true;
    if (problem === undefined || failed.has(outcome.spec) || !isToRecreate(action, problem) || !learn(action, outcome, context, known))
      return outcome;
    learnt = true;
    return { ...outcome, problem: { ...problem, severity: 'note', remedy: NOTHING_TO_DO } };
  });
  return { outcomes: told, learnt };
}

const NOTHING_TO_DO = 'Nothing has to be done: the object is deleted and created again; pools that it serves are drained first.';

function learn(action: ApplyObject, { spec, problem }: Outcome, { desired }: PlanContext, known: KnownRefusals): boolean {
  const wanted = spec === undefined ? undefined : desired.specs.get(spec)?.spec?.objects.find(({ key }) => key === action.key);
  const live = desired.live.get(action.key);
  if (wanted === undefined || live === undefined) return false;
  const fields = problem?.fields ?? [];
  const what = fields.length === 0 ? 'a field of it is immutable' : `${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} immutable`;
  known.immutable.set(action.key, { wantedHash: wantedHash(wanted), live, what });
  known.refused.delete(action.key);
  return true;
}

/** Forgets the refusals that say nothing any more: something else is wanted, or another object stands there. */
export function forgetRefusals(immutable: ImmutableRefusals, { desired }: PlanContext): void {
  for (const key of immutable.keys()) if (!desired.recreations.has(key)) immutable.delete(key);
}
