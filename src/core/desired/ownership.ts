import type { ObjectKey } from '../model/ids.ts';
import { fieldManager, MARKS } from '../model/marks.ts';
import type { FieldsV1, LiveObject } from '../model/objects.ts';

/** The value of the id annotation: the owner and the object's own identity. A copy carries its original's, which shows. */
export const identityOf = (owner: string, key: ObjectKey): string => `${owner}/${key}`;

export type Ownership = 'owned' | 'drifted' | 'stranger';

/**
 * Whose a live object is (design section 5). `owned`: its id annotation is its own, our manager's Apply entry holds that
 * annotation, and no controller made it. `drifted`: our Apply entry is there but a mark was stripped or changed. `stranger`:
 * everything else, whatever labels it carries: EndpointSlices and ReplicaSets inherit them, copies keep them. So is what another
 * owner has adopted.
 */
export function ownershipOf(live: LiveObject, owner: string): Ownership {
  if (live.controlledBy !== undefined || live.ourFields === undefined) return 'stranger';
  if (holdsId(live.ourFields) && live.annotations[MARKS.id] === identityOf(owner, live.key)) return 'owned';
  return isOfAnotherOwner(live) ? 'stranger' : 'drifted';
}

const holdsId = (fields: FieldsV1 | undefined): boolean => fields?.['f:metadata']?.['f:annotations']?.[`f:${MARKS.id}`] !== undefined;

/** Its id names another owner, whose apply holds it: to call that drift, two daemons would take it from each other for ever. */
function isOfAnotherOwner({ key, annotations, managers }: LiveObject): boolean {
  const id = annotations[MARKS.id] ?? '';
  const other = id.endsWith(`/${key}`) ? fieldManager(id.slice(0, -key.length - 1)) : undefined;
  return managers.some(({ name, operation, fields }) => name === other && operation === 'Apply' && holdsId(fields));
}
