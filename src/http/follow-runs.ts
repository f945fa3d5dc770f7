import type { RunReport } from '../core/report/run-report.ts';
import { happeningsOf, type Seen } from './happenings.ts';
import type { Happening, OverviewAnswer, OverviewChange, OverviewHead, OverviewRevision, OverviewRow } from './overview.ts';
import { overviewRows } from './overview-rows.ts';

const KEPT_HAPPENINGS = 200;
const KEPT_REVISIONS = 20;

/** Folds one report after the other into the overview: what changed when, and what has happened. Nothing of it outlives the process. */
export class RunFollower {
  readonly #process: string;
  #count = 0;
  #happened = 0;
  #seen: Seen | undefined;
  #head: OverviewHead | undefined;
  #revisions: readonly OverviewRevision[] = [];
  #happenings: readonly Happening[] = [];

  /** `process` tells this process from one before and after it. */
  constructor(process: string) {
    this.#process = process;
  }

  /** Takes the report of a run; undefined for one that it has taken already. */
  take(report: RunReport): OverviewChange | undefined {
    const before = this.#seen;
    if (before?.report.startedAtMs === report.startedAtMs && before.report.passes === report.passes) return undefined;
    const from = this.#head?.id ?? '';
    const rows = new Map(overviewRows(report, before?.rows ?? new Map()).map((row) => [row.key, row]));
    this.#seen = { report, rows };
    this.#revisions = withRevision(this.#revisions, report).slice(0, KEPT_REVISIONS);
    const happenings = happeningsOf(this.#seen, before)
      .slice(0, KEPT_HAPPENINGS)
      .map((one, index, all): Happening => ({ ...one, id: this.#happened + all.length - index }));
    this.#happened += happenings.length;
    this.#happenings = [...happenings, ...this.#happenings].slice(0, KEPT_HAPPENINGS);
    this.#head = headOf(report, `${this.#process}.${++this.#count}`, this.#revisions);
    return { from, head: this.#head, ...changedRows(rows, before?.rows ?? new Map()), happenings };
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
  const { startedAtMs, durationMs, revision, commit, leader, nodes, gateways, sources, holds, problems } = report;
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
    problems,
    revisions,
  };
}

function changedRows(
  now: ReadonlyMap<string, OverviewRow>,
  before: ReadonlyMap<string, OverviewRow>,
): Pick<OverviewChange, 'rows' | 'gone'> {
  const rows = [...now.values()].filter((row) => JSON.stringify(row) !== JSON.stringify(before.get(row.key)));
  return { rows, gone: [...before.keys()].filter((key) => !now.has(key)) };
}

function withRevision(known: readonly OverviewRevision[], report: RunReport): readonly OverviewRevision[] {
  const { revision, commit, startedAtMs, latencies } = report;
  if (revision === undefined) return known;
  const [last, ...older] = known;
  const isNew = last?.revision !== revision;
  const entry = isNew ? { revision, seenAtMs: startedAtMs, ...(commit === undefined ? {} : { commit }) } : last;
  const total = latencies.find(({ stage }) => stage === 'total')?.seconds;
  const timed = total === undefined ? entry : { ...entry, seconds: total };
  return isNew ? [timed, ...known] : [timed, ...older];
}
