import type { RunReport } from '../../../src/core/report/run-report.ts';
import { fitNodes, keyOf, type LiveObject, minBackendsOf, poolsOf, type ServerFacts } from './server-facts.ts';

/** What happens in the test, each once; a panel must show something else after the one that it is about. */
export const EVENTS = [
  'a commit',
  'a commit of what is wrong',
  'a commit that waits',
  'a commit that comes late',
  'a node is cordoned',
  'a floor is raised',
  'Consul refuses writes while a node comes back',
  'Traefik does not answer',
  'routes grow slow',
  'a run hangs while others wait',
  'a resync is asked for',
  'Consul ends the session of the leader',
  'memory is taken',
  'the event loop is blocked',
] as const;
export type EventName = (typeof EVENTS)[number];

/** What a test knows without asking Prometheus or the daemon. */
export interface Facts {
  readonly servers: ServerFacts;
  readonly nowMs: number;
  /** Seconds since a moment at which nothing happened: rates are asked over them. */
  readonly window: number;
  /** Since then: applies and other writes that reached the API server, PUT requests that reached Consul, resyncs that were asked for. */
  readonly applies: number;
  readonly patches: number;
  readonly puts: number;
  /** Since then: requests that Kubernetes let hang until they failed. */
  readonly hangs: number;
  readonly resyncs: number;
  /** Since then: how long each commit took at least and at most, in seconds, by the clock of who committed and watched the servers. */
  readonly commits: readonly { readonly least: number; readonly most: number }[];
  /** Since the first commit of all. */
  readonly allCommits: readonly { readonly least: number; readonly most: number }[];
  /** When a commit that still waits was made; undefined: none does. */
  readonly waitsSinceMs: number | undefined;
  /** When Traefik last answered the daemon. */
  readonly traefikAnsweredAtMs: number;
  /** How long routes take to answer at least, as set at the proxy in front of the gateway; and at most, as the proxy saw it. */
  readonly routes: { readonly least: number; readonly most: number };
  /** Of this process, by /proc: resident bytes, seconds of CPU a second since then; and the longest that its event loop was held up of late. */
  readonly process: { readonly bytes: number; readonly cores: number; readonly lag: number };
  /** What the loop of the daemon, which runs in this process, handed over: runs since then, of which nothing outside can tell. */
  readonly reports: readonly RunReport[];
  /** True while the test holds up a run and has sent for more. */
  readonly runsWait: boolean;
  readonly pool: { readonly namespace: string; readonly service: string };
}

/** A series that a panel must show, and from where to where its value may be: two looks cannot be at one moment. */
export interface Expected {
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
}

/** The series that a query must show; `among` where others may be there, too. */
export type Wanted = readonly Expected[] | { readonly among: readonly Expected[] };

/** What a panel is held to. */
export interface PanelRow {
  /** Where the expected value is from. */
  readonly truth: string;
  readonly changedBy: EventName;
  /** Of each query of the panel, in their order. */
  readonly expected: (facts: Facts) => readonly Wanted[];
}

/** Prometheus guesses what lies between the edges of its window and the samples. */
export const GUESS = 0.15;
/** Two looks are within seconds of each other. */
export const APART_S = 5;

export const one = (labels: Expected['labels'], value: number, share = 0, plus = 0): Expected => {
  const room = Math.abs(value) * share + plus + 1e-9;
  return { labels, from: value - room, to: value + room };
};
export const plain = (value: number, share = 0, plus = 0): readonly Expected[] => [one({}, value, share, plus)];
export const between = (from: number, to: number): readonly Expected[] => [{ labels: {}, from, to }];

const named = (live: Pick<LiveObject, 'metadata'>): Expected['labels'] => ({
  namespace: live.metadata.namespace ?? '',
  service: live.metadata.name,
});

export const STATES = ['desired', 'registered', 'passing', 'serving'] as const;
function backendsOf({ servers }: Facts, pool: LiveObject, state: (typeof STATES)[number]): number | undefined {
  const own = servers.instances.filter((instance) => instance.pool === keyOf(pool));
  if (state === 'desired') return fitNodes(servers);
  if (state === 'serving') return servers.servers?.get(keyOf(pool));
  return state === 'registered' ? own.length : own.filter(({ passing }) => passing).length;
}
export const backends = (facts: Facts, state: (typeof STATES)[number]): readonly Expected[] =>
  poolsOf(facts.servers).flatMap((pool) => {
    const value = backendsOf(facts, pool, state);
    return value === undefined ? [] : [one(named(pool), value)];
  });
export const floors = (facts: Facts): readonly Expected[] => poolsOf(facts.servers).map((pool) => one(named(pool), minBackendsOf(pool)));
export const own = ({ pool }: Facts, series: readonly Expected[], labels = {}): readonly Expected[] =>
  series
    .filter((each) => each.labels['namespace'] === pool.namespace && each.labels['service'] === pool.service)
    .map(({ from, to }) => ({ labels, from, to }));
export const sum = (series: readonly Expected[]): number => series.reduce((total, { from, to }) => total + (from + to) / 2, 0);

/** What histogram_quantile makes of these values. */
export function quantile(share: number, values: readonly number[], bounds: readonly number[]): number {
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const upTo = values.filter((value) => value <= bound).length;
    const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
    if (upTo >= share * values.length) return low + ((bound - low) * (share * values.length - below)) / (upTo - below);
    below = upTo;
  }
  return bounds.at(-1) ?? 0;
}
export const some = (labels: Expected['labels'], value: number): readonly Expected[] => (value === 0 ? [] : [one(labels, value)]);
