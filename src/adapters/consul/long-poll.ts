import { sleep } from '../../shared/abort.ts';
import { type BackoffPolicy, backoffMs } from '../../shared/backoff.ts';
import type { Answer, Blocking } from './consul-client.ts';
import { LONGEST_DELAY } from './registry-timings.ts';

export interface LongPoll<T> {
  readonly ask: (blocking: Blocking, signal: AbortSignal) => Promise<Answer<T>>;
  /**
   * Called for the first answer, for each whose index moved (backwards, too: a restored Consul), for the first after failures,
   * and for the one after an answer that came too early to be of no news.
   */
  readonly onAnswer: (answer: Answer<T>) => void;
  /** Called for each failure; the poll tries again by itself. */
  readonly onFailure: () => void;
  /** How long Consul holds one request, ms. */
  readonly waitMs: number;
  /** The least time between two answers, so that a busy catalog is not followed change by change. */
  readonly gapMs: number;
  /** True while the next question is to wait; asked after each gap, but not for ever. Default never. */
  readonly rests?: () => boolean;
  readonly backoff: BackoffPolicy;
  readonly random: () => number;
  /** The monotonic clock, ms. */
  readonly now?: () => number;
}

/** Follows one thing in Consul by blocking queries until `signal` aborts; then it resolves. Never rejects. */
export async function runLongPoll<T>(poll: LongPoll<T>, signal: AbortSignal): Promise<void> {
  const { now = () => performance.now() } = poll;
  // Consul answers index 0 at once.
  let index = 0;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const askedAtMs = now();
      const answer = await poll.ask({ index, waitMs: poll.waitMs }, signal);
      const moved = answer.index !== index || failures > 0;
      const early = index > 0 && now() - askedAtMs < poll.waitMs;
      // Consul's rules: an index that went backwards is worth nothing, and 0 would not block.
      index = answer.index < index ? 0 : Math.max(1, answer.index);
      failures = 0;
      if (!moved) {
        // A Consul that is restored ends its long polls with the index of before, which it may not reach again for long.
        if (early) index = 0;
        continue;
      }
      poll.onAnswer(answer);
      for (let gaps = 0; gaps === 0 || (gaps < LONGEST_DELAY && poll.rests?.() === true); gaps++) await sleep(poll.gapMs, signal);
    } catch {
      if (signal.aborted) return;
      // It may be another server that answers next, or a restored one: a higher index than it knows would wait in vain.
      index = 0;
      poll.onFailure();
      await sleep(backoffMs(failures++, poll.backoff, poll.random), signal).catch(() => undefined);
    }
  }
}
