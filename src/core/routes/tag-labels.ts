/**
 * The labels among the tags of an instance: `<prefix>….=value`, the prefix replaced by `traefik`. A tag without `=` is none; the
 * last of two with one key wins.
 */
export function labelsOf(tags: readonly string[], prefix: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const tag of tags) {
    const equals = tag.indexOf('=');
    if (!tag.startsWith(prefix) || equals < 0) continue;
    const key = tag.slice(0, equals);
    labels.set(`traefik.${key.startsWith(`${prefix}.`) ? key.slice(prefix.length + 1) : key}`, tag.slice(equals + 1));
  }
  return labels;
}
