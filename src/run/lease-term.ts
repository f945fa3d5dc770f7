import type { Lease, Unsubscribe } from '../core/model/ports.ts';

/** Timers of a term, ms. */
export interface TermTimings {
  /** How long a holder keeps its lease while it cannot reach the other store. */
  readonly patienceMs: number;
  /** The patience doubles with each offer that nobody took, up to this: where all are cut off, it is no use to ask often. */
  readonly longestMs: number;
  /** How long a free lease is left to others by who offered it, while it is no better off than before. */
  readonly headStartMs: number;
}

export const DEFAULT_TERM_TIMINGS: TermTimings = { patienceMs: 30_000, longestMs: 300_000, headStartMs: 5_000 };

/** What decides about a term; times in ms on one monotonic clock. */
export interface TermFacts {
  /** Since when we hold the lease; undefined: we do not. */
  readonly heldSinceMs: number | undefined;
  /** When the other store answered last; undefined: it answers. */
  readonly silentSinceMs: number | undefined;
  /** When we last offered the lease to others. */
  readonly offeredAtMs: number | undefined;
  /** How often in a row we offered it. */
  readonly offers: number;
}

/**
 * When a holder offers its lease to others; undefined: not at all. Who leads with one store only keeps a replica that reaches
 * both from leading, so it gives way after a while; and takes the lease back when there is no such replica.
 */
export function offerDueMs({ heldSinceMs, silentSinceMs, offers }: TermFacts, timings: TermTimings): number | undefined {
  if (heldSinceMs === undefined || silentSinceMs === undefined) return undefined;
  return Math.max(heldSinceMs, silentSinceMs) + Math.min(timings.longestMs, timings.patienceMs * 2 ** offers);
}

/**
 * How long we leave a free lease to others: not at all when we reach the other store. Who offered the lease takes it back
 * before those who are no better off, so that it does not wander. An offer counts for a while whatever the other store says
 * now: it may let us read, and refuse the writes of a leader.
 */
export function headStartMs({ silentSinceMs, offeredAtMs }: TermFacts, nowMs: number, timings: TermTimings): number {
  const offered = offeredAtMs !== undefined && nowMs - offeredAtMs < timings.patienceMs;
  if (offered) return timings.headStartMs;
  return silentSinceMs === undefined ? 0 : 2 * timings.headStartMs;
}

/** Whether a holder has shown that it is fit to lead: earlier offers are forgotten then. */
export function isFit({ heldSinceMs, silentSinceMs }: TermFacts, nowMs: number, { patienceMs }: TermTimings): boolean {
  return heldSinceMs !== undefined && silentSinceMs === undefined && nowMs - heldSinceMs >= patienceMs;
}

/** A lease that can be given up without leaving the campaign for it. */
export interface OfferedLease extends Pick<Lease, 'state' | 'changed'> {
  /** Gives it up when it is held, and goes on seeking it, after others. */
  offer(): void;
}

/** A store as its lease knows it. */
export interface StoreHealth extends Pick<Lease, 'changed'> {
  /** When it answered last, in ms on the monotonic clock; undefined while it answers. */
  silentSinceMs(): number | undefined;
}

export interface LeaseTermOptions {
  readonly lease: OfferedLease;
  /** The store of the other lease. */
  readonly other: StoreHealth;
  /** The monotonic clock that `other` tells its time by, ms. */
  readonly now: () => number;
  readonly timings?: Partial<TermTimings>;
}

/** Ends the terms of one lease while its holder cannot reach the other store. It asks nobody, and does nothing before `start`. */
export class LeaseTerm {
  readonly #options: LeaseTermOptions;
  readonly #timings: TermTimings;
  #unsubscribe: readonly Unsubscribe[] = [];
  #timer: NodeJS.Timeout | undefined;
  #heldSinceMs: number | undefined;
  #offeredAtMs: number | undefined;
  #offers = 0;

  constructor(options: LeaseTermOptions) {
    this.#options = options;
    this.#timings = { ...DEFAULT_TERM_TIMINGS, ...options.timings };
  }

  start(): void {
    const { lease, other } = this.#options;
    this.#unsubscribe = [lease.changed(() => this.#look()), other.changed(() => this.#look())];
    this.#look();
  }

  stop(): void {
    for (const off of this.#unsubscribe) off();
    clearTimeout(this.#timer);
  }

  /** How long to leave a free lease to others, as of now. */
  headStartMs(): number {
    return headStartMs(this.#facts(), this.#options.now(), this.#timings);
  }

  #look(): void {
    const { lease, now } = this.#options;
    const nowMs = now();
    const state = lease.state();
    this.#heldSinceMs = state.held ? (this.#heldSinceMs ?? nowMs) : undefined;
    const facts = this.#facts();
    const wasTaken = !state.held && state.holder !== undefined;
    if (wasTaken || isFit(facts, nowMs, this.#timings)) this.#offers = 0;
    clearTimeout(this.#timer);
    const dueMs = offerDueMs(facts, this.#timings);
    if (dueMs !== undefined && dueMs <= nowMs) {
      this.#offer(nowMs);
      return;
    }
    const againMs = dueMs ?? this.#proofDueMs();
    if (againMs !== undefined) this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(againMs - nowMs))).unref();
  }

  /** When a holder that has offered before will have shown that it is fit. */
  #proofDueMs(): number | undefined {
    return this.#offers === 0 || this.#heldSinceMs === undefined ? undefined : this.#heldSinceMs + this.#timings.patienceMs;
  }

  #offer(nowMs: number): void {
    this.#offeredAtMs = nowMs;
    this.#offers += 1;
    // Before the lease tells its listeners, of which this is one.
    this.#heldSinceMs = undefined;
    this.#options.lease.offer();
  }

  #facts(): TermFacts {
    const { other } = this.#options;
    return {
      heldSinceMs: this.#heldSinceMs,
      silentSinceMs: other.silentSinceMs(),
      offeredAtMs: this.#offeredAtMs,
      offers: this.#offers,
    };
  }
}
