import { outcomeReport, type ReportedOutcome } from '../core/report/build-report.ts';
import { type ActionReport, actionsOf, type RunReport, type SpecState } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import type { TraceIds } from '../shared/tracer.ts';

type Fields = Readonly<Record<string, unknown>>;

/** As much of a logger as reports need. */
export interface ReportLog {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

type Level = keyof ReportLog;

/** One line about something that lasts: it is written when it appears and when it ends, not at each run. */
interface Standing {
  readonly level: Level;
  readonly fields: Fields;
  readonly message: string;
}

/**
 * Turns what runs do into log lines: one per action (when it is done, a failed one when the run has placed its problem), one per
 * spec whose state changed, one per problem or hold when it appears or ends, and one for the run, at `debug` when nothing
 * happened. At rest nothing is written at `info` and above.
 */
export class ReportLogger {
  readonly #log: ReportLog;
  #standing: ReadonlyMap<string, Standing> = new Map();
  #states: ReadonlyMap<string, SpecState> = new Map();
  #revision: string | undefined;
  #trace: Fields = {};

  constructor(log: ReportLog) {
    this.#log = log;
  }

  /** To be called for every action as it ends: a long run is told of while it goes on. */
  logDone(outcome: ReportedOutcome, revision: string | undefined, trace?: TraceIds): void {
    if (outcome.result !== 'done') return;
    const action = outcomeReport(outcome);
    this.#log.info({ event: 'action', spec: outcome.spec, revision, ...action, ...fieldsOf(trace) }, actionText(action));
  }

  /** To be called for every run as it ends. The lines carry the ids of its trace, when there is one. */
  logReport(report: RunReport, trace?: TraceIds): void {
    this.#trace = fieldsOf(trace);
    const written = this.#logFailures(report) + this.#logStanding(report) + this.#logStates(report);
    const moved = report.revision !== this.#revision;
    this.#revision = report.revision;
    const { durationMs, passes, trigger, revision, specs, pools } = report;
    const fields = { event: 'run', durationMs, passes, trigger, revision, specs: specs.length, pools: pools.length, ...countsOf(report) };
    this.#write(written > 0 || moved ? 'info' : 'debug', fields, moved ? `run at new revision ${revision ?? 'unknown'}` : 'run');
  }

  #write(level: Level, fields: Fields, message: string): void {
    this.#log[level]({ ...fields, ...this.#trace }, message);
  }

  /** Gives how many actions were tried. */
  #logFailures(report: RunReport): number {
    let written = 0;
    for (const { spec, action } of actionsOf(report)) {
      if (action.result === 'planned' || action.result === 'held') continue;
      written++;
      if (action.result === 'failed')
        this.#write(levelOf(action.problem), { event: 'action', spec, revision: report.revision, ...action }, actionText(action));
    }
    return written;
  }

  #logStanding(report: RunReport): number {
    const now = standingOf(report);
    const appeared = [...now].filter(([key]) => !this.#standing.has(key));
    const ended = [...this.#standing].filter(([key]) => !now.has(key));
    for (const [, { level, fields, message }] of appeared) this.#write(level, fields, message);
    for (const [, { fields, message }] of ended) this.#write('info', { ...fields, ended: true }, `no longer: ${message}`);
    this.#standing = now;
    return appeared.length + ended.length;
  }

  #logStates({ specs }: RunReport): number {
    const now = new Map(specs.map(({ id, state }) => [id, state]));
    let written = 0;
    for (const [spec, state] of now) {
      const before = this.#states.get(spec);
      // At the start everything that is in step already is no news.
      if (before === state || (before === undefined && state === 'in-step')) continue;
      this.#write('info', { event: 'spec', spec, state, before }, `${spec}: ${before === undefined ? '' : `${before} → `}${state}`);
      written++;
    }
    this.#states = now;
    return written;
  }
}

/** The names that OpenTelemetry gives these fields in formats other than its own. */
const fieldsOf = (trace: TraceIds | undefined): Fields => (trace === undefined ? {} : { trace_id: trace.traceId, span_id: trace.spanId });

/** What became of the actions of a run. */
function countsOf(report: RunReport): Fields {
  const results = actionsOf(report).map(({ action }) => action.result);
  const count = (result: ActionReport['result']): number => results.filter((one) => one === result).length;
  return { actions: results.length, done: count('done'), failed: count('failed'), held: report.holds.length };
}

const LEVELS = { error: 'error', warning: 'warn', note: 'info' } as const satisfies Record<Problem['severity'], Level>;

const levelOf = (problem: Problem | undefined): Level => (problem === undefined ? 'error' : LEVELS[problem.severity]);

function actionText({ op, on, changes, result, problem }: ActionReport): string {
  const what = changes.length === 0 ? `${op} ${on}` : `${op} ${on}: ${changes.join(', ')}`;
  return result === 'failed' ? `${what}: failed: ${problem?.message ?? 'no reason given'}` : what;
}

/** What a failed roll-out says changes with every pod that is tried again: where it stands tells it apart. */
const identityOf = (problem: Problem): unknown =>
  problem.code === 'ROLLOUT_FAILED' && problem.where !== undefined ? { code: problem.code, where: problem.where } : problem;

function standingOf({ specs, problems, holds, sources }: RunReport): ReadonlyMap<string, Standing> {
  const all = new Map<string, Standing>();
  const add = (key: readonly unknown[], standing: Standing): void => void all.set(JSON.stringify(key), standing);
  const addProblem = (problem: Problem, of: Fields): void =>
    add(['problem', of, identityOf(problem)], {
      level: levelOf(problem),
      fields: { event: 'problem', ...of, ...problem },
      message: problem.message,
    });
  for (const problem of problems) addProblem(problem, {});
  for (const spec of specs) for (const problem of spec.problems) addProblem(problem, { spec: spec.id });
  for (const { source, kind, reason } of sources) if (reason !== undefined) addProblem(reason, { source, snapshot: kind });
  for (const { spec, what, reason } of holds)
    add(['hold', spec, what, reason.code], {
      level: levelOf(reason),
      fields: { event: 'hold', spec, what, ...reason },
      message: `held: ${what}: ${reason.message}`,
    });
  return all;
}
