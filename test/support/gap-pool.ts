import { appManifest } from './app-manifest.ts';
import type { LoadSample } from './http-load.ts';
import type { BodyOf } from './node-listeners.ts';

/** One pool of a gap test. All its parts but the weight show in the answers of its backends. */
export interface PoolState {
  readonly nodePort: number;
  /** Number of the rule: requests reach the backends under `/r<rule>`, and of its second host. */
  readonly rule: number;
  /** Number that the middlewares send to the backends; every second one also has a list of allowed clients. */
  readonly middleware: number;
  readonly weight: number;
}

/** A state that was committed. */
export interface CommittedState extends PoolState {
  readonly committedAtMs: number;
}

/** What the answers of one load tell. */
export interface Judgement {
  readonly requests: number;
  /** Any status but 200, and every broken connection. */
  readonly failed: number;
  /** How often each failure came, by the change that was the last to begin before its request: `502 after delete`. */
  readonly failures: Readonly<Record<string, number>>;
  /** Answers of no committed state of this pool, each once. */
  readonly strange: readonly string[];
  /** Answers of an older state to requests that were sent after a newer one had answered. */
  readonly backwards: number;
  /** Backends that answered. */
  readonly nodesHit: number;
  /** From each commit that shows in answers until the first answer of it, in ms. */
  readonly arrivalMs: readonly number[];
}

export const hostOfPool = (app: string): string => `${app}.example.com`;

/** The spec of a pool: its backends are the nodes with this label. */
export function poolManifest(app: string, label: string, { nodePort, rule, middleware, weight }: PoolState): string {
  const annotations = {
    'traefik.frontend.rule': `Host:${hostOfPool(app)},r${rule}.${hostOfPool(app)};AddPrefix:/r${rule}`,
    'traefik.frontend.headers.customRequestHeaders': `X-Version:${middleware}`,
    ...(middleware % 2 === 1 ? { 'traefik.frontend.whiteList.sourceRange': '127.0.0.0/8' } : {}),
    'traefik.weight': String(weight),
    'poolkeeper.dev/nodes': label,
  };
  return appManifest(app, { nodePort, annotations });
}

/** What backends answer: where the request has come to, and in which state it did. */
export const answerOfBackend: BodyOf = ({ node, port, service }, { url, headers }) =>
  `${node} ${service} ${port} ${url?.replace(/\/$/, '')} ${headers['x-version']?.toString() ?? '-'}`;

const answerOf = (service: string, { nodePort, rule, middleware }: PoolState): string => `${service} ${nodePort} /r${rule} ${middleware}`;

/** What happened to a pool. */
export interface PoolHistory {
  /** Every state that was committed, in order. */
  readonly states: readonly CommittedState[];
  /** Every change that was begun, in order. */
  readonly changes: readonly { readonly what: string; readonly atMs: number }[];
}

/** Judges what one load on the pool `<namespace>/<app>` was answered. */
export function judge(service: string, samples: readonly LoadSample[], { states, changes }: PoolHistory): Judgement {
  const places = new Map(states.map((state, i) => [answerOf(service, state), i]));
  const failures: Record<string, number> = {};
  const strange = new Set<string>();
  const nodes = new Set<string>();
  const answered: Answered[] = [];
  for (const { status, body, error, sentAtMs, durationMs } of samples) {
    if (status !== 200) {
      const what = `${error ?? status} after ${changes.findLast(({ atMs }) => atMs <= sentAtMs)?.what ?? 'the start'}`;
      failures[what] = (failures[what] ?? 0) + 1;
      continue;
    }
    const [node = '', ...rest] = body.trim().split(' ');
    nodes.add(node);
    const place = places.get(rest.join(' '));
    if (place === undefined) strange.add(body.trim());
    else answered.push({ place, sentAtMs, doneAtMs: sentAtMs + durationMs });
  }
  return {
    requests: samples.length,
    failed: Object.values(failures).reduce((sum, count) => sum + count, 0),
    failures,
    strange: [...strange].slice(0, 20),
    backwards: countBackwards(answered),
    nodesHit: nodes.size,
    arrivalMs: arrivals(service, answered, states),
  };
}

interface Answered {
  readonly place: number;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
}

function countBackwards(answered: readonly Answered[]): number {
  const done = answered.toSorted((a, b) => a.doneAtMs - b.doneAtMs);
  let [newest, at, count] = [0, 0, 0];
  for (const { place, sentAtMs } of answered.toSorted((a, b) => a.sentAtMs - b.sentAtMs)) {
    // A millisecond for the rounding of the two clocks.
    for (let next = done[at]; next !== undefined && next.doneAtMs + 1 < sentAtMs; next = done[++at]) newest = Math.max(newest, next.place);
    if (place < newest) count++;
  }
  return count;
}

/** Only states whose answers differ from those before: a change of weight alone shows in none. */
function arrivals(service: string, answered: readonly Answered[], states: readonly CommittedState[]): readonly number[] {
  const first = new Map<number, number>();
  for (const { place, doneAtMs } of answered) first.set(place, Math.min(first.get(place) ?? Number.POSITIVE_INFINITY, doneAtMs));
  return states.flatMap((state, i) => {
    const before = states[i - 1];
    const seen = states.slice(i).findLastIndex((later) => answerOf(service, later) === answerOf(service, state));
    const doneAtMs = first.get(i + seen);
    if (before === undefined || answerOf(service, before) === answerOf(service, state) || doneAtMs === undefined) return [];
    return [doneAtMs - state.committedAtMs];
  });
}
