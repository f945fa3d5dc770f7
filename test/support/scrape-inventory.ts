/** What of a metric others build on: its type, and its labels in the order of the alphabet. */
export interface ReleasedMetric {
  readonly type: string;
  readonly labels: readonly string[];
  /** The upper bounds of a histogram: queries name them. */
  readonly buckets?: readonly string[];
}

const SUFFIX: Readonly<Record<string, RegExp>> = { histogram: /_(bucket|sum|count)$/, summary: /_(sum|count)$/ };
/** Those that the kinds `histogram` and `summary` bring along. */
const IMPLIED = new Set(['le', 'quantile']);

/** The metrics of a scrape in the text format of Prometheus by their names, as whoever reads it sees them. */
export function inventoryOf(scrape: string): Readonly<Record<string, ReleasedMetric>> {
  const types = new Map([...scrape.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const labels = new Map<string, Set<string>>([...types.keys()].map((name) => [name, new Set()]));
  const bounds = new Map<string, Set<string>>();
  for (const [, series = '', inside = ''] of scrape.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const name = types.has(series) ? series : [...types].find(([base, type]) => series.replace(SUFFIX[type] ?? /$^/, '') === base)?.[0];
    if (name === undefined) throw new Error(`${series} has no TYPE`);
    for (const [, label = '', value = ''] of inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      if (!IMPLIED.has(label)) labels.get(name)?.add(label);
      if (label === 'le') bounds.set(name, (bounds.get(name) ?? new Set()).add(value));
    }
  }
  return Object.fromEntries(
    [...types].map(([name, type]) => {
      const buckets = bounds.get(name);
      return [name, { type, labels: [...(labels.get(name) ?? [])].sort(), ...(buckets === undefined ? {} : { buckets: [...buckets] }) }];
    }),
  );
}

/** In words, how a scrape breaks what was released. Metrics that came since are no breach; another label is, since sums and joins change by it. */
export function breachesOf(
  released: Readonly<Record<string, ReleasedMetric>>,
  now: Readonly<Record<string, ReleasedMetric>>,
): readonly string[] {
  return Object.entries(released).flatMap(([name, was]) => {
    const is = now[name];
    if (is === undefined) return [`${name} is gone`];
    return [
      ...(is.type === was.type ? [] : [`${name} was a ${was.type} and is a ${is.type}`]),
      ...(is.labels.join() === was.labels.join()
        ? []
        : [`${name} had the labels ${was.labels.join(', ') || 'none'} and has ${is.labels.join(', ') || 'none'}`]),
      ...(was.buckets ?? []).flatMap((bound) => (is.buckets?.includes(bound) === true ? [] : [`${name} has no bucket ${bound}`])),
    ];
  });
}
