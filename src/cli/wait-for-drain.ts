import type { NodeAnswer } from '../http/node-views.ts';
import { sleep } from '../shared/abort.ts';
import { AppError } from '../shared/errors.ts';
import type { DaemonClient } from './daemon-client.ts';
import { type DrainWait, drainWaits } from './drain-waits.ts';

export interface WaitOptions {
  readonly client: Pick<DaemonClient, 'node'>;
  readonly wish: 'drain' | 'undrain';
  readonly node: string;
  readonly timeoutMs: number;
  /** Told what is waited for, each time that this changes. */
  readonly onWaits: (waits: readonly DrainWait[]) => void;
  /** How often the daemon is asked; default 500 ms. */
  readonly pollMs?: number;
}

/** How a wait ended. `waits` is empty when it was met in time; `answer` is the last one, undefined when the node is gone. */
export interface WaitResult {
  readonly waits: readonly DrainWait[];
  readonly answer: NodeAnswer | undefined;
}

const POLL_MS = 500;

/** Asks the daemon until a node is as wished, or the time is over. A daemon that does not answer meanwhile is waited for, too. */
export async function waitForDrain(options: WaitOptions, signal: AbortSignal): Promise<WaitResult> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  let told = '';
  for (;;) {
    const result = await look(options, signal);
    if (result.waits.length === 0) return result;
    const text = JSON.stringify(result.waits);
    if (text !== told) options.onWaits(result.waits);
    told = text;
    if (deadline.aborted) return result;
    await sleep(options.pollMs ?? POLL_MS, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
      if (signal.aborted) throw error;
    });
  }
}

async function look({ client, wish, node }: WaitOptions, signal: AbortSignal): Promise<WaitResult> {
  try {
    const answer = await client.node(node, signal);
    if (answer !== undefined) return { answer, waits: drainWaits(wish, answer) };
    return { answer, waits: wish === 'drain' ? [] : [{ why: 'neither the cluster nor Consul has the node any more' }] };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { answer: undefined, waits: [{ why: error.problem.message }] };
  }
}
