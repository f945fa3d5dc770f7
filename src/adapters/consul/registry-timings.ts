import type { BackoffPolicy } from '../../shared/backoff.ts';

/** Timers of the registry, ms. */
export interface RegistryTimings {
  /** How long Consul holds a long poll (45 s: below the idle limit of most load balancers). */
  readonly pollWaitMs: number;
  /** Everything is read again after this time, plus or minus a tenth (5 min). */
  readonly fullCompareMs: number;
  /** The least time between two readings that wake-ups ask for (250). */
  readonly refreshGapMs: number;
  /** Waits after failures (250 to 15,000). */
  readonly backoff: BackoffPolicy;
}

/** How many times the least time between readings one of them, or a long poll, waits for our own writes to end. */
export const LONGEST_DELAY = 20;

export const DEFAULT_REGISTRY_TIMINGS: RegistryTimings = {
  pollWaitMs: 45_000,
  fullCompareMs: 300_000,
  refreshGapMs: 250,
  backoff: { baseMs: 250, maxMs: 15_000 },
};
