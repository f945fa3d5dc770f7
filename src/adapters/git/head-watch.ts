import { type Revision, revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { GitSettings } from './git-settings.ts';
import type { GitRunner } from './run-git.ts';

/** Asks the remote for the branch's head, and remembers when it was last seen at the former one. */
export class HeadWatch {
  readonly #settings: GitSettings;
  readonly #git: GitRunner;
  #seen: { readonly head: Revision; readonly lookedAtMs: number; readonly movedAfterMs: number } | undefined;

  constructor(settings: GitSettings, git: GitRunner) {
    this.#settings = settings;
    this.#git = git;
  }

  /** The head of the branch at the remote. Throws AppError GIT_REF_MISSING when there is no such branch. */
  async look(nowMs: number, signal: AbortSignal): Promise<Revision> {
    const { remote, ref, mirrorDir } = this.#settings;
    const branch = `refs/heads/${ref}`;
    // The remote alone is asked: a broken mirror must not look like a broken remote.
    const gitDir = `${mirrorDir}/none`;
    const args = ['ls-remote', '--', remote.url, branch];
    const output = await this.#git.text({ args, gitDir, what: `git ls-remote of ${remote.url}`, remote: true }, signal);
    // The pattern fits any ref that ends with it, so also refs/x/refs/heads/main.
    const line = output.split('\n').find((candidate) => candidate.endsWith(`\t${branch}`));
    if (line === undefined) throw new AppError(problem('GIT_REF_MISSING', `${remote.url} has no branch ${ref}`));
    const head = revision(line.slice(0, line.indexOf('\t')));
    this.saw(head, nowMs);
    return head;
  }

  /** Notes that the branch was seen at `head` at `nowMs` or later; returns the last time before at which it was not yet there. */
  saw(head: Revision, nowMs: number): number {
    const movedAfterMs = this.#seen?.head === head ? this.#seen.movedAfterMs : (this.#seen?.lookedAtMs ?? nowMs);
    this.#seen = { head, lookedAtMs: nowMs, movedAfterMs };
    return movedAfterMs;
  }
}
