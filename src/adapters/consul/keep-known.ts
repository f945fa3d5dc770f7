import type { RegistryState } from '../../core/model/registration.ts';
import { sameContent } from './same-content.ts';

/**
 * The new state with everything that is the same as before being the very same object, so that what was worked out from it
 * still holds; `before` itself when nothing differs.
 */
export function keepKnown(before: RegistryState, after: RegistryState): RegistryState {
  const known = new Map<string, unknown>(Object.entries(before));
  const kept = Object.entries(after).map(([field, value]) => [field, keep(known.get(field), value)] as const);
  // Each field has the type it had: it is the value of `after`, or one of `before` that equals it.
  return kept.every(([field, value]) => known.get(field) === value) ? before : (Object.fromEntries(kept) as unknown as RegistryState);
}

function keep(before: unknown, after: unknown): unknown {
  if (before instanceof Map && after instanceof Map) return keepEntries(before, after);
  return sameContent(before, after) ? before : after;
}

function keepEntries<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): ReadonlyMap<K, V> {
  let same = before.size === after.size;
  const kept = new Map<K, V>();
  for (const [key, value] of after) {
    const known = before.get(key);
    const entry = known !== undefined && sameContent(known, value) ? known : value;
    same &&= entry === known;
    kept.set(key, entry);
  }
  return same ? before : kept;
}
