import { type Revision, revision } from '../../core/model/ids.ts';
import type { CommitFacts } from '../../core/model/spec-set.ts';
import { isCommitId } from './follow.ts';
import type { GitSettings } from './git-settings.ts';
import type { Mirror } from './mirror.ts';
import { type LastCommits, type NewerCommits, type RecentCommits, readNewer, readRecent } from './read-changes.ts';
import { readCommit, readCommits } from './read-commits.ts';
import type { GitRunner } from './run-git.ts';

/** What the history tells of a commit. */
export interface CommitStory extends RecentCommits {
  /** Those that came after the revision that was asked about, newest first. */
  readonly commits: readonly CommitFacts[];
  /** An earlier commit that this one is known to come from. */
  readonly from?: Revision;
}

/** Tells who made a commit and those before it. Remembers the last answer, so that a new commit costs as much as it changes. */
export class CommitHistory {
  readonly #settings: GitSettings;
  readonly #git: GitRunner;
  readonly #mirror: Mirror;
  #last: LastCommits | undefined;

  constructor({ settings, git, mirror }: { readonly settings: GitSettings; readonly git: GitRunner; readonly mirror: Mirror }) {
    this.#settings = settings;
    this.#git = git;
    this.#mirror = mirror;
  }

  /** The story of the commit `at`, with the commits after `since`. Without the history, a commit seems to have made all that it holds. */
  async tell(at: Revision, since: string, signal: AbortSignal): Promise<CommitStory> {
    const where = { ...this.#settings, gitDir: this.#mirror.path, revision: at };
    if (this.#settings.shallow) {
      const head = await readCommit(this.#git, where, signal);
      const isNew = since !== at && isCommitId(since) && head !== undefined;
      return { commits: isNew ? [head] : [], head };
    }
    const last = this.#last;
    const newer = last === undefined || last.revision === at ? undefined : await readNewer(this.#git, where, last, signal);
    if (last !== undefined && newer !== undefined) return this.#goOn({ at, since, from: last.revision, newer }, signal);
    const [commits, told] = await together([this.since(since, at, signal), readRecent(this.#git, where, signal)]);
    this.#last = told.recent === undefined ? undefined : { revision: at, recent: told.recent };
    return { ...told, commits };
  }

  /** The commits that `at` has and `since` has not, newest first. */
  async since(since: string, at: Revision, signal: AbortSignal): Promise<readonly CommitFacts[]> {
    if (this.#settings.shallow) return (await this.tell(at, since, signal)).commits;
    const commits = await readCommits(this.#git, { gitDir: this.#mirror.path, since, head: at }, signal);
    const isApproving = commits.some(({ allowRemoval }) => allowRemoval.length > 0);
    if (!isApproving || (await this.#mirror.descends(at, revision(since), signal))) return commits;
    // Of a history that was written anew nobody can tell which approvals were spent: their commits have other ids.
    return commits.map((commit) => ({ ...commit, allowRemoval: [] }));
  }

  async #goOn(
    { at, since, from, newer }: { readonly at: Revision; readonly since: string; readonly from: Revision; readonly newer: NewerCommits },
    signal: AbortSignal,
  ): Promise<CommitStory> {
    const { facts, recent } = newer;
    this.#last = { revision: at, recent };
    const [head] = facts;
    return { commits: since === from ? facts : await this.since(since, at, signal), head, recent, from };
  }
}

/** What both give, side by side; fails with the first failure, but not before both have ended: a process must not outlive its read. */
export async function together<A, B>([a, b]: readonly [Promise<A>, Promise<B>]): Promise<readonly [A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}
