import { type ChannelMessage, EVENT_NAMES, type EventName, type More, type Notification } from '../model/notification.ts';

/** What waits for one channel. */
export interface Outbox {
  readonly queue: readonly Notification[];
  /** What is told as a number only, by the next message. */
  readonly more: More;
  /** A message whose sending failed, and which is tried again. */
  readonly again?: ChannelMessage;
  /** When messages were sent within the window; ms since the epoch. */
  readonly sentAtMs: readonly number[];
  /** How many messages have been made. */
  readonly made: number;
}

export const EMPTY_OUTBOX: Outbox = { queue: [], more: {}, sentAtMs: [], made: 0 };

/** At most `most` requests within `windowMs`, and at most `longest` notifications that wait. */
export interface RateLimit {
  readonly most: number;
  readonly windowMs: number;
  readonly longest: number;
}

/** The outbox with a notification more. When too many wait, the oldest is told as a number only. */
export function put(outbox: Outbox, notification: Notification, { longest }: RateLimit): Outbox {
  const all = [...outbox.queue, notification];
  const tooMany = all.slice(0, Math.max(0, all.length - longest));
  return { ...outbox, queue: all.slice(tooMany.length), more: counted(outbox.more, tooMany) };
}

/**
 * The next message, if there is anything to tell and the limit allows a request now; else when it will. The last request that the
 * limit allows tells of all that waits: one notification, and the number of the others. A number alone waits for the next notification:
 * where it comes from a message that was refused, a message of it would be refused as well, and so on for ever.
 */
export function take(
  outbox: Outbox,
  nowMs: number,
  { most, windowMs }: RateLimit,
): { readonly outbox: Outbox; readonly message?: ChannelMessage; readonly againAtMs?: number } {
  const sentAtMs = outbox.sentAtMs.filter((atMs) => atMs > nowMs - windowMs);
  const [oldest] = sentAtMs;
  const { again, ...waiting } = outbox;
  const [first, ...rest] = outbox.queue;
  const kept = { ...outbox, sentAtMs };
  const full = sentAtMs.length >= most && oldest !== undefined ? { outbox: kept, againAtMs: oldest + windowMs } : undefined;
  const sent = [...sentAtMs, nowMs];
  if (again !== undefined) return full ?? { outbox: { ...waiting, sentAtMs: sent }, message: again };
  if (first === undefined) return { outbox: kept };
  if (full !== undefined) return full;
  const isLast = sent.length >= most;
  const more = isLast ? counted(outbox.more, rest) : outbox.more;
  const made = outbox.made + 1;
  return {
    outbox: { queue: isLast ? [] : rest, more: {}, sentAtMs: sent, made },
    message: { id: made, notification: first, more },
  };
}

/** The outbox after a message that could not be sent: it comes first, also when it has to wait. */
export const putBack = (outbox: Outbox, message: ChannelMessage): Outbox => ({ ...outbox, again: message });

/** The outbox after a message that will not be sent any more: it is told as a number. */
export function giveUp(outbox: Outbox, { notification, more }: ChannelMessage): Outbox {
  return { ...outbox, more: counted(sum(outbox.more, more), [notification]) };
}

function counted(more: More, notifications: readonly Notification[]): More {
  const counts = new Map<EventName, number>();
  for (const { event } of notifications) counts.set(event, (counts.get(event) ?? 0) + 1);
  return sum(more, Object.fromEntries(counts));
}

const sum = (a: More, b: More): More =>
  Object.fromEntries(
    EVENT_NAMES.flatMap((event): readonly (readonly [EventName, number])[] => {
      const count = (a[event] ?? 0) + (b[event] ?? 0);
      return count === 0 ? [] : [[event, count]];
    }),
  );
