import { hashOf } from '../core/model/hash.ts';
import type { Approval, Memory } from '../core/model/memory.ts';
import type { Held } from '../core/plan/approvals.ts';
import { APPROVAL_MS, approvalsNow } from '../core/plan/approvals.ts';
import type { ApprovalReport } from '../core/report/run-report.ts';
import { approvalReport } from '../core/report/verbs-report.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import type { MemoryPorts } from './change-memory.ts';
import { changeMemory } from './change-memory.ts';

/** What a person allows: what is held by this name, or so many removals, whichever they are. */
export type ApprovalWish = { readonly hold: string } | { readonly removals: number };

export type ApprovalResult =
  | { readonly kind: 'done'; readonly approval: ApprovalReport }
  | { readonly kind: 'refused'; readonly problem: Problem };

/**
 * Remembers that a person allows what `held` says is held back; the next run uses it. Of each kind one counts, the last: asked twice,
 * no more may go. Never throws but for an abort.
 */
export async function approveRemovals(
  wish: ApprovalWish,
  held: Held | undefined,
  ports: MemoryPorts,
  signal: AbortSignal,
): Promise<ApprovalResult> {
  const refusal = whyRefused(wish, held);
  if (held === undefined || refusal !== undefined) return { kind: 'refused', problem: refusal ?? NOTHING_HELD };
  const { clock } = ports;
  const atMs = clock.now();
  const facts = { atMs, untilMs: atMs + APPROVAL_MS };
  const approval: Approval =
    'hold' in wish
      ? { kind: 'hold', ...held, ...facts }
      : { kind: 'budget', id: `n-${hashOf([atMs, clock.random()], 12)}`, removals: wish.removals, left: wish.removals, ...facts };
  const others = (memory: Memory): readonly Approval[] => approvalsNow(memory, atMs).filter(({ kind }) => kind !== approval.kind);
  const failed = await changeMemory((memory) => ({ ...memory, approvals: [...others(memory), approval] }), ports, signal);
  return failed === undefined ? { kind: 'done', approval: approvalReport(approval) } : { kind: 'refused', problem: failed };
}

const NOTHING_HELD = problem('NOTHING_HELD', 'nothing is held that an approval could release');

function whyRefused(wish: ApprovalWish, held: Held | undefined): Problem | undefined {
  if (held === undefined) return NOTHING_HELD;
  if (!('hold' in wish) || wish.hold === held.id) return undefined;
  const count = `${held.removals} removal${held.removals === 1 ? '' : 's'}`;
  return problem('HOLD_CHANGED', `${wish.hold} is not what is held now: that is ${held.id}, with ${count}`);
}
