import type { Problem } from '../../shared/problem.ts';
import type { Revision, SpecId } from './ids.ts';
import type { Spec } from './objects.ts';

/** One file of the repository under the spec root, read by commit. */
export interface SpecFile {
  readonly id: SpecId;
  readonly blobId: string;
  /** The bytes, or why they were not read (too large, a symbolic link, a submodule). */
  readonly content: { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'refused'; readonly problem: Problem };
}

/** A commit between the last applied one and the head. */
export interface CommitFacts {
  readonly revision: Revision;
  readonly author: string;
  readonly committedAtMs: number;
  readonly subject: string;
  /** Values of the trailers `Poolkeeper-Allow-Removal`, as written. */
  readonly allowRemoval: readonly string[];
}

/** What a commit made of one file that may be a spec. */
export interface FileChange {
  readonly id: SpecId;
  readonly change: 'added' | 'changed' | 'removed';
  /** What it holds after the commit; absent for one that was removed. */
  readonly blobId?: string;
}

/** A commit with the files that it changed, a merge against its first parent. */
export interface CommitChanges extends Pick<CommitFacts, 'revision' | 'author' | 'committedAtMs' | 'subject'> {
  readonly changes: readonly FileChange[];
}

/** What the Git leg read: every file under the root at one commit. */
export interface SpecFiles {
  readonly revision: Revision;
  /** Identifies repository, ref, root and filter; removals are held when it changes. Holds no secret. */
  readonly source: string;
  readonly files: readonly SpecFile[];
  /** Commits after `since` as far as the head, newest first; at most 1000. Empty when `since` is unknown to the repository. */
  readonly commits: readonly CommitFacts[];
  /** The commit itself; absent where nobody has asked Git for it. */
  readonly head?: CommitFacts;
  /** The head and the commits before it with what they changed, newest first, a bounded number. Absent where Git does not tell. */
  readonly recent?: readonly CommitChanges[];
  /** True when nobody could tell what was in force before: whether the head may follow it was not asked. */
  readonly judgedAlone?: true;
  /** What should be said although the read succeeded (history rewritten, …). */
  readonly problems: readonly Problem[];
  /** When the head was first known to have moved to `revision`: lower bound of its age, and the last look that still saw the old head. */
  readonly movedAfterMs: number;
  readonly fetchedAtMs: number;
}

/** A text that tells of nothing but whether a name stands in it, in any case of its letters. */
export interface Mentions {
  mentions(name: string): boolean;
}

/** The decoded specs of one commit. Every file is in `specs` or in `broken`, some in both never. */
export interface SpecSet {
  readonly revision: Revision;
  readonly source: string;
  readonly specs: ReadonlyMap<SpecId, Spec>;
  readonly broken: ReadonlyMap<SpecId, readonly Problem[]>;
  /** The text of each broken file, as far as there is any; one that is not here could not be read, and may hold anything. */
  readonly brokenTexts?: ReadonlyMap<SpecId, Mentions>;
  /** Of broken files: the last version that was in force, where one is known. What it wants stays in force. */
  readonly lastGood?: ReadonlyMap<SpecId, Spec>;
  /** Warnings and notes of the specs that decoded. */
  readonly notes: readonly Problem[];
  readonly commits: readonly CommitFacts[];
  /** The commit itself; see `SpecFiles`. */
  readonly head?: CommitFacts;
  /** See `SpecFiles`. */
  readonly recent?: readonly CommitChanges[];
  /** See `SpecFiles`. */
  readonly judgedAlone?: true;
}
