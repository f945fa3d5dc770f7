import { kvFlags, leaderKey } from '../../core/model/consul-names.ts';
import type { KvKey } from '../../core/model/ids.ts';
import type { Clock, Lease, LeaseState, Unsubscribe } from '../../core/model/ports.ts';
import { sleep } from '../../shared/abort.ts';
import { backoffMs } from '../../shared/backoff.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { ConsulClient } from './consul-client.ts';
import type { KeyValue } from './decode-answer.ts';
import { formatHolder, type LeaseHolder, parseHolder, whyNeverOurs } from './lease-holder.ts';
import { keepSession, type LeaseSession, openSession } from './lease-session.ts';
import { DEFAULT_LEASE_TIMINGS, type LeaseTimings } from './lease-timings.ts';

export interface ConsulLeaseOptions {
  readonly client: ConsulClient;
  readonly owner: string;
  readonly cluster: string;
  /** Default `kubernetes`. */
  readonly keyPath?: string;
  /** Who we are; undefined while that is not known yet, and until then the lease is not sought. After a change: `lookNow`. */
  readonly holder: () => LeaseHolder | undefined;
  /** How long a free key is left to others, ms; asked when it is found free. Default not at all. */
  readonly headStartMs?: () => number;
  readonly clock: Clock;
  readonly timings?: Partial<LeaseTimings>;
}

/** The Consul lease, with its campaign. After `release`, whether Consul answered or not, the lease is not held and not sought. */
export interface ConsulLease extends Lease {
  /** Begins to seek the lease, until `signal` aborts, `stop` or `release`. */
  start(signal: AbortSignal): void;
  /** Looks at the key now: `holder` has changed. */
  lookNow(): void;
  /** Gives the lease up when it is held, and goes on seeking it, after others (`headStartMs`). */
  offer(): void;
  /** When Consul answered last, in ms on the monotonic clock; undefined while it answers. */
  silentSinceMs(): number | undefined;
  /** Ends the campaign without giving the lease up: Consul ends the session after one to two times its TTL. */
  stop(): Promise<void>;
}

/** A lease on the leader key of the cluster. It makes no request before `start`. */
export function createConsulLease(options: ConsulLeaseOptions): ConsulLease {
  return new SessionLease(options);
}

class SessionLease implements ConsulLease {
  readonly #client: ConsulClient;
  readonly #cluster: string;
  readonly #key: KvKey;
  readonly #flags: number;
  readonly #holder: ConsulLeaseOptions['holder'];
  readonly #headStartMs: () => number;
  readonly #clock: Clock;
  readonly #timings: LeaseTimings;
  readonly #listeners = new Set<() => void>();
  #lifetime = new AbortController();
  #campaign: Promise<void> = Promise.resolve();
  #nudge = new AbortController();
  #session: LeaseSession | undefined;
  /** What was offered to others and is to be given up. */
  #offered: LeaseSession | undefined;
  /** Since when the key has been seen free, on the monotonic clock. */
  #freeSinceMs: number | undefined;
  #answeredAtMs = performance.now();
  #silent = false;
  #trustTimer: NodeJS.Timeout | undefined;
  #otherHolder: string | undefined;
  #problem: Problem | undefined;
  #told = '';

  constructor(options: ConsulLeaseOptions) {
    this.#client = options.client;
    this.#cluster = options.cluster;
    this.#key = leaderKey(options.keyPath ?? 'kubernetes', options.cluster);
    this.#flags = kvFlags(options.owner, options.cluster);
    this.#holder = options.holder;
    this.#headStartMs = options.headStartMs ?? (() => 0);
    this.#clock = options.clock;
    this.#timings = { ...DEFAULT_LEASE_TIMINGS, ...options.timings };
    this.#told = this.#summary();
  }

  state(): LeaseState {
    const session = this.#session;
    const leftMs = session?.held === true ? session.trustedUntil - performance.now() : 0;
    if (session !== undefined && leftMs > 0) {
      return { held: true, fence: { key: this.#key, session: session.id }, untilMs: this.#clock.now() + leftMs };
    }
    return { held: false, holder: this.#otherHolder, ...(this.#problem === undefined ? {} : { problem: this.#problem }) };
  }

  changed(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(signal: AbortSignal): void {
    this.#lifetime = new AbortController();
    this.#campaign = this.#seek(AbortSignal.any([signal, this.#lifetime.signal]));
  }

  lookNow(): void {
    this.#nudge.abort();
  }

  offer(): void {
    const session = this.#session;
    if (session?.held !== true) return;
    this.#offered = session;
    // From here on nothing may be written any more, whether Consul answers or not.
    this.#forget(session);
    this.lookNow();
  }

  silentSinceMs(): number | undefined {
    return this.#silent ? this.#answeredAtMs : undefined;
  }

  async stop(): Promise<void> {
    this.#lifetime.abort();
    await this.#campaign;
    this.#forget(this.#session);
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#lifetime.abort();
    await this.#campaign;
    const session = this.#session ?? this.#offered;
    if (session === undefined) return;
    // From here on nothing may be written any more, whether Consul answers or not.
    this.#forget(session);
    await this.#free(session, signal);
  }

  /** The key first: a session that ends while it holds a key leaves the lock delay behind. */
  async #free(session: LeaseSession, signal: AbortSignal): Promise<void> {
    await this.#client.releaseKey({ key: this.#key, session: session.id, value: session.value, flags: this.#flags }, signal);
    await this.#client.destroySession(session.id, signal);
    this.#offered = undefined;
  }

  /** Looks at the key and acts on it, until `signal` aborts. Never rejects. */
  async #seek(signal: AbortSignal): Promise<void> {
    const { pollWaitMs, backoff } = this.#timings;
    let index = 0;
    let waitMs = pollWaitMs;
    let failures = 0;
    while (!signal.aborted) {
      // Before the look: who asks for one amid it asks for another one.
      const nudge = new AbortController();
      this.#nudge = nudge;
      try {
        if (this.#offered !== undefined) await this.#free(this.#offered, signal);
        const blocking = index === 0 ? {} : { blocking: { index, waitMs } };
        const answer = await this.#client.readKey({ key: this.#key, ...blocking }, AbortSignal.any([signal, nudge.signal]));
        failures = 0;
        this.#answered();
        waitMs = await this.#consider(answer.value, signal);
        // After an action the key is read at once; an index that went backwards says that Consul was restored.
        index = waitMs > 0 && answer.index >= index ? answer.index : 0;
      } catch (error) {
        if (signal.aborted) return;
        index = 0;
        if (nudge.signal.aborted) continue;
        this.#failed(error);
        const random = () => this.#clock.random();
        await sleep(backoffMs(failures++, backoff, random), signal).catch(() => undefined);
      }
    }
  }

  #answered(): void {
    this.#answeredAtMs = performance.now();
    this.#silent = false;
  }

  #failed(error: unknown): void {
    this.#silent = true;
    this.#freeSinceMs = undefined;
    // By then Consul has ended the other's session, or cannot be asked: nobody knows who leads.
    if (performance.now() - this.#answeredAtMs > 2 * this.#timings.ttlMs) this.#otherHolder = undefined;
    this.#problem = problemOf(error);
    this.#tell();
  }

  /** Acts on what the key shows; gives how long to wait for it to change: no time at all after an action. */
  async #consider(entry: KeyValue | undefined, signal: AbortSignal): Promise<number> {
    const { pollWaitMs, retryMs } = this.#timings;
    const session = this.#session;
    const holder = parseHolder(entry?.value);
    const taken = entry !== undefined && entry.session !== '';
    if (taken && entry.session === session?.id) {
      this.#hold(session);
      return pollWaitMs;
    }
    if (session?.held === true) this.#forget(session);
    const own = this.#holder();
    const clash =
      own === undefined || holder === undefined
        ? undefined
        : whyNeverOurs(holder, own, { key: this.#key, cluster: this.#cluster, isOfOwner: entry?.flags === this.#flags });
    // A session of ours that we have given up and that Consul has not ended yet is nobody to turn to.
    this.#otherHolder = taken && holder?.address !== own?.address ? (holder?.address ?? 'unknown') : undefined;
    this.#problem = own === undefined ? UNKNOWN_SELF : clash;
    this.#tell();
    if (taken || clash !== undefined) {
      this.#freeSinceMs = undefined;
      await this.#drop(signal);
      return pollWaitMs;
    }
    if (own === undefined) return pollWaitMs;
    this.#freeSinceMs ??= performance.now();
    const leftMs = Math.ceil(this.#freeSinceMs + this.#headStartMs() - performance.now());
    if (leftMs > 0) return Math.min(leftMs, pollWaitMs);
    if (!(await this.#acquire(own, signal))) await sleep(retryMs, signal);
    return 0;
  }

  async #acquire(own: LeaseHolder, signal: AbortSignal): Promise<boolean> {
    const session = this.#session ?? (await this.#open(own, signal));
    try {
      const acquired = await this.#client.acquireKey(
        { key: this.#key, session: session.id, value: session.value, flags: this.#flags },
        signal,
      );
      if (acquired && this.#session === session) this.#hold(session);
      return acquired;
    } catch (error) {
      // It may have ended meanwhile; the next try brings a new one. After an abort it is still needed, to release the key.
      if (!signal.aborted) this.#forget(session);
      throw error;
    }
  }

  async #open(own: LeaseHolder, signal: AbortSignal): Promise<LeaseSession> {
    const [client, timings] = [this.#client, this.#timings];
    const value = formatHolder(own, this.#clock.now());
    const session = await openSession(client, { name: `poolkeeper ${this.#cluster}`, value, timings }, signal);
    this.#session = session;
    const isWanted = () => this.#session === session;
    const onRenewed = () => {
      this.#answered();
      if (session.held && isWanted()) this.#hold(session);
    };
    const kept = keepSession({ client, session, timings, random: () => this.#clock.random(), isWanted, onRenewed }, signal);
    void kept.then((ended) => ended && this.#forget(session));
    return session;
  }

  #hold(session: LeaseSession): void {
    session.held = true;
    this.#freeSinceMs = undefined;
    this.#otherHolder = undefined;
    this.#problem = undefined;
    clearTimeout(this.#trustTimer);
    // Nobody asks state() at this very moment, but listeners must learn that the trust has run out.
    this.#trustTimer = setTimeout(() => this.#tell(), Math.max(0, session.trustedUntil - performance.now()) + 1).unref();
    this.#tell();
  }

  #forget(session: LeaseSession | undefined): void {
    if (session !== undefined && this.#session === session) this.#session = undefined;
    clearTimeout(this.#trustTimer);
    this.#tell();
  }

  /** Gives up a session that holds nothing. */
  async #drop(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#forget(session);
    await this.#client.destroySession(session.id, signal);
  }

  #tell(): void {
    const summary = this.#summary();
    if (summary === this.#told) return;
    this.#told = summary;
    for (const listener of this.#listeners) listener();
  }

  #summary(): string {
    const state = this.state();
    return JSON.stringify(state.held ? state.fence : state);
  }
}

const UNKNOWN_SELF: Problem = problem('KUBERNETES_UNAVAILABLE', 'The Consul lease is not sought before the UID of kube-system is known');

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.problem;
  return problem('CONSUL_UNAVAILABLE', `The Consul lease: ${errorText(error)}`);
}
