import { kvFlags, leaderKey } from '../../core/model/consul-names.ts';
import type { KvKey } from '../../core/model/ids.ts';
import type { Clock, Lease, LeaseState, Unsubscribe } from '../../core/model/ports.ts';
import { sleep, withDeadline } from '../../shared/abort.ts';
import { type BackoffPolicy, backoffMs } from '../../shared/backoff.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { ConsulClient } from './consul-client.ts';
import type { KeyValue } from './decode-answer.ts';
import { formatHolder, type LeaseHolder, parseHolder } from './lease-holder.ts';

/** Timers of the lease, ms. */
export interface LeaseTimings {
  /** Consul ends a session between one and two times this after its last renewal; 10 s is the least it takes. */
  readonly ttlMs: number;
  /** Consul keeps a dead holder's key locked for this long. The fence makes more than 1 s needless. */
  readonly lockDelayMs: number;
  readonly renewMs: number;
  /** How long after the last renewal this process believes that it still holds: less than the TTL, for clocks drift. */
  readonly trustMs: number;
  /** How long Consul holds the long poll on the key. */
  readonly pollWaitMs: number;
  /** Between tries to take a free key, which a lock delay may refuse. */
  readonly retryMs: number;
  readonly backoff: BackoffPolicy;
}

export const DEFAULT_LEASE_TIMINGS: LeaseTimings = {
  ttlMs: 10_000,
  lockDelayMs: 1_000,
  renewMs: 3_300,
  trustMs: 8_000,
  pollWaitMs: 10_000,
  retryMs: 250,
  backoff: { baseMs: 250, maxMs: 5_000 },
};

export interface ConsulLeaseOptions {
  readonly client: ConsulClient;
  readonly owner: string;
  readonly cluster: string;
  /** Default `kubernetes`. */
  readonly keyPath?: string;
  /** Who we are; undefined while that is not known yet, and until then the lease is not sought. */
  readonly holder: () => LeaseHolder | undefined;
  readonly clock: Clock;
  readonly timings?: Partial<LeaseTimings>;
}

/** The Consul lease, with its campaign. After `release`, whether Consul answered or not, the lease is not held and not sought. */
export interface ConsulLease extends Lease {
  /** Begins to seek the lease, until `signal` aborts, `stop` or `release`. */
  start(signal: AbortSignal): void;
  /** Ends the campaign without giving the lease up: Consul ends the session after one to two times its TTL. */
  stop(): Promise<void>;
}

/** A lease on the leader key of the cluster. It makes no request before `start`. */
export function createConsulLease(options: ConsulLeaseOptions): ConsulLease {
  return new SessionLease(options);
}

interface Session {
  readonly id: string;
  readonly value: string;
  held: boolean;
  /** On the monotonic clock; counted from the beginning of the last renewal that succeeded. */
  trustedUntil: number;
}

class SessionLease implements ConsulLease {
  readonly #client: ConsulClient;
  readonly #cluster: string;
  readonly #key: KvKey;
  readonly #flags: number;
  readonly #holder: ConsulLeaseOptions['holder'];
  readonly #clock: Clock;
  readonly #timings: LeaseTimings;
  readonly #listeners = new Set<() => void>();
  #lifetime = new AbortController();
  #campaign: Promise<void> = Promise.resolve();
  #session: Session | undefined;
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

  async stop(): Promise<void> {
    this.#lifetime.abort();
    await this.#campaign;
    this.#forget(this.#session);
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#lifetime.abort();
    await this.#campaign;
    const session = this.#session;
    if (session === undefined) return;
    // From here on nothing may be written any more, whether Consul answers or not.
    this.#forget(session);
    // The key first: a session that ends while it holds a key leaves the lock delay behind.
    await this.#client.releaseKey({ key: this.#key, session: session.id, value: session.value, flags: this.#flags }, signal);
    await this.#client.destroySession(session.id, signal);
  }

  /** Looks at the key and acts on it, until `signal` aborts. Never rejects. */
  async #seek(signal: AbortSignal): Promise<void> {
    const { pollWaitMs, backoff } = this.#timings;
    let index = 0;
    let failures = 0;
    let failingSince = 0;
    while (!signal.aborted) {
      try {
        const blocking = index === 0 ? {} : { blocking: { index, waitMs: pollWaitMs } };
        const answer = await this.#client.readKey({ key: this.#key, ...blocking }, signal);
        failures = 0;
        const settled = await this.#consider(answer.value, signal);
        // After an action the key is read at once; an index that went backwards says that Consul was restored.
        index = settled && answer.index >= index ? answer.index : 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) failingSince = performance.now();
        // By then Consul has ended the other's session, or cannot be asked: nobody knows who leads.
        if (performance.now() - failingSince > 2 * this.#timings.ttlMs) this.#otherHolder = undefined;
        this.#problem = problemOf(error);
        this.#tell();
        index = 0;
        await sleep(
          backoffMs(failures++, backoff, () => this.#clock.random()),
          signal,
        ).catch(() => undefined);
      }
    }
  }

  /** Acts on what the key shows; true when nothing can be done before it changes. */
  async #consider(entry: KeyValue | undefined, signal: AbortSignal): Promise<boolean> {
    const session = this.#session;
    const holder = parseHolder(entry?.value);
    const taken = entry !== undefined && entry.session !== '';
    if (taken && entry.session === session?.id) {
      this.#hold(session);
      return true;
    }
    if (session?.held === true) this.#forget(session);
    const own = this.#holder();
    const clash = own !== undefined && holder !== undefined && holder.clusterUid !== own.clusterUid;
    this.#otherHolder = taken ? (holder?.address ?? 'unknown') : undefined;
    this.#problem = clash ? this.#clash(holder) : own === undefined ? UNKNOWN_SELF : undefined;
    this.#tell();
    if (taken || clash) {
      await this.#drop(signal);
      return true;
    }
    if (own === undefined || !(await this.#acquire(own, signal))) await sleep(this.#timings.retryMs, signal);
    return false;
  }

  #clash(holder: LeaseHolder): Problem {
    const message = `The key ${this.#key} was written by another Kubernetes cluster (kube-system has the UID ${holder.clusterUid} there, daemon at ${holder.address})`;
    return problem('CONSUL_CLUSTER_CLASH', message, {
      remedy: `Choose another \`cluster\` than ${this.#cluster}; or, if that cluster is gone for good, delete the key.`,
    });
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

  async #open(own: LeaseHolder, signal: AbortSignal): Promise<Session> {
    const { ttlMs, lockDelayMs, trustMs } = this.#timings;
    const startedAt = performance.now();
    const id = await this.#client.createSession({ name: `poolkeeper ${this.#cluster}`, ttlMs, lockDelayMs }, signal);
    const session: Session = { id, value: formatHolder(own, this.#clock.now()), held: false, trustedUntil: startedAt + trustMs };
    this.#session = session;
    void this.#renew(session, signal);
    return session;
  }

  /** Renews the session until it ends or is given up. Never rejects. */
  async #renew(session: Session, signal: AbortSignal): Promise<void> {
    const { renewMs, retryMs, trustMs } = this.#timings;
    const random = () => this.#clock.random();
    for (let failures = 0; ; ) {
      try {
        await sleep(failures === 0 ? renewMs : backoffMs(failures, { baseMs: retryMs, maxMs: renewMs }, random), signal);
        if (this.#session !== session) return;
        const startedAt = performance.now();
        if (!(await this.#client.renewSession(session.id, withDeadline(signal, renewMs)))) {
          this.#forget(session);
          return;
        }
        failures = 0;
        session.trustedUntil = startedAt + trustMs;
        if (session.held && this.#session === session) this.#hold(session);
      } catch {
        if (signal.aborted) return;
        failures += 1;
      }
    }
  }

  #hold(session: Session): void {
    session.held = true;
    this.#otherHolder = undefined;
    this.#problem = undefined;
    clearTimeout(this.#trustTimer);
    // Nobody asks state() at this very moment, but listeners must learn that the trust has run out.
    this.#trustTimer = setTimeout(() => this.#tell(), Math.max(0, session.trustedUntil - performance.now()) + 1).unref();
    this.#tell();
  }

  #forget(session: Session | undefined): void {
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
