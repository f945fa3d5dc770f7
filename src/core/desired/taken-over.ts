import type { FieldManager, FieldsV1, LiveObject } from '../model/objects.ts';

/**
 * The object as it will be known once the entries of these managers are moved into ours, which is the first half of adopting
 * it. What is sent is worked out from this: a replica count or a NodePort that they had set must be sent, or the apply drops it.
 */
export function takenOver(live: LiveObject, takeFrom: readonly string[]): LiveObject {
  const isTaken = ({ name, subresource }: FieldManager): boolean => subresource === '' && takeFrom.includes(name);
  const taken = live.managers.filter(isTaken).flatMap(({ fields }) => (fields === undefined ? [] : [fields]));
  if (taken.length === 0) return live;
  return {
    ...live,
    ourFields: taken.reduce(mergeFields, live.ourFields ?? {}),
    managers: live.managers.filter((manager) => !isTaken(manager)),
  };
}

/** The union of two FieldsV1 trees. */
function mergeFields(a: FieldsV1, b: FieldsV1): FieldsV1 {
  const union: Record<string, FieldsV1> = { ...a };
  for (const [member, fields] of Object.entries(b)) union[member] = mergeFields(union[member] ?? {}, fields);
  return union;
}
