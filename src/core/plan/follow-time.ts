import type { Policy } from '../model/policy.ts';

/** Traefik takes up changes no more often than every two seconds, whatever tells it of them (`providersThrottleDuration`). */
const THROTTLE_MS = 2_000;
/** The part of a second interval that reading the catalog, and our asking, may take. */
const SLACK = 0.75;

/**
 * How long a replica that answers may differ from Consul before it counts as one that does not follow, in ms: less than two of its
 * intervals, and never more than the time that drains allow for it.
 */
export function followTimeMs({ refresh, letGoMs }: Pick<Policy, 'refresh' | 'letGoMs'>): number {
  if (refresh === undefined) return letGoMs;
  const intervalMs = Math.max(THROTTLE_MS, refresh.kind === 'poll' ? refresh.intervalMs : 0);
  return Math.min(letGoMs, intervalMs * (1 + SLACK));
}
