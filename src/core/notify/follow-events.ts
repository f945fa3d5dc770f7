import type { Redactor } from '../../shared/redact.ts';
import type { PoolKey } from '../model/ids.ts';
import type { Notification } from '../model/notification.ts';
import type { RunReport } from '../report/run-report.ts';
import { oneLine } from './one-line.ts';
import { endText, isTold, reachable, type Standing, standingEvents } from './standing-events.ts';

interface Entry {
  readonly standing: Standing;
  readonly sinceMs: number;
  readonly told: boolean;
  /** Since when it does not stand any more. */
  readonly goneMs?: number;
}

/** What is remembered of events from one report to the next. */
export interface FollowedEvents {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly filled: ReadonlySet<PoolKey>;
}

/** Nothing stands, and nothing was told. */
export const NO_EVENTS: FollowedEvents = { entries: new Map(), filled: new Set() };

/** How long something must be over before its end is told; when it comes back sooner it never ended. */
const CALM_MS = 30_000;
const LONGEST = 500;

export interface EventsInput {
  readonly report: RunReport;
  readonly nowMs: number;
  /** Masks secrets, before anything is cut: half a secret is not known again. */
  readonly redact: Redactor;
}

/**
 * Tells each event once when it has stood for as long as its kind asks for, and its end once when it has been over for a while. An end is
 * told only of what was told to have begun, and only by a report that can know. Pure.
 */
export function followEvents(
  before: FollowedEvents,
  { report, nowMs, redact }: EventsInput,
): { readonly followed: FollowedEvents; readonly notifications: readonly Notification[]; readonly lookAgainAtMs?: number } {
  const filled = filledPools(before.filled, report);
  const now = standingEvents(report, filled);
  const entries = new Map<string, Entry>();
  const notifications: Notification[] = [];
  const again: number[] = [];
  const tell = (phase: 'begun' | 'ended', standing: Standing): void => {
    const { event, subject, message, remedy } = standing;
    const text = {
      message: oneLine(redact(phase === 'begun' ? message : endText(standing, report)), LONGEST),
      remedy: phase === 'begun' ? oneLine(redact(remedy), LONGEST) : '',
    };
    notifications.push({ event, phase, subject, ...text, revision: report.revision ?? '', atMs: nowMs });
  };
  for (const [key, standing] of now) {
    const { sinceMs, told } = before.entries.get(key) ?? { sinceMs: nowMs, told: false };
    const dueAtMs = sinceMs + standing.afterMs;
    const isDue = !told && nowMs >= dueAtMs;
    if (isDue) tell('begun', standing);
    else if (!told) again.push(dueAtMs);
    entries.set(key, { standing, sinceMs, told: told || isDue });
  }
  for (const [key, entry] of before.entries) {
    if (now.has(key) || !entry.told) continue;
    const { goneMs: _, ...standing } = entry;
    const goneMs = isTold(entry.standing, report) ? (entry.goneMs ?? nowMs) : undefined;
    if (goneMs === undefined) entries.set(key, standing);
    else if (nowMs >= goneMs + CALM_MS) tell('ended', entry.standing);
    else {
      again.push(goneMs + CALM_MS);
      entries.set(key, { ...entry, goneMs });
    }
  }
  return { followed: { entries, filled }, notifications, ...(again.length === 0 ? {} : { lookAgainAtMs: Math.min(...again) }) };
}

/** The pools that there are and that have had a backend. */
function filledPools(before: ReadonlySet<PoolKey>, { pools }: RunReport): ReadonlySet<PoolKey> {
  return new Set(pools.filter((pool) => before.has(pool.pool) || reachable(pool) > 0).map(({ pool }) => pool));
}
