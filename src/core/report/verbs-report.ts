import { withoutElapsed } from '../desired/suspensions.ts';
import type { SpecId } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { Approval, Memory } from '../model/memory.ts';
import type { Held } from '../plan/approvals.ts';
import { approvalsNow } from '../plan/approvals.ts';
import type { PlanContext } from '../plan/context.ts';
import type { ApprovalReport, HeldReport, RunReport, SuspensionReport } from './run-report.ts';

/** What of a run people can release, have allowed, and have suspended; members with nothing in them are absent. */
export function verbsReport(of: {
  readonly held?: Held | undefined;
  readonly context: Pick<PlanContext, 'memory' | 'nowMs'>;
}): Pick<RunReport, 'held' | 'approvals' | 'suspensions'> {
  const { memory, nowMs } = of.context;
  const approvals = approvalsNow(memory, nowMs).map(approvalReport);
  const suspensions = suspensionReports(memory, nowMs);
  return {
    ...(of.held === undefined ? {} : { held: heldReport(of.held) }),
    ...(approvals.length === 0 ? {} : { approvals }),
    ...(suspensions.length === 0 ? {} : { suspensions }),
  };
}

const heldReport = ({ id, removals, keys }: Held): HeldReport => {
  const pools = keys.filter((key) => key.startsWith('pool:')).length;
  return { id, removals, pools, objects: keys.length - pools };
};

/** As people are told of an approval: not by the names of all that it allows. */
export function approvalReport(approval: Approval): ApprovalReport {
  const { id, removals, atMs, untilMs } = approval;
  const left = approval.kind === 'budget' ? approval.left : Math.min(removals, approval.keys.length);
  return { id, ...(approval.kind === 'hold' ? { hold: approval.id } : {}), removals, left, atMs, untilMs };
}

/** What is suspended: that every spec is first, then those that are by name. */
export function suspensionReports(memory: Pick<Memory, 'suspended' | 'suspendedAll'>, nowMs: number): readonly SuspensionReport[] {
  const { suspended = {}, suspendedAll } = withoutElapsed(memory, nowMs);
  const named = Object.entries(suspended).sort(([a], [b]) => byBytes(a, b));
  return [...(suspendedAll === undefined ? [] : [suspendedAll]), ...named.map(([spec, one]) => ({ spec: spec as SpecId, ...one }))];
}
