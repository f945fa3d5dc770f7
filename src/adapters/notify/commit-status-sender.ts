import type { CommitStatus, Sender } from '../../core/model/notification.ts';
import { createPoster, type Post, type PostOptions } from './post-json.ts';
import { readSecretFile } from './read-secret-file.ts';

export type CommitStatusProvider = 'github' | 'gitlab' | 'gitea';

/** Where the statuses of commits are shown. */
export interface CommitStatusOptions extends PostOptions {
  readonly provider: CommitStatusProvider;
  /** Base URL of the API: `https://api.github.com`, `https://gitlab.com/api/v4`, `https://git.example.com/api/v1`. */
  readonly url: string;
  /** `owner/name`; with GitLab the whole path of the project. */
  readonly repository: string;
  /** Read for each request, so that a new token needs no restart. */
  readonly tokenFile: string;
  /** Tells this status from those of others, and of other clusters. */
  readonly context: string;
  /** Where people see more; empty: nowhere. */
  readonly link: string;
}

type State = CommitStatus['state'];

/** How one hosting service takes a status. */
interface Provider {
  readonly title: string;
  /** Its word for each state. */
  readonly states: Readonly<Record<State, string>>;
  readonly path: (repository: string, revision: string) => string;
  readonly headers: (token: string) => Readonly<Record<string, string>>;
  /** Rights that the token needs, for the remedy. */
  readonly rights: string;
  readonly isFine?: Post['isFine'];
}

const reposPath = (repository: string, revision: string): string =>
  `/repos/${repository.split('/').map(encodeURIComponent).join('/')}/statuses/${revision}`;

/**
 * Sources: GitHub "REST API: commit statuses" (2022-11-28), GitLab "Commits API: set the pipeline status of a commit", Gitea API
 * `repoCreateStatus`. None has a neutral word for `superseded` but GitLab.
 */
const PROVIDERS: Readonly<Record<CommitStatusProvider, Provider>> = {
  github: {
    title: 'GitHub',
    states: { pending: 'pending', success: 'success', failure: 'failure', superseded: 'error' },
    path: reposPath,
    headers: (token) => ({
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    }),
    rights: 'a fine-grained one "Commit statuses: write", a classic one the scope repo:status',
  },
  gitlab: {
    title: 'GitLab',
    states: { pending: 'pending', success: 'success', failure: 'failed', superseded: 'canceled' },
    path: (repository, revision) => `/projects/${encodeURIComponent(repository)}/statuses/${revision}`,
    headers: (token) => ({ 'private-token': token }),
    rights: 'the scope api and the role Developer in the project',
    // It refuses a state that the status has already: 400, "Cannot transition status via :enqueue from :pending".
    isFine: (status, answer) => status === 400 && answer.includes('Cannot transition status'),
  },
  gitea: {
    title: 'Gitea',
    states: { pending: 'pending', success: 'success', failure: 'failure', superseded: 'warning' },
    path: reposPath,
    headers: (token) => ({ authorization: `token ${token}` }),
    rights: 'the permission repository: write',
  },
};

/** Makes the sender of commit statuses. */
export function createCommitStatusSender(options: CommitStatusOptions): Sender<CommitStatus> {
  const { provider: name, url, repository, tokenFile, context, link } = options;
  const provider = PROVIDERS[name];
  const poster = createPoster(options);
  const remedies = remediesOf(provider, repository);
  return {
    channel: 'commit-status',
    send: ({ revision, state, description }, signal) =>
      poster.post(
        () => ({
          url: url.replace(/\/+$/, '') + provider.path(repository, revision),
          headers: provider.headers(readSecretFile('notify.commitStatus.tokenFile', tokenFile)),
          body: JSON.stringify({ state: provider.states[state], context, description, ...(link === '' ? {} : { target_url: link }) }),
          title: `${provider.title}, status of commit ${revision.slice(0, 7)}`,
          remedies,
          ...(provider.isFine === undefined ? {} : { isFine: provider.isFine }),
        }),
        signal,
      ),
    close: () => poster.close(),
  };
}

function remediesOf({ title, rights }: Provider, repository: string): Readonly<Record<number, string>> {
  const rightsWanted = `Give the token of \`notify.commitStatus.tokenFile\` the right to set statuses: ${rights}.`;
  const gone = `Check \`notify.commitStatus.url\` and \`notify.commitStatus.repository\` (now ${repository}), and that the token may see the repository.`;
  return {
    401: `Write a token that is valid at ${title} into the file of \`notify.commitStatus.tokenFile\`.`,
    403: rightsWanted,
    404: gone,
    422: `${title} does not know the commit: check that \`notify.commitStatus.repository\` (now ${repository}) is the one that is read.`,
  };
}
