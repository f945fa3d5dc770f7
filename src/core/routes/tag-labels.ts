/**
 * The labels among the tags of an instance: `<prefix>….=value`, the prefix replaced by `traefik`. A tag without `=` is none; the
 * last of two with one key wins.
 */
export const labelsOf = (tags: readonly string[], prefix: string): ReadonlyMap<string, string> => new Map(labelPairs(tags, prefix));

/** The same in the order of the tags, with all of one key. */
export function labelPairs(tags: readonly string[], prefix: string): readonly (readonly [key: string, value: string])[] {
  const dotted = `${prefix}.`;
  const pairs: (readonly [string, string])[] = [];
  for (const tag of tags) {
    const equals = tag.indexOf('=');
    if (!tag.startsWith(prefix) || equals < 0) continue;
    const key = tag.slice(0, equals);
    pairs.push([`traefik.${key.startsWith(dotted) ? key.slice(dotted.length) : key}`, tag.slice(equals + 1)]);
  }
  return pairs;
}
