import pLimit from 'p-limit';
import { type Revision, type SpecId, specId } from '../core/model/ids.ts';
import type { SpecSource } from '../core/model/ports.ts';
import type { CommitChanges } from '../core/model/spec-set.ts';
import type { BookCommit, CommitBook } from '../core/report/commit-book.ts';
import type { SpecHistoryAnswer, SpecRevision } from '../core/report/commit-verdict.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { isAbort } from '../shared/errors.ts';

export interface SpecHistoryOptions {
  readonly source: Pick<SpecSource, 'history'>;
  /** The last commits, newest first. */
  readonly commits: () => CommitBook;
}

/** Revisions that are told of a spec. */
const MOST_REVISIONS = 10;
/** Answers of Git that are kept: the same page asks again and again. */
const MOST_KEPT = 100;
/** Git processes side by side, for those who look; the runs have theirs. */
const AT_ONCE = 2;

/** Tells which commits changed a spec: those that are followed from memory, older ones from Git, which is asked only then. */
export class SpecHistory {
  readonly #options: SpecHistoryOptions;
  readonly #limit = pLimit(AT_ONCE);
  readonly #kept = new Map<string, readonly CommitChanges[]>();

  constructor(options: SpecHistoryOptions) {
    this.#options = options;
  }

  /**
   * The last revisions of a spec as far as the commit of a report; `more` where Git cannot be asked for the older ones. Undefined: neither
   * the report nor the last commits know it, so that nobody's guesses cost a process.
   */
  async of(
    id: string,
    { revision: at, specs }: Pick<RunReport, 'revision' | 'specs'>,
    signal: AbortSignal,
  ): Promise<SpecHistoryAnswer | undefined> {
    const book = this.#options.commits();
    const spec = specId(id);
    const known = book.flatMap((commit) => revisionOf(spec, commit));
    if (known.length === 0 && !specs.some((one) => one.id === spec)) return undefined;
    if (known.length > MOST_REVISIONS || at === undefined)
      return { spec, revisions: known.slice(0, MOST_REVISIONS), more: known.length > MOST_REVISIONS };
    const told = await this.#asked(spec, at, signal);
    const followed = new Map(book.map((commit) => [commit.revision, commit]));
    const missing = (told ?? []).filter(({ revision }) => !followed.has(revision)).flatMap(olderRevision);
    const all = [...known, ...missing];
    return { spec, revisions: all.slice(0, MOST_REVISIONS), more: told === undefined || all.length > MOST_REVISIONS };
  }

  /** Undefined: Git cannot be asked. */
  async #asked(spec: SpecId, at: Revision, signal: AbortSignal): Promise<readonly CommitChanges[] | undefined> {
    const key = `${at} ${spec}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    try {
      const told = await this.#limit(() => this.#options.source.history?.({ spec, at, most: MOST_REVISIONS + 1 }, signal));
      if (told === undefined) return undefined;
      this.#kept.set(key, told);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
      return told;
    } catch (error) {
      if (isAbort(error)) throw error;
      return undefined;
    }
  }
}

function revisionOf(spec: SpecId, { revision, commit, changes, verdict }: BookCommit): readonly SpecRevision[] {
  const change = changes?.find(({ id }) => id === spec)?.change;
  if (change === undefined) return [];
  const facts = commit ?? { author: '', committedAtMs: 0, subject: '' };
  return [{ revision, ...facts, change, ...(verdict === undefined ? {} : { verdict }) }];
}

const olderRevision = ({ changes, ...commit }: CommitChanges): readonly SpecRevision[] =>
  changes.slice(0, 1).map(({ change }) => ({ ...commit, change }));
