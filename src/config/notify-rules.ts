import { type Problem, problem } from '../shared/problem.ts';
import type { Config } from './config.ts';
import { gitHost } from './git-host.ts';
import type { Rule } from './rule.ts';

const broken = (message: string, remedy: string): Problem => problem('CONFIG_INVALID', message, { remedy });

type Check = (notify: Config['notify'], gitUrl: string) => Problem | undefined;

const rule = (reads: readonly string[], check: Check): Rule => ({
  reads: reads.map((name) => (name === 'git.url' ? name : `notify.${name}`)),
  check: ({ notify, git }) => check(notify, git.url),
});

/** What must fit together among the options of notifications. */
export const NOTIFY_RULES: readonly Rule[] = [
  rule(['commitStatus.provider', 'commitStatus.tokenFile'], ({ commitStatus: { provider, tokenFile } }) => {
    if ((provider === undefined) === (tokenFile === undefined)) return undefined;
    return provider === undefined
      ? broken('notify.commitStatus.tokenFile: nobody knows whose token it is', 'Set notify.commitStatus.provider.')
      : broken(`notify.commitStatus.provider: ${provider} needs a token`, 'Set notify.commitStatus.tokenFile.');
  }),
  rule(
    ['commitStatus.provider', 'commitStatus.url', 'commitStatus.repository', 'git.url'],
    ({ commitStatus: { provider, url, repository } }, gitUrl) => {
      if (provider === undefined || (url !== undefined && repository !== undefined) || gitHost(gitUrl) !== undefined) return undefined;
      return broken(
        'notify.commitStatus: git.url does not tell where commits have a status',
        'Set notify.commitStatus.url and notify.commitStatus.repository.',
      );
    },
  ),
  rule(
    ['commitStatus.provider', 'commitStatus.url', 'commitStatus.repository', 'commitStatus.context'],
    ({ commitStatus: { provider, url, repository, context } }) =>
      provider === undefined && (url ?? repository ?? context) !== undefined
        ? broken('notify.commitStatus: url, repository and context need a provider', 'Set notify.commitStatus.provider, or remove them.')
        : undefined,
  ),
  rule(['webhook.url', 'webhook.urlFile'], ({ webhook: { url, urlFile } }) =>
    url !== undefined && urlFile !== undefined
      ? broken('notify.webhook.url: excludes notify.webhook.urlFile', 'Remove one of the two.')
      : undefined,
  ),
  rule(
    ['webhook.url', 'webhook.urlFile', 'webhook.secretFile', 'webhook.template'],
    ({ webhook: { url, urlFile, secretFile, template } }) =>
      (url ?? urlFile) === undefined && (secretFile ?? template) !== undefined
        ? broken('notify.webhook: secretFile and template need an address', 'Set notify.webhook.url or notify.webhook.urlFile.')
        : undefined,
  ),
];
