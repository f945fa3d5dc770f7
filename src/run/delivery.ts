import type { ChannelName, Sender, SendResult } from '../core/model/notification.ts';
import type { Clock } from '../core/model/ports.ts';
import { orAborted, sleep } from '../shared/abort.ts';
import { backoffMs } from '../shared/backoff.ts';
import { type Problem, problem } from '../shared/problem.ts';
import type { Mailbox } from './mailbox.ts';

/** What became of one request: `failed` is tried again, `lost` is not. */
export type DeliveryResult = 'sent' | 'failed' | 'lost';

/** Timers of a delivery in ms; tests shorten them. */
export interface DeliveryTimings {
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
  /** What a server may ask to be left alone for at most. */
  readonly longestWaitMs: number;
  /** A message whose sending has failed for so long is given up. */
  readonly giveUpMs: number;
}

export const DELIVERY_TIMINGS: DeliveryTimings = {
  retry: { baseMs: 1_000, maxMs: 5 * 60_000 },
  longestWaitMs: 15 * 60_000,
  giveUpMs: 60 * 60_000,
};

export interface DeliveryOptions<T extends object> {
  readonly sender: Sender<T>;
  readonly mailbox: Mailbox<T>;
  readonly clock: Clock;
  readonly timings: DeliveryTimings;
  /** Told of every request that ended. */
  readonly onResult: (channel: ChannelName, result: DeliveryResult) => void;
  /** Told when the problem of this channel begins, becomes another one, or ends (undefined). */
  readonly onProblem: (channel: ChannelName, problem: Problem | undefined) => void;
}

/** Sends what is in a mailbox, one request at a time, and tries again what fails. Nobody waits for it. */
export class Delivery<T extends object> {
  readonly #options: DeliveryOptions<T>;
  #poke: (() => void) | undefined;
  #failures = 0;
  /** When the sending of a message failed for the first time; ms since the epoch. */
  readonly #failingSinceMs = new WeakMap<T, number>();
  #problem: Problem | undefined;

  constructor(options: DeliveryOptions<T>) {
    this.#options = options;
  }

  /** What keeps this channel from being told, as far as the last request says. */
  problem(): Problem | undefined {
    return this.#problem;
  }

  /** Something has been put into the mailbox. */
  poke(): void {
    this.#poke?.();
  }

  /** Delivers until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#turn(signal).catch(() => undefined);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { mailbox, clock, sender } = this.#options;
    const { what, againAtMs } = mailbox.next(clock.now());
    if (what === undefined) return await this.#wait(againAtMs === undefined ? undefined : againAtMs - clock.now(), signal);
    const result = await orAborted(sender.send(what, signal), signal).catch((error: unknown) => unforeseen(sender.channel, error));
    if (signal.aborted) return;
    const waitMs = this.#note(what, result);
    if (waitMs > 0) await sleep(waitMs, signal);
  }

  /** Takes down how a request ended, and gives how long to leave the channel alone. */
  #note(what: T, result: SendResult): number {
    const { mailbox, clock, timings, sender, onResult } = this.#options;
    if (result.kind === 'sent') {
      this.#failures = 0;
      this.#setProblem(undefined);
      onResult(sender.channel, 'sent');
      return 0;
    }
    const nowMs = clock.now();
    const sinceMs = this.#failingSinceMs.get(what) ?? nowMs;
    this.#failingSinceMs.set(what, sinceMs);
    const isHopeless = !result.retry || nowMs - sinceMs >= timings.giveUpMs;
    if (isHopeless) mailbox.lost(what);
    else mailbox.back(what);
    onResult(sender.channel, isHopeless ? 'lost' : 'failed');
    this.#setProblem(result.problem);
    const backoff = backoffMs(this.#failures++, timings.retry, clock.random);
    return Math.max(backoff, Math.min(result.afterMs ?? 0, timings.longestWaitMs));
  }

  #setProblem(now: Problem | undefined): void {
    const { sender, onProblem } = this.#options;
    const isSame = now?.code === this.#problem?.code && now?.message === this.#problem?.message;
    this.#problem = now;
    if (!isSame) onProblem(sender.channel, now);
  }

  /** Until something is put in, or `ms` have passed. */
  async #wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#poke = () => woken.abort();
    await sleep(Math.max(1, Math.min(ms ?? LONGEST_SLEEP, LONGEST_SLEEP)), AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#poke = undefined;
  }
}

const LONGEST_SLEEP = 60 * 60_000;

const unforeseen = (channel: ChannelName, error: unknown): SendResult => ({
  kind: 'failed',
  // Its message may hold what was to be sent.
  problem: problem('NOTIFIER_FAILED', `${channel}: an unforeseen ${error instanceof Error ? error.name : 'error'}`),
  retry: true,
});
