import { readFileSync } from 'node:fs';
import { type CommitStatusOptions, createCommitStatusSender } from './adapters/notify/commit-status-sender.ts';
import type { PostOptions } from './adapters/notify/post-json.ts';
import { createSlackSender } from './adapters/notify/slack-sender.ts';
import { createWebhookSender } from './adapters/notify/webhook-sender.ts';
import type { Config } from './config/config.ts';
import { gitHost } from './config/git-host.ts';
import type { ChannelMessage, Sender } from './core/model/notification.ts';
import { systemClock } from './parts.ts';
import { DELIVERY_TIMINGS, type DeliveryResult } from './run/delivery.ts';
import { Notifier } from './run/notifier.ts';
import { AppError, errorText } from './shared/errors.ts';
import { type Problem, problem } from './shared/problem.ts';
import type { Redactor } from './shared/redact.ts';
import { withoutAbsent } from './shared/without-absent.ts';
import type { ReportLog } from './telemetry/report-logger.ts';

export interface NotifierHooks {
  readonly redact: Redactor;
  readonly log: Pick<ReportLog, 'info' | 'warn'>;
}

type CountNotification = (channel: string, result: DeliveryResult, by?: number) => void;

/** A minute, and what waits for a channel at most. */
const WINDOW_MS = 60_000;
const MOST_WAITING = 200;
const RESULTS: readonly DeliveryResult[] = ['sent', 'failed', 'lost'];

/** Makes the notifier that the configuration asks for; undefined: nobody is to be told. Throws AppError when a file cannot be used. */
export function buildNotifier(config: Config, { redact, log }: NotifierHooks, count: CountNotification): Notifier | undefined {
  const { notify } = config;
  const clock = systemClock;
  const ca = notify.caFile === undefined ? undefined : readCa(notify.caFile);
  const reach: PostOptions = { clock, timeoutMs: notify.timeoutMs, ...(ca === undefined ? {} : { ca }) };
  const commitOptions = commitStatusOptions(config, reach);
  const commits = commitOptions === undefined ? undefined : createCommitStatusSender(commitOptions);
  const channels = channelsOf(config, reach);
  if (commits === undefined && channels.length === 0) return undefined;
  return new Notifier({
    ...(commits === undefined ? {} : { commits }),
    channels,
    clock,
    redact,
    timings: DELIVERY_TIMINGS,
    events: new Set(notify.events),
    limit: { most: notify.perMinute, windowMs: WINDOW_MS, longest: MOST_WAITING },
    // A series that begins with its first event hides that event from `increase`.
    onStart: (channel) => {
      for (const result of RESULTS) count(channel, result, 0);
    },
    onResult: (channel, result) => count(channel, result),
    onProblem: (channel, told) => logProblem(log, channel, told),
  });
}

function logProblem(log: NotifierHooks['log'], channel: string, told: Problem | undefined): void {
  if (told === undefined) log.info({ event: 'notify', channel, ended: true }, `${channel} can be told again`);
  else log.warn({ event: 'notify', channel, ...told }, told.message);
}

function channelsOf({ notify, cluster }: Config, reach: PostOptions): readonly Sender<ChannelMessage>[] {
  const { slack, webhook, pageUrl: link = '' } = notify;
  const { url, urlFile, secretFile, template } = webhook;
  const target = url === undefined ? (urlFile === undefined ? undefined : { urlFile }) : { url };
  return [
    ...(slack.urlFile === undefined ? [] : [createSlackSender({ ...reach, urlFile: slack.urlFile, cluster, link })]),
    ...(target === undefined ? [] : [createWebhookSender({ ...reach, target, ...withoutAbsent({ secretFile, template }), cluster, link })]),
  ];
}

/** Where the statuses of commits go; undefined: nowhere. What the configuration leaves out follows from the URL of the repository. */
export function commitStatusOptions({ notify, git, cluster }: Config, reach: PostOptions): CommitStatusOptions | undefined {
  const { provider, tokenFile, url, repository, context } = notify.commitStatus;
  if (provider === undefined || tokenFile === undefined) return undefined;
  const host = gitHost(git.url);
  const path = host?.repository ?? '';
  return {
    ...reach,
    provider,
    tokenFile,
    url: url ?? apiOf(provider, host?.origin ?? '', host?.host),
    // A server may stand below a path of its host; projects of GitLab below any number of groups.
    repository: repository ?? (provider === 'gitlab' ? path : path.split('/').slice(-2).join('/')),
    context: context ?? `poolkeeper/${cluster}`,
    link: notify.pageUrl ?? '',
  };
}

function apiOf(provider: CommitStatusOptions['provider'], origin: string, host: string | undefined): string {
  if (host === 'github.com') return 'https://api.github.com';
  return `${origin}/api/${{ github: 'v3', gitlab: 'v4', gitea: 'v1' }[provider]}`;
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `notify.caFile: ${errorText(error)}`), { cause: error });
  }
}
