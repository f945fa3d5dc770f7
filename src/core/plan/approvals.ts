import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';

/** Approvals used: the memory of what is spent, and the commits it came from. */
export interface Spending {
  readonly spent: Readonly<Record<string, number>>;
  /** Short ids of the commits, joined by ", ". */
  readonly by: string;
}

/** The value of a trailer `Poolkeeper-Allow-Removal`: a whole number above 0, else it counts for nothing. */
export function parseApproval(text: string): number {
  return /^\s*[0-9]{1,6}\s*$/.test(text) ? Number(text) : 0;
}

/**
 * Takes `needed` removals from the approvals of the commits after the last applied one, the oldest first; each commit's budget
 * is spent once. Undefined when they do not suffice: then nothing is spent. A stale answer from Git approves nothing new.
 */
export function spendApprovals(needed: number, context: PlanContext): Spending | undefined {
  if (context.world.specs.kind !== 'complete' || context.memory.appliedRevision === '') return undefined;
  const commits = [...(snapshotValue(context.world.specs)?.commits ?? [])].reverse();
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
  return missing > 0 ? undefined : { spent, by: by.join(', ') };
}
