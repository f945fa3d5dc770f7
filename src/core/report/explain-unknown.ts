import { snapshotValue } from '../model/snapshot.ts';
import { brokenBy, few, type KnownWorld, linkMaker } from './explain-facts.ts';
import type { Link } from './explanation.ts';

/** The broken files that mention a name nobody knows: it may be theirs. Empty when there are none. */
export function unknownFileLink(name: string, known: KnownWorld): readonly Link[] {
  const set = snapshotValue(known.context.world.specs);
  const make = linkMaker(known)('file', ['git']);
  const mentioning = [...(set?.broken ?? [])].filter(([id]) => set?.brokenTexts?.get(id)?.mentions(name) === true);
  const [first] = mentioning;
  const [problem] = first?.[1] ?? [];
  if (first === undefined || problem === undefined) return [];
  return [brokenBy(make, problem, [`${few(mentioning.map(([id]) => id))} mentions ${name}, and is not in force`])];
}
