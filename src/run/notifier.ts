import type { SpecId } from '../core/model/ids.ts';
import type { ChannelMessage, ChannelName, CommitStatus, EventName, Notification, Sender } from '../core/model/notification.ts';
import type { Clock } from '../core/model/ports.ts';
import { type FollowedCommits, followCommits, NO_COMMITS } from '../core/notify/follow-commits.ts';
import { type FollowedEvents, followEvents, NO_EVENTS } from '../core/notify/follow-events.ts';
import { commitEvents, leaderEvent, tells } from '../core/notify/once-events.ts';
import type { RateLimit } from '../core/notify/outbox.ts';
import type { RunReport } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import type { Redactor } from '../shared/redact.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { ChannelMailbox, StatusMailbox } from './mailbox.ts';

export interface NotifierOptions extends Pick<DeliveryOptions<object>, 'clock' | 'timings' | 'onResult' | 'onProblem'> {
  readonly clock: Clock;
  /** Absent: commits have no status. */
  readonly commits?: Sender<CommitStatus>;
  readonly channels: readonly Sender<ChannelMessage>[];
  /** Told of each channel that is going to be told something. */
  readonly onStart: (channel: ChannelName) => void;
  /** The events that channels are told of. */
  readonly events: ReadonlySet<EventName>;
  readonly limit: RateLimit;
  /** Masks the secrets of this process in what is sent. */
  readonly redact: Redactor;
}

/** Turns reports into notifications and has them delivered, beside the runs: nothing of it waits, throws or is waited for. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #statuses = new StatusMailbox();
  readonly #channels: readonly { readonly mailbox: ChannelMailbox; readonly delivery: Delivery<ChannelMessage> }[];
  readonly #commits: Delivery<CommitStatus> | undefined;
  #followedCommits: FollowedCommits = NO_COMMITS;
  #followedEvents: FollowedEvents = NO_EVENTS;
  /** Who led when this replica did not. */
  #holder: string | undefined;
  #last: { readonly report: RunReport; readonly touched: ReadonlySet<SpecId> | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NotifierOptions) {
    const { commits, channels, limit } = options;
    this.#options = options;
    this.#commits = commits === undefined ? undefined : new Delivery({ ...options, sender: commits, mailbox: this.#statuses });
    this.#channels = channels.map((sender) => {
      const mailbox = new ChannelMailbox(limit);
      return { mailbox, delivery: new Delivery({ ...options, sender, mailbox }) };
    });
  }

  /** What is wrong with the channels, as far as the last request to each says. */
  problems(): readonly Problem[] {
    return this.#deliveries().flatMap((delivery) => delivery.problem() ?? []);
  }

  /** Delivers until `signal` aborts, then closes the senders. */
  async run(signal: AbortSignal): Promise<void> {
    const { commits, channels, onStart } = this.#options;
    for (const { channel } of [...(commits === undefined ? [] : [commits]), ...channels]) onStart(channel);
    await Promise.all(this.#deliveries().map((delivery) => delivery.run(signal)));
    clearTimeout(this.#timer);
    await Promise.allSettled([commits?.close(), ...channels.map((sender) => sender.close())]);
  }

  /** Takes the report of a run; `touched` are the specs that the commit in force touched, where anybody knows. */
  take(report: RunReport, touched: ReadonlySet<SpecId> | undefined): void {
    clearTimeout(this.#timer);
    if (!tells(report)) {
      this.#forget(report.leader.holder);
      return;
    }
    this.#last = { report, touched };
    const { clock, redact } = this.#options;
    const nowMs = clock.now();
    const commits = followCommits(this.#followedCommits, { report, touched, nowMs, redact });
    const events = followEvents(this.#followedEvents, { report, nowMs, redact });
    this.#followedCommits = commits.followed;
    this.#followedEvents = events.followed;
    const once = [...leaderEvent(this.#holder, report, nowMs), ...commitEvents(commits.turned, report, nowMs)];
    this.#holder = undefined;
    for (const status of commits.statuses) this.#addStatus(status);
    for (const notification of [...once, ...events.notifications]) this.#addNotification(notification);
    for (const delivery of this.#deliveries()) delivery.poke();
    this.#lookAgain([commits.lookAgainAtMs, events.lookAgainAtMs]);
  }

  #deliveries(): readonly (Delivery<CommitStatus> | Delivery<ChannelMessage>)[] {
    return [...(this.#commits === undefined ? [] : [this.#commits]), ...this.#channels.map(({ delivery }) => delivery)];
  }

  #addStatus(status: CommitStatus): void {
    const { redact, commits, onResult } = this.#options;
    if (commits === undefined) return;
    const dropped = this.#statuses.add({ ...status, description: redact(status.description) });
    for (let i = 0; i < dropped; i++) onResult(commits.channel, 'lost');
  }

  #addNotification(notification: Notification): void {
    const { events, redact } = this.#options;
    if (!events.has(notification.event)) return;
    const { subject, message, remedy } = notification;
    const shown = { ...notification, subject: redact(subject), message: redact(message), remedy: redact(remedy) };
    for (const { mailbox } of this.#channels) mailbox.add(shown);
  }

  /** Another replica leads, and tells from now on. */
  #forget(holder: string | undefined): void {
    this.#last = undefined;
    this.#followedCommits = NO_COMMITS;
    this.#followedEvents = NO_EVENTS;
    this.#holder = holder ?? this.#holder;
    this.#statuses.clear();
    for (const { mailbox } of this.#channels) mailbox.clear();
  }

  /** What is told after a while needs no run for it. */
  #lookAgain(times: readonly (number | undefined)[]): void {
    const known = times.filter((atMs) => atMs !== undefined);
    if (known.length === 0) return;
    const waitMs = Math.max(1, Math.min(...known) - this.#options.clock.now());
    this.#timer = setTimeout(() => {
      if (this.#last !== undefined) this.take(this.#last.report, this.#last.touched);
    }, waitMs);
    this.#timer.unref();
  }
}
