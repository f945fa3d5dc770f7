import { problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { fieldManager, MARKS } from '../model/marks.ts';
import type { LiveObject, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { ObjectStep } from './steps.ts';

/** An apply that the API server took, and whose own answer is not in step with it. */
export interface FutileApply {
  /** Hash of what was sent. */
  readonly hash: string | undefined;
  /** The object as the answer showed it. */
  readonly live: LiveObject;
}

/** What the step is about. */
export interface StepSubject {
  readonly spec: SpecId;
  readonly wanted: SpecObject;
  readonly live: LiveObject;
}

/**
 * The step, or that there is nothing to do and why it shows otherwise: the very same was sent before, and the object still is what
 * came of it. Something undoes part of every apply before it is stored, such as an admission webhook that takes our hash away;
 * sending it again would do the same for ever.
 */
export function unlessFutile(step: ObjectStep, futile: FutileApply | undefined, subject: StepSubject, policy: Policy): ObjectStep {
  if (futile === undefined || step.kind !== 'apply' || hashOfSent(step.action.object) !== futile.hash) return step;
  const { spec, wanted, live } = subject;
  if (!isSameForUs(live, futile.live)) return step;
  const isHash = live.annotations[MARKS.hash] !== futile.hash;
  const what = isHash ? `its annotation ${MARKS.hash} does not stay` : `others keep ${step.action.changes.join(', ')}`;
  const others = live.managers.filter(({ name, subresource }) => subresource === '' && name !== fieldManager(policy.owner));
  const names = [...new Set(others.map(({ name }) => name))];
  const who = names.length === 0 ? '' : ` (besides us, ${names.join(', ')} wrote it)`;
  const message = `the API server takes our apply of ${objectTitle(live.key)}, but ${what}${who}`;
  return { kind: 'in-step', problem: problem('KUBERNETES_NO_EFFECT', message, { where: { file: spec, ...wanted.where } }) };
}

/** The hash annotation covers all that is sent. */
export const hashOfSent = (object: SpecObject['object']): string | undefined => object.metadata.annotations?.[MARKS.hash];

/** Whether nothing has happened to what is ours. What others write beside it, such as a status, an apply would change as little as before. */
function isSameForUs(a: LiveObject, b: LiveObject): boolean {
  const isSame = a.uid === b.uid && a.annotations[MARKS.hash] === b.annotations[MARKS.hash];
  return a === b || (isSame && JSON.stringify(a.ourFields) === JSON.stringify(b.ourFields));
}
