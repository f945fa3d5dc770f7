import type { GatewayState } from '../model/gateway.ts';
import type { Policy } from '../model/policy.ts';
import { type Snapshot, snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';

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

/**
 * Whether a replica has started so lately that its providers may not have told it everything: what it lacks is no fault of it yet. Its API
 * answers before it has read the catalog. The time is bounded by what drains allow for it.
 */
export function isLoading(snapshot: Snapshot<GatewayState> | undefined, { policy, nowMs }: Pick<PlanContext, 'policy' | 'nowMs'>): boolean {
  const startedAtMs = snapshot === undefined ? undefined : snapshotValue(snapshot)?.startedAtMs;
  // What started in the future did so by a clock that was set back since: nobody can tell how long ago that was.
  return startedAtMs !== undefined && nowMs >= startedAtMs && nowMs - startedAtMs <= policy.letGoMs;
}
