import { METRIC_PREFIX, METRICS, type MetricRow } from '../../src/telemetry/metric-table.ts';

/** What Prometheus adds to every series that it scrapes, and what operators add for pods. */
const TARGET_LABELS: readonly string[] = ['instance', 'job', 'pod'];

/** One selector of a query: a metric of ours and what is asked of its labels. */
export interface Selector {
  readonly metric: string;
  /** Undefined: no such metric. */
  readonly row: MetricRow | undefined;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** The selectors of a query that begin with our prefix. */
export function selectorsOf(query: string): readonly Selector[] {
  return [...query.matchAll(new RegExp(`\\b${METRIC_PREFIX}(\\w+)(?:\\{([^}]*)\\})?`, 'g'))].map(([, name = '', inside = '']) => ({
    metric: name,
    row: rowOf(name),
    matchers: [...inside.matchAll(/(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
      label,
      operator,
      value,
    })),
  }));
}

/** The series of a histogram carry its name with a suffix. */
function rowOf(name: string): MetricRow | undefined {
  const table: Readonly<Record<string, MetricRow>> = METRICS;
  const [, base = '', suffix] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
  const histogram = table[base]?.type === 'histogram' ? table[base] : undefined;
  if (histogram !== undefined) return suffix === 'bucket' ? { ...histogram, labels: [...histogram.labels, 'le'] } : histogram;
  return table[name]?.type === 'histogram' ? undefined : table[name];
}

/** What is wrong with the names that a query uses; `known` are further series, such as those of recording rules. */
export function wrongNames(query: string, known: readonly string[] = []): readonly string[] {
  const selectors = selectorsOf(query);
  const labels = new Set([...TARGET_LABELS, 'leg', ...selectors.flatMap(({ row }) => row?.labels ?? [])]);
  const grouped = [...query.matchAll(/\b(?:without|by|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((one) => one.trim()),
  );
  return [
    ...selectors.flatMap(({ metric, row, matchers }) =>
      row === undefined
        ? [`no metric ${metric}`]
        : matchers.flatMap(({ label }) =>
            row.labels.includes(label) || TARGET_LABELS.includes(label) ? [] : [`${metric} has no label ${label}`],
          ),
    ),
    ...grouped.flatMap((label) => (label === '' || labels.has(label) ? [] : [`no label ${label}`])),
    ...[...query.matchAll(/\bpoolkeeper:[\w:]+/g)].flatMap(([name]) => (known.includes(name) ? [] : [`nothing records ${name}`])),
  ];
}
