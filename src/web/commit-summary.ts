import type { LegName, SpecState } from '../core/report/run-report.ts';
import type { OverviewRow } from '../http/overview.ts';
import { count, type Tone, toneOf } from './words.ts';

/** How many services a leg has brought how far. */
export type LegCounts = Readonly<Record<Tone, number>>;

/** The services in one state. */
export interface OpenState {
  readonly state: SpecState;
  readonly rows: readonly OverviewRow[];
}

/** How far the commit in force is. */
export interface CommitSummary {
  readonly tone: Tone;
  /** The answer to: is my commit in traffic? */
  readonly says: string;
  readonly legs: Readonly<Record<LegName, LegCounts>>;
  /** The services that are not there, by their state, the worst first. */
  readonly open: readonly OpenState[];
}

/** From the worst to the mildest. */
const OPEN: readonly SpecState[] = ['broken', 'conflict', 'held', 'failed', 'unknown', 'waiting', 'changing', 'leaving', 'suspended'];

/** What is left as it is serves as before. */
const LEFT: ReadonlySet<SpecState> = new Set(['held', 'suspended']);

/** Tells from the rows how far the commit is that they speak of. `arrived`: all of it was in traffic once, so that what moves is something else. */
export function summarise(rows: readonly OverviewRow[], arrived = false): CommitSummary {
  const legs = { git: countTones(rows, 'git'), kubernetes: countTones(rows, 'kubernetes'), consul: countTones(rows, 'consul') };
  const traefik = countTones(rows, 'traefik');
  const open = OPEN.map((state) => ({ state, rows: rows.filter((row) => row.state === state) })).filter((one) => one.rows.length > 0);
  return { ...answer(rows.length, open, { traefik, arrived }), legs: { ...legs, traefik }, open };
}

function countTones(rows: readonly OverviewRow[], leg: LegName): LegCounts {
  const tones = { good: 0, busy: 0, bad: 0, unknown: 0, quiet: 0 };
  for (const row of rows) tones[toneOf(row.legs[leg].state)]++;
  return tones;
}

interface Arrived {
  readonly traefik: LegCounts;
  readonly arrived: boolean;
}

function answer(total: number, open: readonly OpenState[], { traefik, arrived }: Arrived): Pick<CommitSummary, 'tone' | 'says'> {
  if (total === 0) return { tone: 'quiet', says: 'There are no services yet' };
  const place = traefik.quiet === total || traefik.unknown > 0 ? 'This commit is in Consul' : 'This commit is in traffic';
  const doubt = traefik.unknown > 0 ? '; what Traefik serves is not known' : '';
  const [worst] = open;
  if (worst === undefined) {
    const all = total === 1 ? 'the one service' : `all ${total} services`;
    return { tone: doubt === '' ? 'good' : 'unknown', says: `${place} for ${all}${doubt}` };
  }
  const moving = open.reduce((sum, { rows }) => sum + rows.length, 0);
  // Nodes come and go at any time.
  if (arrived && open.every(({ state }) => toneOf(state) === 'busy'))
    return {
      tone: 'busy',
      says: `${place}; ${count(moving, 'service')} of ${total} ${moving === 1 ? 'follows' : 'follow'} another change${doubt}`,
    };
  if (worst.state === 'held' && open.every(({ state }) => LEFT.has(state))) {
    const some = moving === total ? 'all' : `${moving} of`;
    const what = open.length === 1 ? 'held back' : 'held back or suspended';
    return { tone: 'bad', says: `This commit is ${what} for ${some} ${count(total, 'service')}, which serve as before${doubt}` };
  }
  const there = total - moving;
  return { tone: toneOf(worst.state), says: `${place} for ${there} of ${count(total, 'service')}${doubt}` };
}
