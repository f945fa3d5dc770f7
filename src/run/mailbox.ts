import type { ChannelMessage, CommitStatus, Notification } from '../core/model/notification.ts';
import { EMPTY_OUTBOX, giveUp, type Outbox, put, putBack, type RateLimit, take } from '../core/notify/outbox.ts';
import { addStatus, putStatusBack, type StatusBox } from '../core/notify/status-box.ts';

/** What waits to be sent by one sender, bounded. */
export interface Mailbox<T> {
  /** What to send now, which leaves the box; or when there will be something, in ms since the epoch. */
  next(nowMs: number): { readonly what?: T; readonly againAtMs?: number };
  /** It could not be sent now. What left the box before it was cleared does not come back. */
  back(what: T): void;
  /** It will not be sent; the same holds. */
  lost(what: T): void;
  /** Forgets all that waits: another replica tells of it. */
  clear(): void;
}

/** Notifications for one channel, within its limit of requests; what is not told one by one is told as a number. */
export class ChannelMailbox implements Mailbox<ChannelMessage> {
  readonly #limit: RateLimit;
  #outbox: Outbox = EMPTY_OUTBOX;
  /** What left the box since it was cleared last. */
  #taken = new WeakSet<ChannelMessage>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  add(notification: Notification): void {
    this.#outbox = put(this.#outbox, notification, this.#limit);
  }

  next(nowMs: number): { readonly what?: ChannelMessage; readonly againAtMs?: number } {
    const { outbox, message, againAtMs } = take(this.#outbox, nowMs, this.#limit);
    this.#outbox = outbox;
    if (message !== undefined) this.#taken.add(message);
    return { ...(message === undefined ? {} : { what: message }), ...(againAtMs === undefined ? {} : { againAtMs }) };
  }

  back(message: ChannelMessage): void {
    if (this.#taken.has(message)) this.#outbox = putBack(this.#outbox, message);
  }

  lost(message: ChannelMessage): void {
    if (this.#taken.has(message)) this.#outbox = giveUp(this.#outbox, message);
  }

  clear(): void {
    const { sentAtMs, made } = this.#outbox;
    // What was sent still counts against the limit.
    this.#outbox = { ...EMPTY_OUTBOX, sentAtMs, made };
    this.#taken = new WeakSet();
  }
}

/** Statuses of commits, the newest of each. */
export class StatusMailbox implements Mailbox<CommitStatus> {
  #box: StatusBox = new Map();
  /** What left the box since it was cleared last. */
  #taken = new WeakSet<CommitStatus>();

  /** Gives how many statuses of old commits were dropped for it. */
  add(status: CommitStatus): number {
    const { box, lost } = addStatus(this.#box, status);
    this.#box = box;
    return lost;
  }

  next(): { readonly what?: CommitStatus } {
    const [first, ...rest] = this.#box;
    if (first === undefined) return {};
    this.#box = new Map(rest);
    this.#taken.add(first[1]);
    return { what: first[1] };
  }

  back(status: CommitStatus): void {
    if (this.#taken.has(status)) this.#box = putStatusBack(this.#box, status);
  }

  lost(): void {
    // Nothing stands for it: the next status of its commit tells the whole state.
  }

  clear(): void {
    this.#box = new Map();
    this.#taken = new WeakSet();
  }
}
