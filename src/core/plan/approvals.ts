import { hashOf } from '../model/hash.ts';
import { byBytes } from '../model/ids.ts';
import type { Approval, BudgetApproval, HoldApproval, Memory, RemovalKey } from '../model/memory.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';
import type { Removal } from './spec-plan.ts';

/**
 * How long an approval by the API counts. It is given by who looks at what is held, and used by the next run: an hour sees it through
 * an outage of Consul or a change of the leader, and does not leave a permission lying about for somebody else's mistake.
 */
export const APPROVAL_MS = 3_600_000;

/** Approvals used: the memory of what is spent, and where they came from. */
export interface Spending {
  readonly spent: Readonly<Record<string, number>>;
  readonly approvals: readonly Approval[];
  /** Short ids of the commits, and ids of the approvals, joined by ", ". */
  readonly by: string;
}

/** What the guard holds back for being too much at once, which is what an approval can release. Plain data. */
export interface Held {
  /** Names exactly this: another revision, or another set, has another one. */
  readonly id: string;
  readonly source: string;
  readonly revision: string;
  readonly keys: readonly RemovalKey[];
  /** What an approval must allow: pools, and objects that go without one. */
  readonly removals: number;
}

/** The value of a trailer `Poolkeeper-Allow-Removal`: a whole number above 0, else it counts for nothing. */
export function parseApproval(text: string): number {
  return /^\s*[0-9]{1,6}\s*$/.test(text) ? Number(text) : 0;
}

/** What an approval counts: pools, and objects that go without a pool. Objects that go with a pool are covered by it. */
export function unitsOf(removals: readonly Removal[]): number {
  const pools = removals.filter((removal) => removal.kind === 'pool').length;
  const single = removals.filter((removal) => removal.kind === 'object' && !removal.withPool).length;
  return Math.max(1, pools + single);
}

/** What is held, by the name that an approval of it uses. Undefined when nothing is, or Git has never been read. */
export function heldOf(removals: readonly Removal[], { world }: Pick<PlanContext, 'world'>): Held | undefined {
  const specs = snapshotValue(world.specs);
  if (removals.length === 0 || specs === undefined) return undefined;
  const keys = removals.map(({ key }) => key).sort(byBytes);
  const { source, revision } = specs;
  return { id: `h-${hashOf([source, revision, keys], 12)}`, source, revision, keys, removals: unitsOf(removals) };
}

/** The approvals of the API that still count. */
export const approvalsNow = ({ approvals = [] }: Pick<Memory, 'approvals'>, nowMs: number): readonly Approval[] =>
  approvals.filter(({ untilMs }) => untilMs > nowMs);

/** Those of the removals that somebody has allowed by name, at this very head, with the id of the approval. */
export function allowedByName(
  removals: readonly Removal[],
  { world, memory, nowMs }: PlanContext,
): { readonly removals: readonly Removal[]; readonly by: string } {
  const { specs } = world;
  const one = approvalsNow(memory, nowMs).find(isOfHold);
  if (one === undefined || specs.kind !== 'complete' || specs.value.revision !== one.revision || specs.value.source !== one.source)
    return { removals: [], by: '' };
  const keys = new Set(one.keys);
  return { removals: removals.filter(({ key }) => keys.has(key)), by: one.id };
}

const isOfHold = (approval: Approval): approval is HoldApproval => approval.kind === 'hold';
const isBudget = (approval: Approval): approval is BudgetApproval => approval.kind === 'budget';

/** The approvals without what has been let pass by name; one with nothing left is gone. */
export const withoutAllowed = (approvals: readonly Approval[], removals: readonly Removal[]): readonly Approval[] => {
  const gone = new Set(removals.map(({ key }) => key));
  return approvals.flatMap((one): readonly Approval[] => {
    if (!isOfHold(one)) return [one];
    const keys = one.keys.filter((key) => !gone.has(key));
    return keys.length === 0 ? [] : [{ ...one, keys }];
  });
};

/**
 * Takes `needed` removals from the approvals of the commits after the last applied one, the oldest first, and then from a budget that
 * the API was given; each is spent once. Undefined when they do not suffice: then nothing is spent. A stale answer from Git approves
 * nothing, and the commits nothing where nobody remembers what was applied.
 */
export function spendApprovals(needed: number, context: PlanContext): Spending | undefined {
  if (context.world.specs.kind !== 'complete') return undefined;
  const isKnown = context.memory.appliedRevision !== '';
  const commits = isKnown ? context.world.specs.value.commits.toReversed() : [];
  const spent: Record<string, number> = {};
  const by: string[] = [];
  let missing = needed;
  for (const { revision, allowRemoval } of commits) {
    const budget = Math.max(0, ...allowRemoval.map(parseApproval));
    const used = context.memory.spent[revision] ?? 0;
    if (budget === 0) continue;
    const taken = Math.min(missing, Math.max(0, budget - used));
    if (used + taken > 0) spent[revision] = used + taken;
    if (taken > 0) by.push(revision.slice(0, 12));
    missing -= taken;
  }
  const approvals = approvalsNow(context.memory, context.nowMs).flatMap((one): readonly Approval[] => {
    if (!isBudget(one) || missing === 0) return [one];
    const taken = Math.min(missing, one.left);
    missing -= taken;
    by.push(one.id);
    return taken === one.left ? [] : [{ ...one, left: one.left - taken }];
  });
  return missing > 0 ? undefined : { spent: isKnown ? spent : context.memory.spent, approvals, by: by.join(', ') };
}
