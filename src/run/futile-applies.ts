import type { ObjectKey } from '../core/model/ids.ts';
import type { PlanContext } from '../core/plan/context.ts';
import type { FutileApply } from '../core/plan/futile-apply.ts';
import { hashOfSent } from '../core/plan/futile-apply.ts';
import { judgeStep } from '../core/plan/in-step.ts';
import type { Outcome } from './apply-plan.ts';

/** The applies that did not stay, by object. Kept in memory only: after a restart each is tried once more. */
export type FutileApplies = Map<ObjectKey, FutileApply>;

/** Notes the applies of a pass whose own answers are not in step with what was sent, and forgets those whose answers are. */
export function noteFutileApplies(outcomes: readonly Outcome[], known: FutileApplies): void {
  for (const { action, stored } of outcomes) {
    if (action.kind !== 'apply-object' || stored === undefined) continue;
    if (judgeStep(action.object, stored).kind === 'in-step') known.delete(action.key);
    else known.set(action.key, { hash: hashOfSent(action.object), live: stored });
  }
}

/** Forgets objects that no spec contains any more. */
export function forgetFutileApplies(known: FutileApplies, { desired }: PlanContext): void {
  for (const key of known.keys()) if (!desired.holders.has(key)) known.delete(key);
}
