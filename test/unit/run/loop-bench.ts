import type { RunReport } from '../../../src/core/report/run-report.ts';
import type { LoopOptions, Turn } from '../../../src/run/reconcile-loop.ts';
import { ReconcileLoop } from '../../../src/run/reconcile-loop.ts';

/** A loop whose parts answer when the test lets them. */
export class Bench {
  readonly triggers: (readonly string[])[] = [];
  readonly ranAtMs: number[] = [];
  readonly errors: unknown[] = [];
  polls = 0;
  refreshes = 0;
  running = 0;
  mostRunning = 0;
  /** What the next runs give; the last one is given for ever. */
  turns: (Partial<Turn> | Error)[] = [{}];
  /** While set, runs wait for it. */
  gate: Promise<void> | undefined;
  pollGate: Promise<void> | undefined;
  changed = false;
  pollError: Error | undefined;
  readonly loop: ReconcileLoop;
  readonly #stop = new AbortController();
  readonly #cut = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(options: Partial<LoopOptions> = {}) {
    this.loop = new ReconcileLoop({
      clock: { now: () => Date.now(), random: () => 0.5 },
      pollMs: 3_600_000,
      fullCompareMs: 7_200_000,
      jitter: 0,
      gatherMs: 0,
      retry: { baseMs: 20, maxMs: 1_000 },
      poll: async (signal) => {
        this.polls++;
        await Promise.race([this.pollGate, aborted(signal)]);
        if (this.pollError !== undefined) throw this.pollError;
        return this.changed;
      },
      refresh: async () => void this.refreshes++,
      run: (trigger, signal) => this.#run(trigger, signal),
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  start(): void {
    this.#ended = this.loop.start(this.#stop.signal, this.#cut.signal);
  }

  /** Harmless when it is stopped already, or was never started. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  cut(): void {
    this.#cut.abort();
  }

  async #run(trigger: readonly string[], signal: AbortSignal): Promise<Turn> {
    this.triggers.push(trigger);
    this.ranAtMs.push(Date.now());
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      await Promise.race([this.gate, aborted(signal)]);
    } finally {
      this.running--;
    }
    const next = this.turns.length > 1 ? this.turns.shift() : this.turns[0];
    if (next instanceof Error) throw next;
    return { report: { passes: this.triggers.length } as RunReport, lookAgainAtMs: undefined, retry: false, ...next };
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** Something to wait for until the test opens it. */
export const gate = (): { readonly closed: Promise<void>; readonly open: () => void } => {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
};
