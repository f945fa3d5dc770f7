import type { GroupKind } from '../model/ids.ts';
import type { Spec } from '../model/objects.ts';

/** The kinds that must be watched: those of the specs, those we have applied before, and the kinds every pool needs. */
export function kindsToWatch(specs: Iterable<Spec>, remembered: Iterable<string>, always: readonly GroupKind[]): ReadonlySet<GroupKind> {
  const kinds = new Set<GroupKind>(always);
  for (const kind of remembered) kinds.add(kind as GroupKind);
  for (const spec of specs)
    for (const { key } of spec.objects) kinds.add(key.slice(0, key.indexOf('/', key.indexOf('/') + 1)) as GroupKind);
  return kinds;
}
