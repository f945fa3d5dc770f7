import { sleep, withDeadline } from '../../shared/abort.ts';
import { backoffMs } from '../../shared/backoff.ts';
import type { ConsulClient } from './consul-client.ts';
import type { LeaseTimings } from './lease-timings.ts';

/** A Consul session that seeks or holds the leader key. */
export interface LeaseSession {
  readonly id: string;
  /** What the key says while it is held. */
  readonly value: string;
  held: boolean;
  /** On the monotonic clock; counted from the beginning of the last renewal that succeeded. */
  trustedUntil: number;
}

/** Opens a session that no node check can end. */
export async function openSession(
  client: ConsulClient,
  { name, value, timings }: { readonly name: string; readonly value: string; readonly timings: LeaseTimings },
  signal: AbortSignal,
): Promise<LeaseSession> {
  const { ttlMs, lockDelayMs, trustMs } = timings;
  const startedAt = performance.now();
  const id = await client.createSession({ name, ttlMs, lockDelayMs }, signal);
  return { id, value, held: false, trustedUntil: startedAt + trustMs };
}

export interface SessionRenewal {
  readonly client: ConsulClient;
  readonly session: LeaseSession;
  readonly timings: LeaseTimings;
  readonly random: () => number;
  /** Whether the session is still of use. */
  readonly isWanted: () => boolean;
  /** Called after each renewal that succeeded; it is trusted for longer. */
  readonly onRenewed: () => void;
}

/** Renews a session until `signal` aborts or it is not wanted any more; true when Consul does not know it any more. Never rejects. */
export async function keepSession(renewal: SessionRenewal, signal: AbortSignal): Promise<boolean> {
  const { client, session, random, isWanted, onRenewed } = renewal;
  const { renewMs, retryMs, trustMs } = renewal.timings;
  for (let failures = 0; ; ) {
    try {
      await sleep(failures === 0 ? renewMs : backoffMs(failures, { baseMs: retryMs, maxMs: renewMs }, random), signal);
      if (!isWanted()) return false;
      const startedAt = performance.now();
      if (!(await client.renewSession(session.id, withDeadline(signal, renewMs)))) return true;
      failures = 0;
      session.trustedUntil = startedAt + trustMs;
      onRenewed();
    } catch {
      if (signal.aborted) return false;
      failures += 1;
    }
  }
}
