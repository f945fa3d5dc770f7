import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/model/ports.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { orAborted } from '../shared/abort.ts';
import { backoffMs, jitterMs } from '../shared/backoff.ts';
import { isAbort } from '../shared/errors.ts';
import type { TraceIds } from '../shared/tracer.ts';

/** How one turn of the loop ended, and when to look again at the latest. */
export interface Turn {
  readonly report: RunReport;
  /** When something that is waited for comes due, in ms since the epoch. */
  readonly lookAgainAtMs: number | undefined;
  /** True when something failed that may succeed when tried again. */
  readonly retry: boolean;
  /** The trace of the run, when it is sent. */
  readonly trace?: TraceIds | undefined;
}

export interface LoopOptions {
  readonly clock: Clock;
  readonly pollMs: number;
  readonly fullCompareMs: number;
  readonly jitter: number;
  /** Watches often tell of one change in several events: what comes within this time is one wake-up. */
  readonly gatherMs: number;
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  /** Looks at Git; true when it changed. Never two at once. */
  readonly poll: (signal: AbortSignal) => Promise<boolean>;
  /** Reads every source again that cannot tell by itself. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** One run. Never two at once. */
  readonly run: (trigger: readonly string[], signal: AbortSignal) => Promise<Turn>;
  /** Told of what the loop could not handle, and in which of its works; the loop goes on. */
  readonly onError: (error: unknown, work: LoopWork) => void;
}

/** What the loop does. */
export type LoopWork = 'poll' | 'refresh' | 'run';

/** After so many turns in a row that threw, the process is no longer taken for alive. */
const MOST_THROWN = 10;

const WATCHES: ReadonlySet<string> = new Set(['kubernetes', 'consul', 'lease', 'traefik']);

/**
 * Decides when to run: on a change of Git, on wake-ups of the watches, when something comes due, on a full compare now and then, and
 * on request. Wake-ups are coalesced while a run is under way, and two runs never overlap (Git is polled beside them, so that a
 * slow Git server never holds up a node that leaves).
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  readonly #triggers = new Set<string>();
  #wakeUp: (() => void) | undefined;
  #pollNow: (() => void) | undefined;
  #waiters: ((turn: Turn) => void)[] = [];
  #polled: (() => void)[] = [];
  #failures = 0;
  /** When the last turn ended, or the loop began. */
  #sinceMs: number | undefined;
  /** Turns in a row that ended in an error nobody foresaw. */
  #thrown = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Asks for a run; `trigger` says why. Cheap, and harmless at any rate. */
  wake(trigger: string): void {
    this.#triggers.add(trigger);
    this.#wakeUp?.();
  }

  /** Looks at Git now, or once more when a look is under way, which may have begun too early. */
  pollNow(): void {
    this.#polled.push(() => undefined);
    this.#pollNow?.();
  }

  /** Polls Git, reads everything again and runs; resolves with the report of the run that covered the request. */
  async resync(signal: AbortSignal): Promise<RunReport> {
    const polled = new Promise<void>((resolve) => this.#polled.push(resolve));
    this.#pollNow?.();
    await orAborted(Promise.all([polled, this.#options.refresh(signal)]), signal);
    const turn = new Promise<Turn>((resolve) => this.#waiters.push(resolve));
    this.wake('resync');
    return (await orAborted(turn, signal)).report;
  }

  /** True while the loop turns: a turn has ended within the time of a full compare, twice over, and not all lately in errors. */
  isAlive(): boolean {
    const { clock, fullCompareMs } = this.#options;
    if (this.#sinceMs === undefined) return true;
    return this.#thrown < MOST_THROWN && clock.now() - this.#sinceMs < 2 * fullCompareMs + 60_000;
  }

  /** Number of wake-ups that no run has taken up yet; those of one kind are one. */
  queueLength(): number {
    return this.#triggers.size;
  }

  /** Runs until `signal` aborts; a run under way is ended by `runSignal`. */
  async start(signal: AbortSignal, runSignal: AbortSignal): Promise<void> {
    this.wake('start');
    this.#sinceMs = this.#options.clock.now();
    await Promise.all([this.#polling(signal), this.#comparing(signal), this.#running(signal, runSignal)]);
  }

  async #polling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waiting = this.#polled;
      this.#polled = [];
      await this.#guarded('poll', async () => {
        if (await this.#options.poll(signal)) this.wake('git');
      });
      for (const resolve of waiting) resolve();
      if (this.#polled.length > 0) continue;
      await this.#pause(
        jitterMs(this.#options.pollMs, this.#options.jitter, this.#options.clock.random),
        (wake) => (this.#pollNow = wake),
        signal,
      );
    }
    for (const resolve of this.#polled) resolve();
  }

  async #comparing(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { fullCompareMs, jitter, clock } = this.#options;
      await this.#pause(jitterMs(fullCompareMs, jitter, clock.random), () => undefined, signal);
      if (signal.aborted) return;
      await this.#guarded('refresh', () => this.#options.refresh(signal));
      this.wake('full-compare');
    }
  }

  async #running(signal: AbortSignal, runSignal: AbortSignal): Promise<void> {
    let lookAgainAtMs: number | undefined;
    while (!signal.aborted) {
      if (this.#triggers.size === 0) {
        const ms = lookAgainAtMs === undefined ? undefined : Math.max(0, lookAgainAtMs - this.#options.clock.now());
        await this.#pause(ms, (wake) => (this.#wakeUp = wake), signal);
        if (signal.aborted) return;
        if (this.#triggers.size === 0) this.#triggers.add('due');
      }
      const { gatherMs } = this.#options;
      const gather = gatherMs > 0 && [...this.#triggers].every((trigger) => WATCHES.has(trigger));
      if (gather) await this.#pause(gatherMs, () => undefined, signal);
      const trigger = [...this.#triggers].sort();
      this.#triggers.clear();
      const waiters = this.#waiters;
      this.#waiters = [];
      lookAgainAtMs = await this.#turn(trigger, waiters, runSignal);
    }
  }

  async #turn(trigger: readonly string[], waiters: readonly ((turn: Turn) => void)[], runSignal: AbortSignal): Promise<number | undefined> {
    const { clock, retry } = this.#options;
    const turn = await this.#guarded('run', () => this.#options.run(trigger, runSignal));
    this.#sinceMs = clock.now();
    this.#thrown = turn === undefined ? this.#thrown + 1 : 0;
    if (turn !== undefined) for (const resolve of waiters) resolve(turn);
    else this.#waiters.push(...waiters);
    this.#failures = turn === undefined || turn.retry ? this.#failures + 1 : 0;
    const again = this.#failures === 0 ? undefined : clock.now() + backoffMs(this.#failures - 1, retry, clock.random);
    const due = turn?.lookAgainAtMs;
    if (again === undefined) return due;
    return due === undefined ? again : Math.min(again, due);
  }

  /** Waits `ms` (for ever when undefined), until woken, or until `signal` aborts. */
  async #pause(ms: number | undefined, offer: (wake: () => void) => void, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    offer(() => woken.abort());
    const either = AbortSignal.any([signal, woken.signal]);
    await delay(Math.min(ms ?? 2 ** 31 - 1, 2 ** 31 - 1), undefined, { signal: either }).catch(() => undefined);
  }

  async #guarded<T>(name: LoopWork, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isAbort(error)) this.#options.onError(error, name);
      return undefined;
    }
  }
}
