/** How long to wait between tries. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * The wait before try `attempt` (0 is the first retry), in milliseconds: doubling from `baseMs` to at most `maxMs`, with
 * "equal jitter": half fixed, half random, so that daemons that lost the same server do not come back at the same moment.
 * `random` gives numbers in [0, 1).
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

/** `ms` plus or minus up to `share` of it (0.1 is ten percent): spreads timers of several daemons. */
export function jitterMs(ms: number, share: number, random: () => number): number {
  return Math.round(ms * (1 + share * (2 * random() - 1)));
}
