import type { Revision, SpecId } from '../model/ids.ts';
import type { CommitFacts, FileChange } from '../model/spec-set.ts';

type CommitWords = Pick<CommitFacts, 'author' | 'committedAtMs' | 'subject'>;

/**
 * `in-traffic`: all that it changed is served, and what it removed is out of Consul and Traefik; also what was so once, and a newer commit
 * changed since. `on-its-way`: it gets there by itself. `held`: a guard or a person keeps it back. `broken`: somebody has to mend what it
 * changed. `superseded`: newer commits changed all of it again before it was there. `nothing-to-do`: it changed no spec.
 */
export const COMMIT_STATES = ['in-traffic', 'on-its-way', 'held', 'broken', 'superseded', 'nothing-to-do'] as const;
export type CommitState = (typeof COMMIT_STATES)[number];

/** What has become of a commit. */
export interface CommitVerdict {
  readonly state: CommitState;
  /** One sentence, without its full stop: what it waits for, which hold, which spec, which newer commit. */
  readonly says: string;
  /** The commit that superseded it, in one spec at least. */
  readonly by?: Revision;
  /** From the first sign of the commit to traffic, times of holds included; absent where this process has not seen all of the way. */
  readonly seconds?: number;
}

/** A commit that came in, or was in force at the start, and what has become of it. */
export interface FollowedCommit {
  readonly revision: Revision;
  /** Who made it, when and why. Absent where Git has not told. */
  readonly commit?: CommitWords;
  /** When this process first saw it; ms since the epoch. */
  readonly seenAtMs: number;
  /** Absent before the first run that acts, and on a standby. */
  readonly verdict?: CommitVerdict;
}

/** How far one of the specs that a commit changed is. */
export interface ChangedSpec extends FileChange {
  readonly state: 'done' | 'going' | 'held' | 'failed' | 'superseded';
  /** In words. */
  readonly says: string;
  /** The commit that changed it again. */
  readonly by?: Revision;
}

/** One revision in the history of a spec. */
export interface SpecRevision extends CommitWords {
  readonly revision: Revision;
  readonly change: FileChange['change'];
  /** Absent for a commit that this process does not follow. */
  readonly verdict?: CommitVerdict;
}

/** `GET /api/v1/history`: the last commits that changed a spec, newest first. Plain JSON. */
export interface SpecHistoryAnswer {
  readonly spec: SpecId;
  readonly revisions: readonly SpecRevision[];
  /** True when there are older ones, or nobody could tell. */
  readonly more: boolean;
}
