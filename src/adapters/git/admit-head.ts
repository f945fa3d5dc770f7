import { type Revision, revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { followText } from './follow.ts';
import type { GitSettings } from './git-settings.ts';
import type { Mirror } from './mirror.ts';
import type { GitRunner } from './run-git.ts';
import { verifyCommits } from './verify-commits.ts';

/** What a fetch brought, and what was in force. */
export interface FetchedHead {
  readonly fetched: Revision;
  /** The commit in force; undefined: nobody knows one. */
  readonly before: Revision | undefined;
}

interface Parts {
  readonly git: GitRunner;
  readonly settings: GitSettings;
  readonly mirror: Mirror;
}

/**
 * The commit that may come into force after a fetch: the head, or the one that is configured. Throws AppError GIT_REF_MISSING when
 * the branch does not reach that one, GIT_NOT_FAST_FORWARD or GIT_COMMIT_UNVERIFIED when the options forbid the head.
 */
export async function admitHead(
  { git, settings, mirror }: Parts,
  { fetched, before }: FetchedHead,
  signal: AbortSignal,
): Promise<Revision> {
  const { follow, fastForwardOnly, remote } = settings;
  const target = follow.kind === 'commit' ? revision(follow.commit) : fetched;
  if (follow.kind === 'commit') {
    if (target !== fetched && !(await mirror.descends(fetched, target, signal))) {
      throw new AppError(problem('GIT_REF_MISSING', `${followText(follow)} of ${remote.url} does not hold the commit ${target}`));
    }
  } else if (fastForwardOnly && before !== undefined && before !== target) {
    if (!(await mirror.descends(target, before, signal))) {
      const message = `${followText(follow)} of ${remote.url} is not taken: ${target} does not descend from ${before}, which is in force`;
      throw new AppError(problem('GIT_NOT_FAST_FORWARD', message));
    }
  }
  await verifyCommits(git, settings, { gitDir: mirror.path, head: target, since: before }, signal);
  return target;
}
