const MOST = 3;

/** The names that are most like the one asked for, at most three, the nearest first; by the pairs of letters that they share (Dice). */
export function closeNames(asked: string, names: readonly string[]): readonly string[] {
  const wanted = pairsOf(asked);
  return names
    .map((name) => ({ name, likeness: likeness(wanted, pairsOf(name)) }))
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, MOST)
    .map(({ name }) => name);
}

function pairsOf(text: string): ReadonlySet<string> {
  const lower = text.toLowerCase();
  return new Set(Array.from({ length: Math.max(0, lower.length - 1) }, (_, i) => lower.slice(i, i + 2)));
}

function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const size = a.size + b.size;
  return size === 0 ? 0 : (2 * [...a].filter((pair) => b.has(pair)).length) / size;
}
