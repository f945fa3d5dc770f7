import { type Revision, revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { closeNames } from './close-names.ts';
import { followPatterns, followRemedy, followText, pickRef, refNames } from './follow.ts';
import type { GitSettings } from './git-settings.ts';
import type { GitRunner } from './run-git.ts';

/** What the remote has at the moment. */
export interface RemoteHead {
  readonly revision: Revision;
  /** The ref to fetch: `refs/heads/main`. */
  readonly ref: string;
}

/** Asks the remote for the head of what is followed, and remembers when it was last seen at the former one. */
export class HeadWatch {
  readonly #settings: GitSettings;
  readonly #git: GitRunner;
  #seen: { readonly head: Revision; readonly lookedAtMs: number; readonly movedAfterMs: number } | undefined;

  constructor(settings: GitSettings, git: GitRunner) {
    this.#settings = settings;
    this.#git = git;
  }

  /** The head at the remote. Throws AppError GIT_REF_MISSING when there is no such branch or tag. */
  async look(nowMs: number, signal: AbortSignal): Promise<RemoteHead> {
    const { remote, follow, mirrorDir } = this.#settings;
    // The remote alone is asked: a broken mirror must not look like a broken remote.
    const gitDir = `${mirrorDir}/none`;
    const args = ['ls-remote', '--', remote.url, ...followPatterns(follow)];
    const output = await this.#git.text({ args, gitDir, what: `git ls-remote of ${remote.url}`, remote: true }, signal);
    const found = pickRef(output, follow);
    if (found === undefined) {
      const others = await this.#others(signal);
      throw new AppError(
        problem('GIT_REF_MISSING', `${remote.url} has no ${followText(follow)}${others}`, { remedy: followRemedy(follow) }),
      );
    }
    const head = revision(found.id);
    this.saw(head, nowMs);
    return { revision: head, ref: found.name };
  }

  /** What the remote has instead, in words; nothing where it does not say. */
  async #others(signal: AbortSignal): Promise<string> {
    const { remote, follow, mirrorDir } = this.#settings;
    const pattern = follow.kind === 'tag' || follow.kind === 'semver' ? 'refs/tags/*' : 'refs/heads/*';
    const args = ['ls-remote', '--', remote.url, pattern];
    const output = await this.#git
      .text({ args, gitDir: `${mirrorDir}/none`, what: `git ls-remote of ${remote.url}`, remote: true }, signal)
      .catch(() => '');
    signal.throwIfAborted();
    const asked = follow.kind === 'tag' ? follow.tag : follow.kind === 'semver' ? follow.range : follow.branch;
    const names = closeNames(asked, refNames(output, pattern.slice(0, -1)));
    return names.length === 0 ? '' : `; it has ${names.join(', ')}`;
  }

  /** Notes that the branch was seen at `head` at `nowMs` or later; returns the last time before at which it was not yet there. */
  saw(head: Revision, nowMs: number): number {
    const movedAfterMs = this.#seen?.head === head ? this.#seen.movedAfterMs : (this.#seen?.lookedAtMs ?? nowMs);
    this.#seen = { head, lookedAtMs: nowMs, movedAfterMs };
    return movedAfterMs;
  }
}
