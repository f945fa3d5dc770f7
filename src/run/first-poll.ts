import { sleep } from '../shared/abort.ts';
import type { ApplyPorts } from './apply-plan.ts';
import { knowRegistry } from './know-leader.ts';

/** How the first look at Git is made. */
export interface FirstPoll extends Pick<ApplyPorts, 'registry'> {
  /** Whether Git must be told what was in force, or else judges its first head alone. */
  readonly comparesHeads: boolean;
  /** The longest that Consul is waited for. */
  readonly settleMs: number;
  readonly poll: (signal: AbortSignal) => Promise<unknown>;
  /** Asks for one more look. */
  readonly pollNow: () => void;
}

/**
 * Looks at Git for the first time. Where heads are compared with what was in force, Consul is waited for, which knows that; when it has
 * not answered by then, a look follows as soon as it does. Rejects on abort.
 */
export async function firstPoll({ registry, comparesHeads, settleMs, poll, pollNow }: FirstPoll, signal: AbortSignal): Promise<void> {
  if (comparesHeads) {
    const known = knowRegistry({ registry }, signal);
    known.then(pollNow, () => undefined);
    await Promise.race([known, sleep(settleMs, signal)]);
  }
  await poll(signal);
}
