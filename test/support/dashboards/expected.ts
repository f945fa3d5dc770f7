import type { LatencyReport, RunReport } from '../../../src/core/report/run-report.ts';
import { LATENCY_BUCKETS, RUN_BUCKETS } from '../../../src/telemetry/metric-table.ts';

/** What a test knows without asking Prometheus. */
export interface Facts {
  /** The status as the API tells it, with pools in full. */
  readonly status: RunReport;
  /** Seconds since a moment at which nothing happened: rates are asked over them. */
  readonly window: number;
  /** The reports of all runs since then. */
  readonly reports: readonly RunReport[];
  /** Applies that reached the API server since then. */
  readonly patches: number;
  readonly resyncs: number;
  /** Of this process: resident bytes, and seconds of CPU a second since then. */
  readonly process: { readonly bytes: number; readonly cores: number };
  readonly pool: { readonly namespace: string; readonly service: string };
  /** Servers in the gateway, by the key of the pool. */
  readonly servers: ReadonlyMap<string, number>;
}

/** A series that a panel must show. Where two looks cannot be at one moment the value may differ by the share `within`, or by `plus`. */
export interface Expected {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly within?: number;
  readonly plus?: number;
}

/** Of each query of a panel, in their order: the series that it must show; `among` where others may be there, too. */
export type Expectation = (facts: Facts) => readonly (readonly Expected[] | { readonly among: readonly Expected[] })[];

/** Prometheus guesses what lies between the edges of its window and the samples. */
const GUESS = 0.15;

/** A rate reaches beyond its first and last samples, for each series by what that one says, so that parts of a histogram differ a little. */
const EXTRAPOLATED = 0.05;

const plain = (value: number, within?: number): readonly Expected[] => [{ labels: {}, value, ...(within === undefined ? {} : { within }) }];
const counted = (label: string, values: readonly string[]): readonly Expected[] =>
  [...Map.groupBy(values, (value) => value)].map(([value, all]) => ({ labels: { [label]: value }, value: all.length }));
const inStates = ({ specs }: RunReport, ...states: readonly string[]): number => specs.filter(({ state }) => states.includes(state)).length;
const problemsOf = ({ problems, specs, sources }: RunReport) => [
  ...problems,
  ...specs.flatMap((spec) => spec.problems),
  ...sources.flatMap(({ reason }) => reason ?? []),
];
const named = (pool: string): Readonly<Record<string, string>> => {
  const [namespace = '', service = ''] = pool.split('/');
  return { namespace, service };
};

/** What histogram_quantile makes of these values. */
function quantile(share: number, values: readonly number[], bounds: readonly number[]): number {
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const upTo = values.filter((value) => value <= bound).length;
    const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
    if (upTo >= share * values.length) return low + ((bound - low) * (share * values.length - below)) / (upTo - below);
    below = upTo;
  }
  return bounds.at(-1) ?? 0;
}

const latenciesOf = ({ reports }: Facts): readonly LatencyReport[] => reports.flatMap(({ latencies }) => latencies);
const totals = (facts: Facts): readonly number[] =>
  latenciesOf(facts).flatMap(({ stage, seconds }) => (stage === 'total' ? [seconds] : []));

const stages = (facts: Facts): readonly Expected[] =>
  [...Map.groupBy(latenciesOf(facts), ({ stage }) => stage)].map(([stage, all]) => ({
    labels: { stage },
    value: all.reduce((total, { seconds }) => total + seconds, 0) / all.length,
    within: EXTRAPOLATED,
  }));

const backends = ({ status, servers }: Facts, state: 'desired' | 'registered' | 'passing' | 'serving'): readonly Expected[] =>
  status.pools.flatMap((pool) => {
    // What Traefik does not route has no series: not even 0.
    const value = state === 'serving' ? servers.get(pool.pool) : pool[state];
    return value === undefined ? [] : [{ labels: named(pool.pool), value }];
  });
const STATES = ['desired', 'registered', 'passing', 'serving'] as const;
const sum = (series: readonly Expected[]): number => series.reduce((total, { value }) => total + value, 0);
const floors = ({ status }: Facts): readonly Expected[] =>
  status.pools.flatMap(({ pool, floor }) => (floor === undefined ? [] : [{ labels: named(pool), value: floor }]));
const own = ({ pool }: Facts, series: readonly Expected[]): readonly Expected[] =>
  series
    .filter(({ labels }) => labels['namespace'] === pool.namespace && labels['service'] === pool.service)
    .map(({ value }) => ({ labels: {}, value }));

const CONFLICTS: Readonly<Record<string, string>> = {
  SPEC_OBJECT_CONFLICT: 'object',
  SPEC_NAME_CONFLICT: 'consul-service',
  ROUTE_CONFLICT: 'route',
};

export const OVERVIEW: Readonly<Record<string, Expectation>> = {
  'In step': ({ status }) => [plain(inStates(status, 'in-step'))],
  'On the way': ({ status }) => [plain(inStates(status, 'waiting', 'changing', 'leaving'))],
  'Need somebody': ({ status }) => [plain(inStates(status, 'broken', 'conflict', 'held', 'failed'))],
  'Longest difference from Git': () => [plain(0)],
  'Commits in time, 3 days': (facts) => [plain(totals(facts).filter((one) => one <= 30).length / totals(facts).length, 1e-9)],
  Revision: ({ status }) => [[{ labels: { revision: status.revision ?? '' }, value: 1 }]],
  'Commit to traffic': (facts) => [0.5, 0.95].map((share) => plain(quantile(share, totals(facts), LATENCY_BUCKETS), EXTRAPOLATED)),
  'Stages, mean': (facts) => [stages(facts)],
  Pools: (facts) => [...STATES.map((state) => backends(facts, state)), floors(facts)],
  Backends: (facts) => [STATES.map((state) => ({ labels: { state }, value: sum(backends(facts, state)) }))],
  'Nodes that are out': ({ status }) => [
    status.nodes.filter(({ eligible }) => !eligible).map(({ node, code }) => ({ labels: { node, reason: code }, value: 0 })),
  ],
  Traefik: ({ status }) => [(status.gateways ?? []).map(({ replica, state }) => ({ labels: { replica, state }, value: 1 }))],
  Nodes: ({ status }) => [plain(status.nodes.filter(({ eligible }) => eligible).length), plain(status.nodes.length)],
  Holds: ({ status }) => [
    counted(
      'reason',
      status.holds.map(({ reason }) => reason.code),
    ),
  ],
  Conflicts: ({ status }) => [
    counted(
      'kind',
      problemsOf(status).flatMap(({ code, severity }) => (severity === 'error' ? (CONFLICTS[code] ?? []) : [])),
    ),
  ],
  Problems: ({ status }) => [
    [...Map.groupBy(problemsOf(status), ({ code, severity }) => `${code} ${severity}`)].map(([key, all]) => {
      const [code = '', severity = ''] = key.split(' ');
      return { labels: { code, severity }, value: all.length };
    }),
  ],
};

export const SERVICE: Readonly<Record<string, Expectation>> = {
  Desired: (facts) => [own(facts, backends(facts, 'desired'))],
  Registered: (facts) => [own(facts, backends(facts, 'registered'))],
  Passing: (facts) => [own(facts, backends(facts, 'passing'))],
  Serving: (facts) => [own(facts, backends(facts, 'serving'))],
  Floor: (facts) => [own(facts, floors(facts))],
  'Backends by leg': (facts) => [
    STATES.flatMap((state) => own(facts, backends(facts, state)).map(({ value }) => ({ labels: { state }, value }))),
    own(facts, floors(facts)),
  ],
  Missing: (facts) => [plain(sum(own(facts, backends(facts, 'desired'))) - sum(own(facts, backends(facts, 'passing'))))],
  // No route is tried here.
  'Routes, tried': () => [[]],
};

export const INTERNALS: Readonly<Record<string, Expectation>> = {
  Runs: ({ reports, window }) => [plain(reports.length / window, GUESS), plain(0)],
  'Duration of runs, 95 %': ({ reports }) => [
    plain(
      quantile(
        0.95,
        reports.map(({ durationMs }) => durationMs / 1000),
        RUN_BUCKETS,
      ),
      GUESS,
    ),
  ],
  Queue: () => [plain(0)],
  'Planned actions': ({ status }) => {
    const actions = [...status.specs.flatMap((spec) => spec.actions), ...(status.actions ?? [])];
    const groups = [...Map.groupBy(actions, ({ leg, op }) => `${leg} ${op}`)];
    return [groups.map(([key, all]) => ({ labels: { leg: key.split(' ')[0] ?? '', op: key.split(' ')[1] ?? '' }, value: all.length }))];
  },
  Writes: ({ reports, window }) => [
    ['kubernetes', 'consul'].flatMap((leg) =>
      ['done', 'failed'].map((result) => {
        const writes = reports.flatMap((report) => report.writes).filter((write) => write.leg === leg && write.result === result);
        return { labels: { leg, result }, value: writes.reduce((total, { count }) => total + count, 0) / window, within: GUESS };
      }),
    ),
  ],
  Sources: ({ status }) => [
    status.sources.map(({ source, kind }) => ({ labels: { source }, value: kind === 'complete' ? 1 : 0 })),
    // Both looks are within seconds of each other.
    status.sources.map(({ source, ageMs = 0 }) => ({ labels: { source }, value: ageMs / 1000, plus: 5 })),
  ],
  'Since the last success': ({ status }) => [
    ['git', 'kubernetes', 'consul', 'traefik'].map((leg) => {
      const ages = status.sources.filter(({ source }) => source.split(':')[0] === leg).map(({ ageMs = 0 }) => ageMs / 1000);
      return { labels: { leg }, value: leg === 'git' || leg === 'traefik' ? Math.max(...ages) : 0, plus: 5 };
    }),
  ],
  Requests: ({ patches, window }) => [
    { among: [{ labels: { leg: 'kubernetes', method: 'PATCH' }, value: patches / window, within: GUESS }] },
  ],
  'Resync requests': ({ resyncs, window }) => [
    ['queued', 'coalesced', 'unknown-spec', 'unauthorized', 'limited', 'invalid'].map((result) => ({
      labels: { result },
      value: result === 'queued' ? resyncs / window : 0,
      within: GUESS,
    })),
  ],
  Leader: ({ status }) => [plain(status.leader.consul ? 1 : 0)],
  Memory: ({ process }) => [plain(process.bytes, 0.3)],
  CPU: ({ process }) => [plain(process.cores, 0.5)],
  // It is made anew for each scrape: only its order of magnitude is known.
  'Event loop lag, 99 %': () => [[{ labels: {}, value: 0, plus: 2 }]],
};
