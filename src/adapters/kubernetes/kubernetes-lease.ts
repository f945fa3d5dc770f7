import { kvKey } from '../../core/model/ids.ts';
import type { Clock, Lease, LeaseState, Unsubscribe } from '../../core/model/ports.ts';
import { sleep } from '../../shared/abort.ts';
import { jitterMs } from '../../shared/backoff.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { JsonRecord } from './json-access.ts';
import type { KubeClient } from './kube-client.ts';
import { type LeaseRecord, LeaseStore } from './lease-store.ts';

export interface KubernetesLeaseOptions {
  readonly client: KubeClient;
  /** `poolkeeper-<owner>`. */
  readonly name: string;
  readonly namespace: string;
  /** Who we are; another process must never have the same. */
  readonly identity: string;
  /** How long others wait after our last renewal before they take it, in milliseconds; whole seconds. Default 15 s. */
  readonly durationMs?: number;
  /** Between renewals. Default 5 s. */
  readonly renewMs?: number;
  /** Between looks while another holds it, and between tries after a failure. Default 1 s. */
  readonly retryMs?: number;
  /** Whether we want it: asked before each look. It is given up when the answer turns to no. */
  readonly mayHold: () => boolean;
  /** How long a free lease is left to others, in milliseconds; asked before each try. Default not at all. */
  readonly headStartMs?: () => number;
  /** For times that others read. How long something has lasted is told by the monotonic clock. */
  readonly clock: Clock;
}

/** The Kubernetes lease, with its life. */
export interface KubernetesLease extends Lease {
  /** Begins to take and renew it. */
  start(): void;
  /** Looks now instead of when the next renewal is due: `mayHold` has changed. */
  lookNow(): void;
  /** Gives it up when it is held, and goes on seeking it, after others (`headStartMs`). */
  offer(): void;
  /** When the lease could be read or written last, in ms on the monotonic clock; undefined while it can. */
  silentSinceMs(): number | undefined;
  /** Ends the renewals without giving it up; `release` does both. */
  stop(): Promise<void>;
}

const DEFAULTS = { durationMs: 15_000, renewMs: 5_000, retryMs: 1_000, headStartMs: () => 0 };

/**
 * A lease of coordination.k8s.io/v1, taken and renewed by compare-and-set on its resourceVersion. `state()` says no after
 * two thirds of the duration since the last renewal was sent: before anybody else may take it. Another's lease is taken
 * when its record has not changed for its own duration by our monotonic clock, never by comparing clocks, as in client-go.
 * The fence holds our identity and an empty key: Kubernetes compares uid and resourceVersion instead.
 */
export function createKubernetesLease(options: KubernetesLeaseOptions): KubernetesLease {
  return new RenewedLease({ ...DEFAULTS, ...options });
}

interface Seen {
  readonly record: LeaseRecord;
  /** On the monotonic clock. */
  readonly sinceMs: number;
}

const LAPSED = { monotonicMs: 0, clockMs: 0 };

class RenewedLease implements KubernetesLease {
  readonly #options: KubernetesLeaseOptions & typeof DEFAULTS;
  readonly #store: LeaseStore;
  readonly #listeners = new Set<() => void>();
  readonly #stopped = new AbortController();
  #nudge = new AbortController();
  #running: Promise<void> | undefined;
  /** The record as it last was, and since when we know it so. */
  #seen: Seen | undefined;
  /** Until when nobody else may hold it, by both clocks: the monotonic one stands still while the machine is suspended. */
  #until = LAPSED;
  /** It is to be given up. */
  #offered = false;
  #answeredAtMs = performance.now();
  #silent = false;
  #problem: Problem | undefined;
  #told = '';

  constructor(options: KubernetesLeaseOptions & typeof DEFAULTS) {
    this.#options = options;
    const { client, namespace, name, durationMs } = options;
    // A renewal that takes longer is of no use any more.
    this.#store = new LeaseStore(client, { namespace, name, timeoutMs: Math.round(durationMs / 3) });
  }

  state(): LeaseState {
    const { clock, identity } = this.#options;
    const leftMs = this.#leftMs();
    if (leftMs > 0) return { held: true, fence: { key: kvKey(''), session: identity }, untilMs: clock.now() + leftMs };
    const holder = this.#seen?.record.holder ?? '';
    return {
      held: false,
      holder: holder === '' || holder === identity ? undefined : holder,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  changed(listener: () => void): Unsubscribe {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  start(): void {
    this.#running ??= this.#run(this.#stopped.signal);
  }

  lookNow(): void {
    this.#nudge.abort();
  }

  offer(): void {
    if (this.#leftMs() <= 0) return;
    this.#offered = true;
    // Writes first stop, then others are told.
    this.#until = LAPSED;
    this.lookNow();
  }

  silentSinceMs(): number | undefined {
    return this.#silent ? this.#answeredAtMs : undefined;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async release(signal: AbortSignal): Promise<void> {
    await this.stop();
    await this.#giveUp(signal);
    this.#tell();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Before the step: who asks for a look amid it asks for another one.
      this.#nudge = new AbortController();
      const waitMs = await this.#step(signal);
      this.#tell();
      const lapseMs = this.#leftMs();
      // An abort ends the wait: the loop looks why.
      await sleep(lapseMs > 0 ? Math.min(waitMs, lapseMs) : waitMs, AbortSignal.any([signal, this.#nudge.signal])).catch(() => undefined);
      this.#tell();
    }
  }

  /** One look; returns how long to wait for the next one. */
  async #step(signal: AbortSignal): Promise<number> {
    const { clock, mayHold, renewMs, retryMs } = this.#options;
    try {
      if (this.#offered) await this.#giveUp(signal);
      if (!mayHold()) {
        await this.#giveUp(signal);
        // Its age is known when it may be held: a dead holder's time runs from here on, not only from then.
        const looked = this.#look(signal).then(() => this.#answered());
        await looked.catch(() => this.#failed(signal));
        this.#problem = undefined;
        return renewMs;
      }
      const held = await this.#takeOrRenew(signal);
      this.#answered();
      this.#problem = undefined;
      return held ? jitterMs(renewMs, 0.1, () => clock.random()) : jitterMs(retryMs, 0.2, () => clock.random());
    } catch (error) {
      if (!signal.aborted) this.#problem = problemOf(error);
      this.#failed(signal);
      return jitterMs(retryMs, 0.2, () => clock.random());
    }
  }

  #answered(): void {
    this.#answeredAtMs = performance.now();
    this.#silent = false;
  }

  #failed(signal: AbortSignal): void {
    if (!signal.aborted) this.#silent = true;
  }

  #leftMs(): number {
    const { monotonicMs, clockMs } = this.#until;
    return Math.min(monotonicMs - performance.now(), clockMs - this.#options.clock.now());
  }

  /** True when it is ours now. */
  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const { identity, headStartMs } = this.#options;
    const known = this.#seen?.record;
    if (known?.holder === identity && (await this.#write(known, signal))) return true;
    const seen = await this.#look(signal);
    if (seen === undefined) return this.#write(undefined, signal);
    const { record, sinceMs } = seen;
    const freeForMs = performance.now() - sinceMs - (record.holder === '' ? 0 : record.durationMs);
    if (record.holder === identity || freeForMs >= headStartMs()) return this.#write(record, signal);
    this.#until = LAPSED;
    return false;
  }

  /** Reads the record, and notes since when it is as it is; undefined when there is none. */
  async #look(signal: AbortSignal): Promise<Seen | undefined> {
    const record = await this.#store.read(signal);
    if (record === undefined) this.#seen = undefined;
    else if (record.resourceVersion !== this.#seen?.record.resourceVersion) this.#seen = { record, sinceMs: performance.now() };
    return this.#seen;
  }

  async #write(over: LeaseRecord | undefined, signal: AbortSignal): Promise<boolean> {
    const { clock, durationMs } = this.#options;
    // Counted from before the request: it may be the answer that is late.
    const sentAt = { monotonicMs: performance.now(), clockMs: clock.now() };
    const record = await this.#store.write(this.#spec(over, sentAt.clockMs), over, signal);
    if (record === undefined) return false;
    this.#seen = { record, sinceMs: sentAt.monotonicMs };
    // What was offered meanwhile is not held again.
    if (this.#offered) return false;
    const trustMs = Math.floor((durationMs * 2) / 3);
    this.#until = { monotonicMs: sentAt.monotonicMs + trustMs, clockMs: sentAt.clockMs + trustMs };
    return true;
  }

  #spec(over: LeaseRecord | undefined, nowMs: number): JsonRecord {
    const { identity, durationMs } = this.#options;
    const time = microTime(nowMs);
    const renewed = { holderIdentity: identity, leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)), renewTime: time };
    if (over?.holder === identity) return { ...over.spec, ...renewed };
    const transitions = over?.spec['leaseTransitions'];
    return { ...over?.spec, ...renewed, acquireTime: time, leaseTransitions: typeof transitions === 'number' ? transitions + 1 : 0 };
  }

  /** Writes first stop, then others are told. When that fails it is tried again, or lapses. */
  async #giveUp(signal: AbortSignal): Promise<void> {
    this.#until = LAPSED;
    const known = this.#seen?.record;
    if (known?.holder === this.#options.identity) {
      let record = await this.#writeFree(known, signal);
      if (record === undefined) {
        // A renewal whose answer we did not see has moved the version.
        const moved = await this.#store.read(signal);
        record = moved?.holder === this.#options.identity ? await this.#writeFree(moved, signal) : moved;
      }
      this.#seen = record === undefined ? undefined : { record, sinceMs: performance.now() };
    }
    this.#offered = false;
  }

  #writeFree(over: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const freed = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(this.#options.clock.now()) };
    return this.#store.write({ ...over.spec, ...freed }, over, signal);
  }

  #tell(): void {
    const state = this.state();
    const summary = state.held ? 'held' : JSON.stringify([state.holder, state.problem]);
    if (summary === this.#told) return;
    this.#told = summary;
    for (const listener of this.#listeners) listener();
  }
}

/** RFC 3339 with six digits: the API server takes no other number of them. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

function problemOf(error: unknown): Problem {
  return error instanceof AppError ? error.problem : problem('INTERNAL', `looking after the Kubernetes lease failed: ${errorText(error)}`);
}
