import type { Unsubscribe } from '../../core/model/ports.ts';
import type { RegistryState } from '../../core/model/registration.ts';
import { type Snapshot, snapshotValue } from '../../core/model/snapshot.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { type AppliedWrite, foldWrites } from './fold-writes.ts';
import { keepKnown } from './keep-known.ts';

/** Why there is no whole answer. `partial`: what was read is known to be a part only, and worse than none. */
export interface ReadingFailure {
  readonly reason: Problem;
  readonly partial: boolean;
}

/** A reading on its way: what this process wrote since it began is folded into it when it is accepted. */
export interface PendingReading {
  readonly written: AppliedWrite[];
}

/**
 * What is known of Consul. Readings replace it, failures age it, and our own writes are folded into it; a reading that began
 * before a write ended cannot take that write back.
 */
export class RegistrySnapshot {
  readonly #flags: number;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #pending = new Set<PendingReading>();
  #current: Snapshot<RegistryState>;
  /** The last value, kept while the snapshot is unavailable, to know afterwards what is still the same. */
  #lastValue: RegistryState | undefined;

  /** `flags` are those of our KV entries. */
  constructor(flags: number, now: () => number) {
    this.#flags = flags;
    this.#now = now;
    this.#current = { kind: 'unavailable', reason: problem('CONSUL_UNAVAILABLE', 'Consul has not been read yet'), sinceMs: now() };
  }

  get current(): Snapshot<RegistryState> {
    return this.#current;
  }

  changed(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  beginReading(): PendingReading {
    const reading = { written: [] };
    this.#pending.add(reading);
    return reading;
  }

  /** A whole answer; gives what is known now. The known value keeps its identity when nothing differs. */
  accept(reading: PendingReading, read: RegistryState, index: number): RegistryState {
    this.#pending.delete(reading);
    const value = reading.written.length === 0 ? read : foldWrites(read, reading.written, this.#flags);
    const before = this.#current;
    const known = this.#lastValue;
    const nowMs = this.#now();
    const connectedAtMs = before.kind === 'complete' ? before.connectedAtMs : nowMs;
    this.#lastValue = known === undefined ? value : keepKnown(known, value);
    this.#current = { kind: 'complete', value: this.#lastValue, readAtMs: nowMs, connectedAtMs, index: String(index) };
    if (before.kind !== 'complete' || this.#lastValue !== known) this.#tell();
    return this.#lastValue;
  }

  /** No whole answer: the value goes stale, or out of use. */
  fail(reading: PendingReading, { reason, partial }: ReadingFailure): void {
    this.#pending.delete(reading);
    const before = this.#current;
    const sinceMs = before.kind === 'complete' ? this.#now() : before.sinceMs;
    if (before.kind === 'unavailable' || partial) {
      this.#current = { kind: 'unavailable', reason, sinceMs };
    } else {
      this.#current = { kind: 'stale', value: before.value, readAtMs: before.readAtMs, index: before.index, reason, sinceMs };
    }
    if (before.kind !== this.#current.kind) this.#tell();
  }

  /** Adds what this process has just written. Listeners are not called: who wrote it knows. */
  fold(writes: readonly AppliedWrite[]): void {
    for (const reading of this.#pending) reading.written.push(...writes);
    if (this.#lastValue === undefined) return;
    this.#lastValue = foldWrites(this.#lastValue, writes, this.#flags);
    if (this.#current.kind !== 'unavailable') this.#current = { ...this.#current, value: this.#lastValue };
  }

  /** The value of a complete or stale snapshot. */
  get value(): RegistryState | undefined {
    return snapshotValue(this.#current);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
