import type { Revision, SpecId } from '../../core/model/ids.ts';
import type { SpecSource } from '../../core/model/ports.ts';
import type { Snapshot } from '../../core/model/snapshot.ts';
import type { CommitChanges, SpecFile, SpecFiles } from '../../core/model/spec-set.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { HeadJudge } from './admit-head.ts';
import { CommitHistory, together } from './commit-history.ts';
import { followText } from './follow.ts';
import { checkSettings, type GitSettings, type GitSourceOptions, sourceIdentity } from './git-settings.ts';
import { HeadWatch, type RemoteHead } from './head-watch.ts';
import { Mirror } from './mirror.ts';
import { readFileHistory } from './read-changes.ts';
import { FileReader } from './read-files.ts';
import { readTree } from './read-tree.ts';
import { recallFile } from './recall-file.ts';
import { createGitRunner, type GitRunner } from './run-git.ts';
import { SharedRun } from './shared-run.ts';
import { SnapshotHistory } from './snapshot-history.ts';

// A mirror that is broken again and again has a cause that rebuilding does not cure, such as a full disk.
const REBUILD_INTERVAL_MS = 10 * 60 * 1000;

/** A source of specs that may hold running processes. */
export interface GitSource extends SpecSource {
  /** Ends what runs; resolves when no process is left. Later reads reject. */
  close(): Promise<void>;
}

/**
 * Creates the Git leg: a look at the head of one branch, and all files under a root at it, read from a mirror by commit.
 * An unchanged head costs one git process. Throws AppError CONFIG_INVALID or GIT_URL_REFUSED.
 */
export function createGitSource(options: GitSourceOptions): GitSource {
  return new MirroredSource(checkSettings(options));
}

interface Look {
  /** The commit in force. */
  readonly before: Revision | undefined;
  readonly since: string;
  readonly lookedAtMs: number;
}

class MirroredSource implements GitSource {
  readonly #settings: GitSettings;
  readonly #identity: string;
  readonly #git: GitRunner;
  readonly #mirror: Mirror;
  readonly #files: FileReader;
  readonly #heads: HeadWatch;
  readonly #judge: HeadJudge;
  readonly #commits: CommitHistory;
  readonly #history = new SnapshotHistory<SpecFiles>();
  readonly #closing = new AbortController();
  /** The head of the remote that the last value was read by. */
  #settledAt: Revision | undefined;
  /** The revision after which the commits of the last value were listed. */
  #since = '';
  #current: { readonly since: string; readonly run: SharedRun<Snapshot<SpecFiles>> } | undefined;
  #rebuiltAtMs = Number.NEGATIVE_INFINITY;
  #fetches = 0;
  /** Questions about the history that are under way. */
  readonly #asking = new Set<Promise<unknown>>();
  #tidying: Promise<void> = Promise.resolve();

  constructor(settings: GitSettings) {
    this.#settings = settings;
    this.#identity = sourceIdentity(settings);
    this.#git = createGitRunner(settings);
    this.#mirror = new Mirror(settings, this.#git);
    this.#files = new FileReader(settings, this.#git);
    this.#heads = new HeadWatch(settings, this.#git);
    this.#judge = new HeadJudge({ git: this.#git, settings, mirror: this.#mirror });
    this.#commits = new CommitHistory({ git: this.#git, settings, mirror: this.#mirror });
  }

  async read(since: string, signal: AbortSignal): Promise<Snapshot<SpecFiles>> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    while (this.#current !== undefined) {
      const { since: listedSince, run } = this.#current;
      if (run.abandoned) {
        await run.ended();
        continue;
      }
      const snapshot = await run.join(stop);
      // Else look again: that costs one process, and the right commits.
      if (listedSince === since) return snapshot;
    }
    stop.throwIfAborted();
    const run = new SharedRun((ending) =>
      this.#readAlone(since, ending).finally(() => {
        this.#current = undefined;
      }),
    );
    this.#current = { since, run };
    return run.join(stop);
  }

  async history(asked: Parameters<NonNullable<SpecSource['history']>>[0], signal: AbortSignal): Promise<readonly CommitChanges[]> {
    const { spec, at, most } = asked;
    const where = { ...this.#settings, gitDir: this.#mirror.path, revision: at, spec, most };
    if (this.#settings.shallow) return [];
    const asking = readFileHistory(this.#git, where, AbortSignal.any([signal, this.#closing.signal]));
    this.#asking.add(asking);
    return asking.finally(() => this.#asking.delete(asking));
  }

  async recall(blobs: ReadonlyMap<SpecId, string>, signal: AbortSignal): Promise<readonly SpecFile[]> {
    const head = this.#history.last?.revision;
    if (head === undefined) return [];
    const found: SpecFile[] = [];
    for (const [id, blobId] of blobs) {
      const wanted = { gitDir: this.#mirror.path, head, id, blobId };
      const file = await recallFile(this.#git, this.#settings, wanted, AbortSignal.any([signal, this.#closing.signal]));
      if (file !== undefined) found.push(file);
    }
    return found;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.run.ended();
    await Promise.allSettled([this.#tidying, ...this.#asking]);
  }

  async #readAlone(since: string, signal: AbortSignal): Promise<Snapshot<SpecFiles>> {
    try {
      await this.#mirror.prepare();
      const lookedAtMs = this.#settings.clock.now();
      const value = this.#marked(await this.#look(since, lookedAtMs, signal));
      this.#since = since;
      return this.#history.succeeded(value, value.revision, lookedAtMs);
    } catch (error) {
      signal.throwIfAborted();
      const failedAtMs = this.#settings.clock.now();
      await this.#recall(since, signal);
      return this.#history.failed(problemOf(error), failedAtMs);
    }
  }

  async #look(since: string, lookedAtMs: number, signal: AbortSignal): Promise<SpecFiles> {
    const head = await this.#heads.look(lookedAtMs, signal);
    const read = async () => {
      const before = await this.#inForce(since, signal);
      const last = this.#history.last;
      return last !== undefined && this.#settledAt === head.revision
        ? this.#renew(last, since, signal)
        : this.#fetchAndRead(head, { before, since, lookedAtMs }, signal);
    };
    try {
      return await read();
    } catch (error) {
      const nowMs = this.#settings.clock.now();
      if (!mayBeMirrorFault(error) || nowMs - this.#rebuiltAtMs < REBUILD_INTERVAL_MS) throw error;
      this.#rebuiltAtMs = nowMs;
      await this.#mirror.rebuild(head, signal);
      return await read();
    }
  }

  /** The commit in force, of this process or an earlier one; undefined when there is none, or when it must not be in force any more. */
  async #inForce(since: string, signal: AbortSignal): Promise<Revision | undefined> {
    const before = this.#history.last?.revision ?? (await this.#mirror.head(signal))?.revision;
    if (before === undefined || (await this.#judge.stands(before, since, signal))) return before;
    this.#history.forget();
    this.#settledAt = undefined;
    return undefined;
  }

  /** The value, with whether its head was judged alone: the same value where it says so already. */
  #marked(files: SpecFiles): SpecFiles {
    if ((files.judgedAlone === true) === this.#judge.isAlone) return files;
    const { judgedAlone, ...rest } = files;
    return judgedAlone === undefined ? { ...rest, judgedAlone: true } : rest;
  }

  /** The last value once more, with nothing to say about how the branch got there. */
  async #renew(last: SpecFiles, since: string, signal: AbortSignal): Promise<SpecFiles> {
    if (since === this.#since && last.problems.length === 0) return last;
    const commits = since === this.#since ? last.commits : await this.#commits.since(since, last.revision, signal);
    return { ...last, commits, problems: [] };
  }

  async #fetchAndRead(head: RemoteHead, { before, ...look }: Look, signal: AbortSignal): Promise<SpecFiles> {
    const fetched = await this.#mirror.fetch(head, signal);
    // The branch may have moved on between the look and the fetch.
    const movedAfterMs = this.#heads.saw(fetched, look.lookedAtMs);
    const target = await this.#judge.admit({ fetched, before }, look.since, signal);
    const { from, ...read } = await this.#readCommit(target, look.since, signal);
    const isRewritten = from !== before && (await this.#isRewritten(before, target, signal));
    this.#tidyAtTimes();
    this.#settledAt = fetched;
    const problems = before !== undefined && isRewritten ? [historyRewritten(this.#settings, before, target)] : [];
    return { ...read, problems, movedAfterMs, fetchedAtMs: this.#settings.clock.now() };
  }

  /** Whether a branch, or a tag of one name, has left its former commit behind; of commits without their history nobody can tell. */
  async #isRewritten(before: Revision | undefined, after: Revision, signal: AbortSignal): Promise<boolean> {
    const { follow, shallow } = this.#settings;
    const isTold = before !== undefined && before !== after && !shallow && (follow.kind === 'branch' || follow.kind === 'tag');
    return isTold && !(await this.#mirror.descends(after, before, signal));
  }

  async #readCommit(at: Revision, since: string, signal: AbortSignal) {
    const stop = new AbortController();
    const reading = this.#readFiles(at, signal).catch((error: unknown) => {
      // Without the files nobody asks who made them.
      stop.abort();
      throw error;
    });
    const beside = AbortSignal.any([signal, stop.signal]);
    const [files, { head, ...story }] = await together([reading, this.#commits.tell(at, since, beside)]);
    return { revision: at, source: this.#identity, files, ...(head === undefined ? {} : { head }), ...story };
  }

  async #readFiles(at: Revision, signal: AbortSignal): Promise<SpecFiles['files']> {
    const gitDir = this.#mirror.path;
    const entries = await readTree(this.#git, this.#settings, { gitDir, revision: at }, signal);
    return this.#files.read(entries, gitDir, signal);
  }

  /** What an earlier process fetched last, so that a restart while the remote is away still knows the specs. */
  async #recall(since: string, signal: AbortSignal): Promise<void> {
    try {
      const inForce = await this.#inForce(since, signal);
      if (inForce === undefined || this.#history.last !== undefined) return;
      const head = await this.#mirror.head(signal);
      if (head === undefined) return;
      await this.#judge.verifyAgain(head.revision, signal);
      const { from: _, ...read } = await this.#readCommit(head.revision, since, signal);
      const { fetchedAtMs } = head;
      this.#since = since;
      this.#settledAt = this.#settings.follow.kind === 'commit' ? undefined : head.revision;
      const value = this.#marked({ ...read, problems: [], movedAfterMs: fetchedAtMs, fetchedAtMs });
      this.#history.recalled(value, head.revision, fetchedAtMs);
    } catch {
      // The failure that led here is the one to report; this one shows again when the remote is back.
      signal.throwIfAborted();
    }
  }

  /** Runs beside the next looks; git sees to it that they do not disturb each other. */
  #tidyAtTimes(): void {
    this.#fetches += 1;
    if (this.#fetches % this.#settings.tidyAfterFetches !== 0) return;
    // A mirror that could not be packed still serves.
    this.#tidying = this.#tidying.then(() => this.#mirror.tidy(this.#closing.signal)).catch(() => {});
  }
}

/** Local commands fail for other reasons than the mirror, too; a rebuild tells. */
function mayBeMirrorFault(error: unknown): boolean {
  return error instanceof AppError && error.problem.code === 'GIT_READ_FAILED' && error.problem.next === 'retry';
}

function historyRewritten({ follow, remote }: GitSettings, before: Revision, after: Revision): Problem {
  return problem(
    'GIT_HISTORY_REWRITTEN',
    `${followText(follow)} of ${remote.url} was moved from ${before} to ${after}, which does not descend from it`,
  );
}

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.problem;
  return problem('GIT_READ_FAILED', `the Git mirror cannot be used: ${errorText(error)}`);
}
