import type { BackoffPolicy } from '../../shared/backoff.ts';

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
