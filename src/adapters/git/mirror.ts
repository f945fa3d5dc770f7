import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Revision, revision } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { followPath, isCommitId } from './follow.ts';
import { type GitSettings, isJudged } from './git-settings.ts';
import type { RemoteHead } from './head-watch.ts';
import { limitGrowth } from './limit-growth.ts';
import { type GitRunner, isUnknownCommit } from './run-git.ts';
import { makeWorkFolder, removeDeadFolders } from './work-folders.ts';

const NAME = 'poolkeeper-mirror.git';
const WORK = `${NAME}.new-`;
const STATE_FILE = 'poolkeeper.json';

/** What the mirror remembers of its last fetch. */
interface MirrorState {
  readonly url: string;
  readonly fetchedAtMs: number;
  /** A commit that came into force while nobody could tell what was in force before. */
  readonly alone: string | undefined;
}

/** A commit that the mirror holds with all its files. */
export interface MirroredHead {
  readonly revision: Revision;
  readonly fetchedAtMs: number;
  /** Whether it came into force while nobody could tell what was in force before. */
  readonly alone: boolean;
}

/**
 * A bare copy of one branch of the repository, kept in `mirrorDir/poolkeeper-mirror.git` from one start to the next. It is never checked
 * out. It can be thrown away at any time; a new one is built aside and put in its place whole. Where heads are judged before they
 * count, a fetch goes to a ref of its own, and the ref of the commit in force follows when it is told to.
 */
export class Mirror {
  readonly path: string;
  readonly #settings: GitSettings;
  readonly #git: GitRunner;
  /** The head in force, when it is known; spares asking git. */
  #head: MirroredHead | undefined;
  /** What was fetched last, whether or not it came into force. */
  #fetched: Revision | undefined;

  constructor(settings: GitSettings, git: GitRunner) {
    this.#settings = settings;
    this.#git = git;
    this.path = join(settings.mirrorDir, NAME);
  }

  /** Makes sure that the folder of the mirror exists. */
  async prepare(): Promise<void> {
    await mkdir(this.#settings.mirrorDir, { recursive: true, mode: 0o700 });
  }

  /** The commit in force, of this process or an earlier one; undefined when there is no usable mirror of it. */
  async head(signal: AbortSignal): Promise<MirroredHead | undefined> {
    if (this.#head !== undefined) return this.#head;
    const state = await this.#state();
    if (state === undefined) return undefined;
    try {
      const inForce = await this.#revisionOf(this.path, this.#ref, signal);
      this.#head = { revision: inForce, fetchedAtMs: state.fetchedAtMs, alone: state.alone === inForce };
    } catch (error) {
      // Another branch was followed before, or the mirror is broken: a fetch will tell.
      if (!(error instanceof AppError)) throw error;
    }
    return this.#head;
  }

  /** Brings the remote's head; returns what it is by now. Unless heads are judged, it is in force from then on. */
  async fetch(head: RemoteHead, signal: AbortSignal): Promise<Revision> {
    const before = this.#isJudged ? this.#fetched : (await this.head(signal))?.revision;
    if (before === head.revision) return before;
    if ((await this.#state()) === undefined) return this.rebuild(head, signal);
    await this.#fetchInto(this.path, head, signal);
    const fetched = await this.#justFetched(this.path, signal);
    await this.#noteFetch(this.path, fetched);
    return fetched;
  }

  /** Puts a fetched commit in force; `alone` when nobody can tell what was in force before. */
  async keep(revision: Revision, { alone }: Pick<MirroredHead, 'alone'>, signal: AbortSignal): Promise<void> {
    if (!this.#isJudged || (this.#head?.revision === revision && this.#head.alone === alone)) return;
    // Whoever is killed between the two leaves a commit that is judged once more, and never one that is taken for judged.
    if (alone) await this.#noteAlone(revision);
    const args = ['update-ref', this.#ref, revision];
    await this.#git.text({ args, gitDir: this.path, what: 'noting the commit in force in the Git mirror' }, signal);
    if (!alone) await this.#noteAlone(undefined);
    this.#head = { revision, fetchedAtMs: this.#settings.clock.now(), alone };
  }

  /** Takes the commit in force out of it. */
  async forget(signal: AbortSignal): Promise<void> {
    this.#head = undefined;
    const args = ['update-ref', '-d', this.#ref];
    await this.#git.text({ args, gitDir: this.path, what: 'taking the commit in force out of the Git mirror' }, signal);
  }

  /** Whether the commit `from` has `ancestor` in its history. A mirror that does not know `ancestor` has not. */
  async descends(from: Revision, ancestor: Revision, signal: AbortSignal): Promise<boolean> {
    // Commits that only the ancestor reaches, at most one: prints 0 or 1, where `merge-base` would tell by exit code alone.
    const args = ['rev-list', '--count', '--max-count=1', ancestor, `^${from}`];
    try {
      const output = await this.#git.text({ args, gitDir: this.path, what: 'comparing the old and the new head' }, signal);
      return output.trim() === '0';
    } catch (error) {
      if (isUnknownCommit(error, ancestor)) return false;
      throw error;
    }
  }

  /**
   * Builds the mirror anew, whatever was there, and returns the remote's head, which was seen as `head`. Until that has
   * succeeded, the old one stays.
   */
  async rebuild(head: RemoteHead, signal: AbortSignal): Promise<Revision> {
    const { mirrorDir } = this.#settings;
    await removeDeadFolders(mirrorDir, WORK);
    const fresh = await makeWorkFolder(mirrorDir, WORK);
    try {
      const format = head.revision.length === 64 ? 'sha256' : 'sha1';
      const init = ['init', '--bare', `--object-format=${format}`];
      await this.#git.text({ args: init, gitDir: fresh, what: 'creating the Git mirror' }, signal);
      await this.#fetchInto(fresh, head, signal);
      const fetched = await this.#justFetched(fresh, signal);
      const state = await this.#remember(fresh);
      await rename(this.path, `${fresh}.old`).catch(ignoreMissing);
      await rename(fresh, this.path);
      this.#head = undefined;
      this.#noteHead(fetched, state);
      return fetched;
    } finally {
      await Promise.all([fresh, `${fresh}.old`].map((folder) => rm(folder, { recursive: true, force: true })));
    }
  }

  /** Packs the mirror when git finds that it has grown untidy. */
  async tidy(signal: AbortSignal): Promise<void> {
    const { fetchTimeoutMs } = this.#settings;
    await this.#git.text(
      { args: ['gc', '--auto', '--quiet'], gitDir: this.path, what: 'tidying the Git mirror', timeoutMs: fetchTimeoutMs },
      signal,
    );
  }

  async #fetchInto(gitDir: string, head: RemoteHead, signal: AbortSignal): Promise<void> {
    const { remote, shallow, fetchTimeoutMs, limits } = this.#settings;
    const options = ['--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance'];
    if (shallow) options.push('--depth=1');
    const args = ['fetch', ...options, '--', remote.url, `+${head.ref}:${this.#fetchRef}`];
    const command = { args, gitDir, what: `git fetch of ${remote.url}`, remote: true, timeoutMs: fetchTimeoutMs };
    const limit = limits.maxMirrorBytes;
    const fetched = await limitGrowth({ folder: gitDir, limit }, (limited) => this.#git.text(command, limited), signal);
    if (fetched.kind === 'exceeded') throw new AppError(mirrorTooLarge(remote.url, limit));
  }

  /** A branch that was just fetched stands in a file of its own, which spares a process; a tag may name something else than a commit. */
  async #justFetched(gitDir: string, signal: AbortSignal): Promise<Revision> {
    const ref = this.#fetchRef;
    const isBranch = this.#settings.follow.kind === 'branch';
    const text = isBranch ? await readFile(join(gitDir, ref), 'utf8').catch(() => '') : '';
    return isCommitId(text.trim()) ? revision(text.trim()) : this.#revisionOf(gitDir, ref, signal);
  }

  async #revisionOf(gitDir: string, ref: string, signal: AbortSignal): Promise<Revision> {
    const args = ['rev-parse', '--verify', `${ref}^{commit}`];
    const output = await this.#git.text({ args, gitDir, what: 'reading the head of the Git mirror' }, signal);
    return revision(output.trim());
  }

  get #isJudged(): boolean {
    return isJudged(this.#settings);
  }

  /** The commit in force. */
  get #ref(): string {
    return `refs/${followPath(this.#settings.follow)}`;
  }

  get #fetchRef(): string {
    return this.#isJudged ? `refs/poolkeeper-fetched/${followPath(this.#settings.follow)}` : this.#ref;
  }

  async #noteFetch(gitDir: string, fetched: Revision): Promise<void> {
    this.#noteHead(fetched, await this.#remember(gitDir));
  }

  #noteHead(fetched: Revision, fetchedAtMs: number): void {
    this.#fetched = fetched;
    if (!this.#isJudged) this.#head = { revision: fetched, fetchedAtMs, alone: false };
  }

  /** What was remembered in the mirror, when it is one of the configured URL. */
  async #state(): Promise<MirrorState | undefined> {
    const text = await readFile(join(this.path, STATE_FILE), 'utf8').catch(ignoreMissing);
    const state = parseState(text ?? '');
    return state?.url === this.#settings.remote.url ? state : undefined;
  }

  /** Notes a fetch in the mirror in `gitDir`; returns its time. */
  async #remember(gitDir: string): Promise<number> {
    const fetchedAtMs = this.#settings.clock.now();
    await writeState(gitDir, { url: this.#settings.remote.url, fetchedAtMs, alone: (await this.#state())?.alone });
    return fetchedAtMs;
  }

  async #noteAlone(alone: string | undefined): Promise<void> {
    const state = await this.#state();
    if (state !== undefined && state.alone !== alone) await writeState(this.path, { ...state, alone });
  }
}

async function writeState(gitDir: string, state: MirrorState): Promise<void> {
  await writeFile(join(gitDir, STATE_FILE), `${JSON.stringify(state)}\n`);
}

function parseState(text: string): MirrorState | undefined {
  try {
    const { url, fetchedAtMs, alone } = JSON.parse(text) as Readonly<Partial<Record<keyof MirrorState, unknown>>>;
    if (typeof url !== 'string' || typeof fetchedAtMs !== 'number') return undefined;
    return { url, fetchedAtMs, alone: typeof alone === 'string' ? alone : undefined };
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

function mirrorTooLarge(url: string, limit: number): Problem {
  const remedy = 'Set `git.shallow`, or keep the specs in a repository of their own.';
  return problem('GIT_READ_FAILED', `the mirror of ${url} would hold more than ${limit} bytes`, { next: 'fix-config', remedy });
}
