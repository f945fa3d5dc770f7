import type { Snapshot } from '../../core/model/snapshot.ts';
import type { Problem } from '../../shared/problem.ts';

interface LastValue<T> {
  readonly value: T;
  readonly index: string;
  readonly readAtMs: number;
}

/** Turns the outcomes of reads, one after another, into snapshots. */
export class SnapshotHistory<T> {
  #last: LastValue<T> | undefined;
  #connectedAtMs: number | undefined;
  #failingSinceMs: number | undefined;

  /** The value of the last success. */
  get last(): T | undefined {
    return this.#last?.value;
  }

  /** The source answered at `readAtMs`. */
  succeeded(value: T, index: string, readAtMs: number): Snapshot<T> {
    this.#last = { value, index, readAtMs };
    this.#failingSinceMs = undefined;
    this.#connectedAtMs ??= readAtMs;
    return { kind: 'complete', value, readAtMs, connectedAtMs: this.#connectedAtMs, index };
  }

  /** What a former process knew: better than nothing while the source fails, never complete. */
  recalled(value: T, index: string, readAtMs: number): void {
    this.#last = { value, index, readAtMs };
  }

  /** The last value must not be used any more. */
  forget(): void {
    this.#last = undefined;
  }

  /** The source failed at `nowMs`. */
  failed(reason: Problem, nowMs: number): Snapshot<T> {
    this.#connectedAtMs = undefined;
    this.#failingSinceMs ??= nowMs;
    const sinceMs = this.#failingSinceMs;
    return this.#last === undefined ? { kind: 'unavailable', reason, sinceMs } : { kind: 'stale', ...this.#last, reason, sinceMs };
  }
}
