import type { Hold } from '../core/model/action.ts';

const MOST_NAMES = 5;

/** The holds with one for each spec and reason; `what` names all that it keeps back, the first five by name. */
export function groupHolds(holds: readonly Hold[]): readonly Hold[] {
  const groups = Map.groupBy(holds, ({ spec, reason }) => JSON.stringify([spec, reason.code, reason.message]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, what: namesOf(group.map(({ what }) => what)) }];
  });
}

function namesOf(names: readonly string[]): string {
  if (names.length === 1) return names.join();
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.length} removals (${names.slice(0, MOST_NAMES).join(', ')}${more})`;
}
