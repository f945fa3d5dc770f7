import type { ObjectKey } from '../model/ids.ts';
import { MARKS } from '../model/marks.ts';
import type { LiveObject } from '../model/objects.ts';

/** The value of the id annotation: the owner and the object's own identity. A copy carries its original's, which shows. */
export const identityOf = (owner: string, key: ObjectKey): string => `${owner}/${key}`;

export type Ownership = 'owned' | 'drifted' | 'stranger';

/**
 * Whose a live object is (design section 5). `owned`: its id annotation is its own, our manager's Apply entry holds that
 * annotation, and no controller made it. `drifted`: our Apply entry is there but a mark was stripped or changed. `stranger`:
 * everything else, whatever labels it carries: EndpointSlices and ReplicaSets inherit them, copies keep them.
 */
export function ownershipOf(live: LiveObject, owner: string): Ownership {
  if (live.controlledBy !== undefined || live.ourFields === undefined) return 'stranger';
  const ownsAnnotation = live.ourFields['f:metadata']?.['f:annotations']?.[`f:${MARKS.id}`] !== undefined;
  if (ownsAnnotation && live.annotations[MARKS.id] === identityOf(owner, live.key)) return 'owned';
  return 'drifted';
}
