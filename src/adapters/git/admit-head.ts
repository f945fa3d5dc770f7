import { type Revision, revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { type ProblemCode, problem } from '../../shared/problem.ts';
import { followRemedy, followText, isCommitId } from './follow.ts';
import { comparesHeads, type GitSettings, isJudged } from './git-settings.ts';
import type { Mirror } from './mirror.ts';
import { type GitRunner, isUnknownCommit } from './run-git.ts';
import { CommitVerifier } from './verify-commits.ts';

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

const REFUSALS: readonly ProblemCode[] = ['GIT_NOT_FAST_FORWARD', 'GIT_COMMIT_UNVERIFIED'];

/**
 * Judges which fetched heads may come into force, and puts them there. A head that came while nobody could tell what was in force
 * before, since the mirror was lost and Consul away, was judged alone: it is judged again when that is known.
 */
export class HeadJudge {
  readonly #parts: Parts;
  readonly #verifier: CommitVerifier;
  /** Whether what is in force was judged alone; undefined until this process has asked. */
  #alone: boolean | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#verifier = new CommitVerifier(parts.git, parts.settings, parts.mirror.path);
  }

  /** Whether what is in force was judged without knowing what was before. */
  get isAlone(): boolean {
    return this.#alone === true;
  }

  /**
   * The commit that comes into force by a fetch: the head, or the one that is configured. `since` is what Consul tells to be in force, for
   * want of a commit `before`. Throws AppError GIT_REF_MISSING when the branch does not reach the configured one, GIT_NOT_FAST_FORWARD
   * or GIT_COMMIT_UNVERIFIED when the options forbid the head.
   */
  async admit({ fetched, before }: FetchedHead, since: string, signal: AbortSignal): Promise<Revision> {
    const { settings, mirror } = this.#parts;
    if (!isJudged(settings)) return fetched;
    const known = before ?? (isCommitId(since) ? revision(since) : undefined);
    const target = await this.#judge({ fetched, before: known }, signal);
    const alone = comparesHeads(settings) && (before === undefined ? known === undefined : this.#alone === true);
    await mirror.keep(target, { alone }, signal);
    this.#alone = alone;
    return target;
  }

  /** Whether a commit that is in force may stay so, now that `since` may be known. One that may not is in force no more. */
  async stands(inForce: Revision, since: string, signal: AbortSignal): Promise<boolean> {
    const { settings, mirror } = this.#parts;
    if (!comparesHeads(settings)) return true;
    this.#alone ??= (await mirror.head(signal))?.alone ?? false;
    if (!this.#alone || !isCommitId(since)) return true;
    try {
      await this.#judge({ fetched: inForce, before: revision(since) }, signal);
    } catch (error) {
      if (!isRefusal(error) && !isUnknownCommit(error, inForce)) throw error;
      await mirror.forget(signal);
      this.#alone = undefined;
      return false;
    }
    await mirror.keep(inForce, { alone: false }, signal);
    this.#alone = false;
    return true;
  }

  /** Verifies a commit that came into force in an earlier process: the keys may be others by now. */
  async verifyAgain(inForce: Revision, signal: AbortSignal): Promise<void> {
    await this.#verifier.verify({ head: inForce, since: undefined }, signal);
  }

  async #judge({ fetched, before }: FetchedHead, signal: AbortSignal): Promise<Revision> {
    const { settings, mirror } = this.#parts;
    const { follow, fastForwardOnly, remote } = settings;
    const target = follow.kind === 'commit' ? revision(follow.commit) : fetched;
    if (follow.kind === 'commit') {
      if (target !== fetched && !(await mirror.descends(fetched, target, signal))) {
        const message = `${followText(follow)} of ${remote.url} does not hold the commit ${target}`;
        throw new AppError(problem('GIT_REF_MISSING', message, { remedy: followRemedy(follow) }));
      }
    } else if (fastForwardOnly && before !== undefined && before !== target) {
      if (!(await mirror.descends(target, before, signal))) {
        const message = `${followText(follow)} of ${remote.url} is not taken: ${target} does not descend from ${before}, which is in force`;
        throw new AppError(problem('GIT_NOT_FAST_FORWARD', message));
      }
    }
    await this.#verifier.verify({ head: target, since: before }, signal);
    return target;
  }
}

const isRefusal = (error: unknown): boolean => error instanceof AppError && REFUSALS.includes(error.problem.code);
