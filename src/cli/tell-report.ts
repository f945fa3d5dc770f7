import type { ActionReport, RunReport, SpecState } from '../core/report/run-report.ts';
import { actionsOf } from '../core/report/run-report.ts';
import { problemText } from '../shared/problem.ts';
import { groupHolds } from './group-holds.ts';

const STAGE_NAMES: Readonly<Record<string, string>> = {
  'apply-object': 'kubernetes',
  'delete-object': 'kubernetes',
  'ensure-node': 'consul',
  'delete-node': 'consul',
  'register-pool': 'consul',
  'deregister-pool': 'consul',
  'write-kv': 'consul',
};

/** Tells a person, line by line, what each run did: one line an action, and what each spec waits for. */
export class ReportTeller {
  readonly #say: (text: string) => void;
  readonly #now: () => number;
  readonly #startMs: number;
  #states: ReadonlyMap<string, SpecState> = new Map();

  constructor(say: (text: string) => void, now: () => number) {
    this.#say = say;
    this.#now = now;
    this.#startMs = now();
  }

  tell(report: RunReport): void {
    for (const { action } of actionsOf(report))
      if (action.result === 'done' || action.result === 'failed') this.#line(STAGE_NAMES[action.op] ?? action.leg, text(action));
    for (const { id, state, waiting, problems } of report.specs) {
      if (this.#states.get(id) === state) continue;
      const [wait] = waiting;
      this.#line('spec', `${id} is ${state}${wait === undefined ? '' : `: ${wait.what}`}`);
      for (const problem of problems) if (problem.severity === 'error') this.#line('', problemText(problem));
    }
    for (const hold of groupHolds(report.holds)) this.#line('held', `${hold.what}: ${hold.reason.message}. ${hold.reason.remedy}`);
    this.#states = new Map(report.specs.map(({ id, state }) => [id, state]));
  }

  #line(stage: string, what: string): void {
    const seconds = ((this.#now() - this.#startMs) / 1000).toFixed(2);
    this.#say(`  ${stage.padEnd(11)} ${what}  (${seconds} s)`);
  }
}

function text({ op, on, changes, result, problem }: ActionReport): string {
  const what = changes.length === 0 ? `${op} ${on}` : `${op} ${on}: ${changes.join(', ')}`;
  return result === 'failed' ? `FAILED ${what}: ${problem?.message ?? 'failed'}` : what;
}
