import { z } from 'zod';
import { PLACEHOLDERS, templateMistake } from '../core/model/fill-template.ts';
import { EVENT_NAMES, type EventName } from '../core/model/notification.ts';
import type { Kind } from './kinds.ts';
import * as kind from './kinds.ts';
import { option, optional } from './option.ts';

const repository: Kind<string> = {
  expects: 'the path of a repository, such as team/specs',
  schema: z.string().regex(/^[^\s/]+(\/[^\s/]+)+$/),
};

const template: Kind<string> = {
  expects: `JSON whose texts may hold ${PLACEHOLDERS.map((name) => `{{ ${name} }}`).join(', ')}`,
  schema: z.string().refine((text) => templateMistake(text) === undefined),
};

/** What is told only to who asks for it. */
const QUIET: ReadonlySet<EventName> = new Set(['leader-changed', 'commit-in-traffic', 'commit-failed']);

/** Who tells the daemon of pushes. */
export const HOOKS = {
  secretFile: optional(
    kind.secretFile,
    'File with the secret that webhooks at /hooks/github, gitlab, gitea, bitbucket or generic must prove to know; each one makes the daemon look at the repository at once. Not set: webhooks are refused.',
  ),
};

/** Whom the daemon tells. */
export const NOTIFY = {
  commitStatus: {
    provider: optional(
      kind.choice('github', 'gitlab', 'gitea'),
      'The hosting service that shows the status of each commit (Forgejo: gitea). Not set: commits have no status.',
    ),
    url: optional(
      kind.httpUrl,
      'Its API, such as https://github.example.com/api/v3, https://gitlab.example.com/api/v4 or https://git.example.com/api/v1; default as `git.url` says.',
    ),
    repository: optional(
      repository,
      'The repository there: owner and name, with GitLab the whole path of the project; default as `git.url` says.',
    ),
    tokenFile: optional(kind.secretFile, 'File with the token that may set statuses.'),
    context: optional(kind.text, 'The name of the status beside those of others; default poolkeeper/ and the name of the cluster.'),
  },
  slack: {
    urlFile: optional(kind.secretFile, 'File with the URL of an incoming webhook of Slack, or of what takes the same, such as Mattermost.'),
  },
  webhook: {
    url: optional(kind.httpUrl, 'Where JSON is posted to.'),
    urlFile: optional(kind.secretFile, 'File with that URL, where it is a secret.'),
    secretFile: optional(kind.secretFile, 'File with the key that the JSON is signed with (HMAC-SHA256, with the time).'),
    template: optional(template, 'What is posted instead of the usual JSON; docs/notifications.md has the placeholders.'),
  },
  events: option(
    kind.list(kind.choice(...EVENT_NAMES)),
    EVENT_NAMES.filter((event) => !QUIET.has(event)),
    'What Slack and the webhook are told of; docs/notifications.md has the list.',
  ),
  perMinute: option(
    kind.count(1, 600),
    10,
    'The most messages to Slack, and to the webhook, in a minute; the last one tells how many more there were.',
  ),
  timeoutMs: option(kind.duration, '10s', 'The longest one request may take.'),
  caFile: optional(kind.file, 'PEM file with certificate authorities that count beside the usual ones.'),
  pageUrl: optional(kind.httpUrl, 'Where people reach the page of the daemon: statuses and messages lead there.'),
};
