/** A thing that leaves, counted by the guard: `pool:namespace/name` or `object:<ObjectKey>`. */
export type RemovalKey = string;

/** What left: `<node>` for a reason of its own, or `namespace/name@<node>` out of one pool only. */
export type StayOutKey = string;

/** One removal that the guard let pass. */
export interface GrantedRemoval {
  /** When it was last seen to: granted, or, where it had to wait, done. */
  readonly atMs: number;
  /** The commit whose trailer allowed it; absent when it was below the limit. */
  readonly approvedBy?: string;
}

/** A person's word, by the API, that what the guard holds back may go. It counts until `untilMs`, and each removal of it once. */
export type Approval = HoldApproval | BudgetApproval;

interface ApprovalFacts {
  readonly id: string;
  readonly atMs: number;
  readonly untilMs: number;
  /** How much it allowed when it was given: pools, and objects that go without one. */
  readonly removals: number;
}

/** Allows what was held when the person looked, and nothing that has come since. */
export interface HoldApproval extends ApprovalFacts {
  readonly kind: 'hold';
  /** What it was held at: at another head of the source, the same names may be meant otherwise. */
  readonly source: string;
  readonly revision: string;
  /** What may still go by it. */
  readonly keys: readonly RemovalKey[];
}

/** Allows so many removals, whichever they are, as a commit's trailer does. */
export interface BudgetApproval extends ApprovalFacts {
  readonly kind: 'budget';
  readonly left: number;
}

/** That a spec is left as it is, for now. */
export interface Suspension {
  readonly atMs: number;
  /** When it ends by itself. */
  readonly untilMs?: number;
  readonly reason?: string;
}

/**
 * What must outlive a run: plain JSON in the KV key `.poolkeeper/<cluster>/memory`, written by compare-and-set under the
 * fence, only when it changes. What can be derived is not stored. Unreadable: every timer starts anew, no approval counts.
 */
export interface Memory {
  readonly version: 1;
  /** The source (repository, ref, root, filter) whose removals were last allowed. */
  readonly source: string;
  /** The revision whose plan held nothing back: approvals count in commits after it. */
  readonly appliedRevision: string;
  /** How many spec files that revision had. */
  readonly specCount: number;
  /** Removals let pass and still remembered: within the guard's window, or not finished. */
  readonly removals: Readonly<Record<RemovalKey, GrantedRemoval>>;
  /** How much of each commit's approval is used up. */
  readonly spent: Readonly<Record<string, number>>;
  /** The group kinds that we have applied objects of; they are watched although no spec names them any more. */
  readonly kinds: readonly string[];
  /** Until when what left its pools stays out, ms since the epoch: the one thing of a flapping node that no object tells. */
  readonly stayOut?: Readonly<Record<StayOutKey, number>>;
  /** Of files that are broken: the blob id of the version that was in force before, by spec. */
  readonly lastGood?: Readonly<Record<string, string>>;
  /** At most one of each kind: a new one takes the place of the one before. */
  readonly approvals?: readonly Approval[];
  /** The specs that are left as they are, by id. */
  readonly suspended?: Readonly<Record<string, Suspension>>;
  /** That every spec is. */
  readonly suspendedAll?: Suspension;
}

export const EMPTY_MEMORY: Memory = { version: 1, source: '', appliedRevision: '', specCount: 0, removals: {}, spent: {}, kinds: [] };
