import { type Revision, revision } from '../../core/model/ids.ts';
import type { CommitFacts } from '../../core/model/spec-set.ts';
import { isCommitId } from './follow.ts';
import { type GitRunner, isUnknownCommit } from './run-git.ts';

const MAX_COMMITS = 1000;
// Of texts that anyone who commits may make as long as he likes.
const MAX_TEXT = 500;
const TRAILER = 'Poolkeeper-Allow-Removal';
const UNIT_SEPARATOR = '\x1f';
/** Number of fields of `COMMIT_FORMAT`. */
export const COMMIT_FIELDS = 6;
// With -z each commit ends with a NUL as well: six fields, six NULs, and no commit can hold one itself.
/** What `git log -z` is to write of a commit; `commitOf` reads it. */
export const COMMIT_FORMAT = `%H%x00%an%x00%ct%x00%s%x00%(trailers:key=${TRAILER},valueonly,unfold,separator=%x1f)%x00%P`;

/**
 * The commits that `head` has and `since` has not, newest first, at most 1000. Empty when `since` is empty or no commit that
 * the mirror knows, as after the branch was rewritten and the mirror built anew.
 */
export async function readCommits(
  git: GitRunner,
  range: { gitDir: string; since: string; head: Revision },
  signal: AbortSignal,
): Promise<readonly CommitFacts[]> {
  const { gitDir, since, head } = range;
  if (since === head || !isCommitId(since)) return [];
  const args = ['log', '-z', `--max-count=${MAX_COMMITS}`, `--format=${COMMIT_FORMAT}`, head, `^${since}`];
  try {
    return parseLog(await git.text({ args, gitDir, what: `listing the commits after ${since}` }, signal));
  } catch (error) {
    if (isUnknownCommit(error, since)) return [];
    throw error;
  }
}

/** One commit that the mirror has. */
export async function readCommit(
  git: GitRunner,
  { gitDir, revision: id }: { readonly gitDir: string; readonly revision: Revision },
  signal: AbortSignal,
): Promise<CommitFacts | undefined> {
  const args = ['log', '-z', '--max-count=1', `--format=${COMMIT_FORMAT}`, id];
  return parseLog(await git.text({ args, gitDir, what: `reading the commit ${id}` }, signal))[0];
}

/** Reads the output of `git log -z` in the format above. */
export function parseLog(output: string): readonly CommitFacts[] {
  const fields = output.split('\0');
  const commits: CommitFacts[] = [];
  for (let start = 0; start + COMMIT_FIELDS <= fields.length; start += COMMIT_FIELDS)
    commits.push(commitOf(fields.slice(start, start + COMMIT_FIELDS)).facts);
  return commits;
}

/** A commit, and those it was made from. */
export interface LoggedCommit {
  readonly facts: CommitFacts;
  readonly parents: readonly string[];
}

/** A commit from its fields. */
export function commitOf([
  id = '',
  author = '',
  committedAt = '',
  subject = '',
  trailers = '',
  parents = '',
]: readonly string[]): LoggedCommit {
  const allowRemoval = trailers
    .split(UNIT_SEPARATOR)
    .map((value) => value.trim())
    .filter((value) => value !== '');
  const facts = {
    revision: revision(id),
    author: author.slice(0, MAX_TEXT),
    committedAtMs: Number(committedAt) * 1000,
    subject: subject.slice(0, MAX_TEXT),
    allowRemoval,
  };
  return { facts, parents: parents.split(' ').filter((parent) => parent !== '') };
}
