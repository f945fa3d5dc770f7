import type { Problem } from '../../shared/problem.ts';
import type { Revision } from './ids.ts';

/** What people can be told of, in the order of the documentation. The last three happen once, the others begin and end. */
export const EVENT_NAMES = [
  'sync-failed',
  'spec-broken',
  'spec-failed',
  'rollout-failed',
  'conflict',
  'route-conflict',
  'held',
  'pool-empty',
  'pool-below-floor',
  'traefik-disagrees',
  'leader-changed',
  'commit-in-traffic',
  'commit-failed',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** One thing to be told to people. Texts are for them, in one line, and free of secrets. */
export interface Notification {
  readonly event: EventName;
  readonly phase: 'begun' | 'ended' | 'once';
  /** A spec, a pool, a source, a Traefik replica, a commit or the code of a hold: what `event` speaks of. */
  readonly subject: string;
  readonly message: string;
  /** What to do. Empty where nothing is to be done. */
  readonly remedy: string;
  /** The commit in force; empty while there is none. */
  readonly revision: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** How many notifications of each event a message stands for without telling them. */
export type More = Readonly<Partial<Record<EventName, number>>>;

/** What one request to a channel tells: a notification, and how many more there were. */
export interface ChannelMessage {
  /** No other message of this channel has it, as long as the process lives; the same for each try. */
  readonly id: number;
  readonly notification: Notification;
  readonly more: More;
}

/** How many there are, over all events. */
export const countMore = (more: More): number => Object.values(more).reduce((sum, count) => sum + count, 0);

/** `and 7 more: 5 spec-broken, 2 held`; empty for none. */
export function moreText(more: More): string {
  const parts = EVENT_NAMES.flatMap((event) => (more[event] === undefined ? [] : [`${more[event]} ${event}`]));
  return parts.length === 0 ? '' : `and ${countMore(more)} more: ${parts.join(', ')}`;
}

/** What a hosting service shows beside a commit. */
export interface CommitStatus {
  readonly revision: Revision;
  /** `superseded`: a newer commit changed all that it changed before it was in traffic. */
  readonly state: 'pending' | 'success' | 'failure' | 'superseded';
  /** One line of at most 140 characters, the most that GitHub takes. */
  readonly description: string;
}

export type ChannelName = 'commit-status' | 'slack' | 'webhook';

/** How one request to a channel ended. `afterMs`: the server wants to be left alone for so long. */
export type SendResult =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly problem: Problem; readonly retry: boolean; readonly afterMs?: number };

/** Where notifications of one kind go. */
export interface Sender<T> {
  readonly channel: ChannelName;
  /** One request. Never throws but for an abort. */
  send(what: T, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}
