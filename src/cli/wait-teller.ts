import { isRollingOut, type RunReport } from '../core/report/run-report.ts';

/** How long something is waited for before it is told, in milliseconds: most waits are over at the next look. */
const QUIET_MS = 2_000;

/** Tells a person what a command waits for while it shows nothing else: each wait once, when it lasts. */
export class WaitTeller {
  readonly #say: (line: string) => void;
  /** When each wait was first seen; infinity once it is told. */
  #seen: ReadonlyMap<string, number> = new Map();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  tell(report: RunReport): void {
    const nowMs = report.startedAtMs + report.durationMs;
    const waits = report.specs
      .filter((spec) => !isRollingOut(spec))
      .flatMap(({ id, waiting }) => waiting.map(({ what }) => `${id}: ${what}`));
    const seen = new Map(waits.map((wait) => [wait, this.#seen.get(wait) ?? nowMs]));
    for (const [wait, sinceMs] of seen) {
      if (nowMs - sinceMs < QUIET_MS) continue;
      this.#say(`waiting: ${wait}`);
      seen.set(wait, Number.POSITIVE_INFINITY);
    }
    this.#seen = seen;
  }
}
