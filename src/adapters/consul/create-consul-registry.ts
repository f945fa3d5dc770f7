import type { RegistryAction } from '../../core/model/action.ts';
import { kvFlags, specificationsPrefix } from '../../core/model/consul-names.ts';
import type { Clock, Fence, Lease, Registry, RegistryResult, Unsubscribe } from '../../core/model/ports.ts';
import type { RegistryState } from '../../core/model/registration.ts';
import type { Snapshot } from '../../core/model/snapshot.ts';
import { backoffMs, jitterMs } from '../../shared/backoff.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { CanaryError, createCanaries, hiddenCanaries } from './canaries.ts';
import { type CommitContext, commitActions } from './commit-actions.ts';
import type { ConsulClient } from './consul-client.ts';
import { type InstanceReading, type RegistryReading, readRegistry } from './read-registry.ts';
import type { SpecificationReading } from './read-specifications.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { type ReadingFailure, RegistrySnapshot } from './registry-snapshot.ts';
import { DEFAULT_REGISTRY_TIMINGS, LONGEST_DELAY, type RegistryTimings } from './registry-timings.ts';
import { shareInstances } from './share-instances.ts';
import { LEAST_LIMITS, limitsOfVersion, lowerLimits, type TransactionLimits } from './transaction-limits.ts';
import { watchRegistry } from './watch-registry.ts';

export interface ConsulRegistryOptions extends Pick<RegistryIdentity, 'owner' | 'cluster'> {
  readonly client: ConsulClient;
  /** Default `kubernetes`. */
  readonly keyPath?: string;
  /** Default `k8s-`. */
  readonly nodePrefix?: string;
  /** Whether Consul service names may be shared with other clusters that say so too (default false). */
  readonly sharedService?: boolean;
  /** Whether what was deployed is recorded under `specifications/` (default true). Where not, the token need not show it. */
  readonly history?: boolean;
  readonly clock: Clock;
  /** Who leads may create canaries. */
  readonly lease: Pick<Lease, 'state' | 'changed'>;
  readonly timings?: Partial<RegistryTimings>;
}

/** The Consul leg, with its watches. */
export interface ConsulRegistry extends Registry {
  /** Begins to watch Consul; resolves when it was read once, well or not. Stops when `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends the watches and timers; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** The registry on a Consul. It reads nothing before `start` or `refresh`. */
export function createConsulRegistry(options: ConsulRegistryOptions): ConsulRegistry {
  return new WatchingRegistry(options);
}

class WatchingRegistry implements ConsulRegistry {
  readonly #client: ConsulClient;
  readonly #identity: RegistryIdentity;
  readonly #history: boolean;
  readonly #clock: Clock;
  readonly #lease: ConsulRegistryOptions['lease'];
  readonly #timings: RegistryTimings;
  readonly #snapshot: RegistrySnapshot;
  readonly #commitContext: CommitContext;
  readonly #lifetime = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();
  #started = false;
  #limits: TransactionLimits = LEAST_LIMITS;
  /** Whether the limits are those of the server that answers now. */
  #limitsKnown = false;
  #instances: InstanceReading | undefined;
  /** The index at which the tree of specifications was read; undefined: it must be read anew. */
  #specificationsIndex: number | undefined;
  #sharedNodes: ReadonlySet<string> = new Set();
  /** The reading under way, and the one that those wait for who asked after it had begun. */
  #reading: Promise<void> | undefined;
  #nextReading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the monotonic clock. */
  #timerAt = Number.POSITIVE_INFINITY;
  #lastReadingAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Commits under way. */
  #commits = 0;

  constructor(options: ConsulRegistryOptions) {
    const { client, owner, cluster, clock, lease } = options;
    this.#client = client;
    const { keyPath = 'kubernetes', nodePrefix = 'k8s-', sharedService = false } = options;
    this.#identity = { owner, cluster, keyPath, nodePrefix, sharedService };
    this.#history = options.history ?? true;
    this.#clock = clock;
    this.#lease = lease;
    this.#timings = { ...DEFAULT_REGISTRY_TIMINGS, ...options.timings };
    this.#lifetime.signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
    const flags = kvFlags(owner, cluster);
    this.#snapshot = new RegistrySnapshot(flags, () => clock.now());
    this.#commitContext = {
      client,
      flags,
      limits: () => this.#limits,
      learnLimits: (sent, answer) => {
        this.#limits = lowerLimits(this.#limits, sent, answer);
        this.#refreshSoon();
      },
      state: () => (this.#snapshot.current.kind === 'complete' ? this.#snapshot.current.value : undefined),
      fold: (writes) => this.#snapshot.fold(writes),
      refresh: async (signal) => {
        await this.refresh(signal);
        return this.#snapshot.current.kind === 'complete';
      },
      refreshSoon: () => {
        // Consul holds something else than what a write relied on.
        this.#specificationsIndex = undefined;
        this.#refreshSoon();
      },
      isShared: (node) => this.#sharedNodes.has(node),
    };
  }

  state(): Snapshot<RegistryState> {
    return this.#snapshot.current;
  }

  changed(listener: () => void): Unsubscribe {
    return this.#snapshot.changed(listener);
  }

  async commit(actions: readonly RegistryAction[], fence: Fence, signal: AbortSignal): Promise<readonly RegistryResult[]> {
    this.#commits += 1;
    try {
      return await commitActions({ actions, fence, context: this.#commitContext }, signal);
    } finally {
      this.#commits -= 1;
    }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      // The reading itself goes on: others may wait for it.
      await Promise.race([this.#read(), aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#started) return;
    this.#started = true;
    const stop = () => this.#lifetime.abort();
    signal.addEventListener('abort', stop, { once: true });
    // A new leader may create the canaries that a standby could only miss. And a server of Consul that has lost the others keeps
    // long polls open, and says nothing, long after the lease cannot be trusted any more.
    const unsubscribe = this.#lease.changed(() => {
      if (this.#snapshot.current.kind !== 'complete' || !this.#lease.state().held) this.#schedule(0);
    });
    const watch = watchRegistry(
      {
        client: this.#client,
        identity: this.#identity,
        timings: this.#timings,
        random: () => this.#clock.random(),
        wake: () => this.#refreshSoon(),
        lost: () => {
          // Otherwise a retry is planned already.
          if (this.#failures === 0) this.#refreshSoon();
        },
        writes: this.#isWriting,
        seesAgents: () => (this.#snapshot.value?.agents?.size ?? 0) > 0,
      },
      this.#lifetime.signal,
    );
    this.#watching = watch.finally(() => {
      signal.removeEventListener('abort', stop);
      unsubscribe();
    });
    await this.refresh(this.#lifetime.signal).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#lifetime.abort();
    this.#started = false;
    await this.#watching;
    await this.#reading;
  }

  /** Reads everything once. Whoever asks while a reading runs gets the next one: the running one may have begun too early. */
  #read(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#readOnce().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = undefined;
      return this.#read();
    });
    return this.#nextReading;
  }

  /** Never rejects: the snapshot tells the outcome. */
  async #readOnce(): Promise<void> {
    const { signal } = this.#lifetime;
    if (signal.aborted) return;
    // What is planned is done now. A wake-up from here on plans anew, for this reading may have passed its part already.
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    const pending = this.#snapshot.beginReading();
    try {
      const { reading, fresh } = await this.#readWithCanaries(signal);
      if (!this.#limitsKnown) this.#limits = limitsOfVersion((await this.#client.readVersion(signal)) ?? '');
      this.#limitsKnown = true;
      this.#specificationsIndex = reading.specifications.index;
      this.#sharedNodes = reading.sharedNodes;
      const state = this.#snapshot.accept(pending, { ...reading.state, limits: this.#limits, fresh }, reading.index);
      // Later readings share them with the state by themselves.
      const known = this.#instances === undefined ? shareInstances(reading.instances.byNode, state.instances) : reading.instances.byNode;
      this.#instances = { ...reading.instances, byNode: known };
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#snapshot.fail(pending, failureOf(error));
      // After a break nothing is taken from before: it may be another server, or a restored one.
      this.#limitsKnown = false;
      this.#instances = undefined;
      this.#specificationsIndex = undefined;
      this.#failures += 1;
    }
    this.#lastReadingAt = performance.now();
    const { fullCompareMs, backoff } = this.#timings;
    const random = () => this.#clock.random();
    this.#schedule(this.#failures === 0 ? jitterMs(fullCompareMs, 0.1, random) : backoffMs(this.#failures - 1, backoff, random));
  }

  /** A reading with all canaries. Those that are missing are created first, if they can be. */
  async #readWithCanaries(signal: AbortSignal): Promise<{ readonly reading: RegistryReading; readonly fresh: boolean }> {
    let reading = await this.#readParts(signal);
    if (reading.missing.size === 0 && reading.clash === undefined) return { reading, fresh: false };
    const lease = this.#lease.state();
    const outcome = await createCanaries({ client: this.#client, identity: this.#identity, reading, lease }, signal);
    if (outcome.kind === 'created') return { reading, fresh: true };
    if (outcome.kind === 'failed') throw new CanaryError(outcome.problem);
    // The leader before us may have created them since we looked.
    reading = await this.#readParts(signal);
    if (reading.missing.size === 0) return { reading, fresh: true };
    throw hiddenCanaries(reading.missing);
  }

  #readParts(signal: AbortSignal): Promise<RegistryReading> {
    const previous = this.#instances;
    const specifications = this.#knownSpecifications();
    const leads = this.#lease.state().held;
    const registered = this.#snapshot.value?.instances;
    const known = {
      ...(previous === undefined ? {} : { previous }),
      ...(registered === undefined ? {} : { registered }),
      ...(specifications === undefined ? {} : { specifications }),
    };
    return readRegistry({ client: this.#client, identity: this.#identity, history: this.#history, leads, ...known }, signal);
  }

  #knownSpecifications(): SpecificationReading | undefined {
    const index = this.#specificationsIndex;
    const state = this.#snapshot.value;
    if (index === undefined || state === undefined) return undefined;
    const prefix = specificationsPrefix(this.#identity.keyPath);
    return { index, entries: new Map([...state.kv].filter(([key]) => key.startsWith(prefix))) };
  }

  #refreshSoon(): void {
    this.#schedule(Math.max(0, this.#lastReadingAt + this.#timings.refreshGapMs - performance.now()));
  }

  /** Plans the next reading; an earlier one that is planned stays. */
  #schedule(waitMs: number): void {
    const at = performance.now() + waitMs;
    if (!this.#started || this.#lifetime.signal.aborted || this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#readSoon(performance.now()), waitMs);
  }

  /** Amid our own writes a reading waits for their end: each one wakes us. Not for ever, nor for those of who leads no more. */
  #readSoon(dueAt: number): void {
    const { refreshGapMs } = this.#timings;
    if (!this.#isWriting() || performance.now() - dueAt > LONGEST_DELAY * refreshGapMs) return void this.#read();
    this.#timer = setTimeout(() => this.#readSoon(dueAt), refreshGapMs);
  }

  readonly #isWriting = (): boolean => this.#commits > 0 && this.#lease.state().held;
}

function failureOf(error: unknown): ReadingFailure {
  if (!(error instanceof AppError)) return { reason: problem('INTERNAL', `Reading Consul failed: ${errorText(error)}`), partial: false };
  const reason = error.problem;
  return { reason, partial: error instanceof CanaryError || reason.code === 'CONSUL_FILTERED' || reason.code === 'CONSUL_FORBIDDEN' };
}
