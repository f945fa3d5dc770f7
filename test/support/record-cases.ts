/** A story that Prometheus is told, and what a recording rule makes of it. */
export interface RecordCase {
  readonly record: string;
  readonly when: string;
  /** Series in promtool's notation, one value a minute. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes after the start. */
  readonly at: number;
  /** The series that are recorded, by their labels beside job; those that are no number are left out. */
  readonly gives: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const latency = (suffix: string, labels: string): string =>
  `poolkeeper_sync_latency_seconds_${suffix}{job="poolkeeper",instance="a",stage="total",${labels}}`;
const count = (start: string): string => latency('count', `start="${start}"`);
const inTime = (start: string, le = '30'): string => latency('bucket', `start="${start}",le="${le}"`);
/** Two commits a minute, one told by a webhook and one by polling, for two hours; of those that were told, every one is late. */
const halfLate = { [count('webhook')]: '0+1x120', [inTime('webhook')]: '0x120', [count('poll')]: '0+1x120', [inTime('poll')]: '0+1x120' };
const plain = (value: number): RecordCase['gives'] => [{ labels: {}, value }];
const WINDOWS = { '5m': 5, '30m': 30, '1h': 60, '6h': 360, '3d': 4320 } as const;

/** Within two hours the long windows are not full: what Prometheus adds for the time before the first sample is less than a sample. */
const commits = (record: string, aMinute: number): readonly RecordCase[] =>
  Object.entries(WINDOWS).flatMap(([window, minutes]) =>
    minutes > 60
      ? []
      : [{ record: `${record}:increase${window}`, when: 'half are late', series: halfLate, at: 110, gives: plain(minutes * aMinute) }],
  );

export const RECORD_CASES: readonly RecordCase[] = [
  ...commits('poolkeeper:commits', 2),
  ...commits('poolkeeper:commits_late', 1),
  // A series from 0 on is not continued below 0: so many minutes, and no more.
  ...['6h', '3d'].flatMap((window): readonly RecordCase[] => [
    { record: `poolkeeper:commits:increase${window}`, when: 'half are late', series: halfLate, at: 110, gives: plain(220) },
    { record: `poolkeeper:commits_late:increase${window}`, when: 'half are late', series: halfLate, at: 110, gives: plain(110) },
  ]),
  { record: 'poolkeeper:commits_in_time:ratio3d', when: 'half are late', series: halfLate, at: 110, gives: plain(0.5) },
  {
    record: 'poolkeeper:commits_in_time:ratio3d',
    when: 'one of a hundred is late: the objective is just met',
    series: { [count('webhook')]: '0+1x100', [inTime('webhook')]: '0+1x99 99' },
    at: 100,
    gives: plain(0.99),
  },
  {
    record: 'poolkeeper:commits_in_time:ratio3d',
    when: 'Prometheus 3 writes the bucket in another way',
    series: { [count('webhook')]: '0+1x100', [inTime('webhook', '30.0')]: '0+1x100', [inTime('webhook', '60.0')]: '0+1x100' },
    at: 100,
    gives: plain(1),
  },
  {
    record: 'poolkeeper:commits_in_time:ratio3d',
    when: 'there was no commit: it says nothing',
    series: { [count('webhook')]: '0x100', [inTime('webhook')]: '0x100' },
    at: 100,
    gives: [],
  },
  {
    record: 'poolkeeper:writes:increase5m',
    when: 'two results of one store',
    series: {
      'poolkeeper_writes_total{job="poolkeeper",instance="a",leg="consul",result="done"}': '0+2x30',
      'poolkeeper_writes_total{job="poolkeeper",instance="a",leg="consul",result="failed"}': '0+1x30',
    },
    at: 20,
    gives: [{ labels: { leg: 'consul' }, value: 15 }],
  },
];
