import type { CommitVerdict } from '../core/report/commit-verdict.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { happeningsOf, type Seen } from './happenings.ts';
import type { Happening, OverviewAnswer, OverviewChange, OverviewHead, OverviewRevision, OverviewRow } from './overview.ts';
import { overviewRows } from './overview-rows.ts';

const KEPT_HAPPENINGS = 200;
const KEPT_REVISIONS = 20;

/** What has become of the overview since it was last told. */
interface Untold {
  readonly from: string;
  /** The keys of the rows that are new, differ or are gone. */
  readonly keys: Set<string>;
  happenings: readonly Happening[];
}

/** Folds one report after the other into the overview: what changed when, and what has happened. Nothing of it outlives the process. */
export class RunFollower {
  readonly #process: string;
  #count = 0;
  #happened = 0;
  #seen: Seen | undefined;
  #head: OverviewHead | undefined;
  #untold: Untold | undefined;
  #revisions: readonly OverviewRevision[] = [];
  #happenings: readonly Happening[] = [];

  /** `process` tells this process from one before and after it. */
  constructor(process: string) {
    this.#process = process;
  }

  /** Takes the report of a run; false for one that it has taken already. */
  take(report: RunReport): boolean {
    const before = this.#seen;
    if (before?.report.startedAtMs === report.startedAtMs && before.report.passes === report.passes) return false;
    const known = before?.rows ?? new Map<string, OverviewRow>();
    // What is as it was stays the very same, so that comparing it again costs nothing.
    const rows = new Map(overviewRows(report, known).map((row) => [row.key, sameAs(known.get(row.key), row)]));
    this.#untold ??= { from: this.id(), keys: new Set(), happenings: [] };
    for (const [key, row] of rows) if (known.get(key) !== row) this.#untold.keys.add(key);
    for (const key of known.keys()) if (!rows.has(key)) this.#untold.keys.add(key);
    this.#seen = { report, rows };
    this.#revisions = withRevision(this.#revisions, report).slice(0, KEPT_REVISIONS);
    const happenings = happeningsOf(this.#seen, before)
      .slice(0, KEPT_HAPPENINGS)
      .map((one, index, all): Happening => ({ ...one, id: this.#happened + all.length - index }));
    this.#happened += happenings.length;
    this.#happenings = [...happenings, ...this.#happenings].slice(0, KEPT_HAPPENINGS);
    this.#untold.happenings = [...happenings, ...this.#untold.happenings].slice(0, KEPT_HAPPENINGS);
    this.#head = headOf(report, `${this.#process}.${++this.#count}`, this.#revisions);
    return true;
  }

  /** What has changed since this was last asked, however many runs that were; undefined when nothing has. */
  tell(): OverviewChange | undefined {
    const untold = this.#untold;
    const [head, rows] = [this.#head, this.#seen?.rows];
    if (untold === undefined || head === undefined || rows === undefined) return undefined;
    this.#untold = undefined;
    const keys = [...untold.keys];
    return {
      from: untold.from,
      head,
      rows: keys.flatMap((key) => rows.get(key) ?? []),
      gone: keys.filter((key) => !rows.has(key)),
      happenings: untold.happenings,
    };
  }

  /** The id of the last state; empty when there is none. */
  id(): string {
    return this.#head?.id ?? '';
  }

  /** Everything as it stands; undefined until the first report. */
  answer(): Omit<OverviewAnswer, 'nowMs' | 'token'> | undefined {
    if (this.#head === undefined || this.#seen === undefined) return undefined;
    return { head: this.#head, rows: [...this.#seen.rows.values()], happenings: this.#happenings };
  }
}

function headOf(report: RunReport, id: string, revisions: readonly OverviewRevision[]): OverviewHead {
  const { startedAtMs, durationMs, revision, commit, leader, nodes, gateways, sources, holds, held, suspensions, problems } = report;
  return {
    id,
    startedAtMs,
    durationMs,
    ...(revision === undefined ? {} : { revision }),
    ...(commit === undefined ? {} : { commit }),
    leader,
    nodes,
    ...(gateways === undefined ? {} : { gateways }),
    sources,
    holds,
    ...(held === undefined ? {} : { held }),
    ...(suspensions === undefined ? {} : { suspensions }),
    problems,
    revisions,
  };
}

/** The row as it was, where nothing of it has changed. */
const sameAs = (before: OverviewRow | undefined, row: OverviewRow): OverviewRow =>
  before !== undefined && isSame(before, row) ? before : row;

/** Whether two values of plain JSON without lists are the same. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), b as Readonly<Record<string, unknown>>];
  return left.length === Object.keys(right).length && left.every(([key, value]) => isSame(value, right[key]));
}

function withRevision(known: readonly OverviewRevision[], report: RunReport): readonly OverviewRevision[] {
  const { revision, commit, startedAtMs, latencies, commits } = report;
  if (commits !== undefined) return commits.map(({ verdict, ...one }) => ({ ...one, ...verdictOf(verdict) }));
  const isNew = revision !== undefined && known[0]?.revision !== revision;
  const all = isNew ? [{ revision, seenAtMs: startedAtMs, ...(commit === undefined ? {} : { commit }) }, ...known] : known;
  const seconds = new Map(latencies.flatMap((one) => (one.stage === 'total' ? [[one.revision, one.seconds] as const] : [])));
  if (seconds.size === 0) return all;
  // One that was in force twice is timed where it came last.
  return all.map((entry) => {
    const total = seconds.get(entry.revision);
    seconds.delete(entry.revision);
    return total === undefined ? entry : { ...entry, seconds: total };
  });
}

const verdictOf = (verdict: CommitVerdict | undefined): Pick<OverviewRevision, 'verdict' | 'seconds'> => ({
  ...(verdict?.seconds === undefined ? {} : { seconds: verdict.seconds }),
  ...(verdict === undefined ? {} : { verdict }),
});
