import type { Hold } from '../core/model/action.ts';
import type { Revision, SpecId } from '../core/model/ids.ts';
import { type ActionReport, actionsOf, type PoolReport, type RunReport } from '../core/report/run-report.ts';

/** A pool without its list of nodes, which is long. */
export type PoolSummary = Omit<PoolReport, 'decisions'>;

/** `GET /api/v1/status`: the last report, its pools without their nodes. */
export type StatusAnswer = Omit<RunReport, 'pools'> & { readonly pools: readonly PoolSummary[] };

/** `GET /api/v1/plan`: what the last run wanted to do and what became of it. */
export interface PlanAnswer {
  readonly startedAtMs: number;
  readonly revision: Revision | undefined;
  readonly actions: readonly (ActionReport & { readonly spec: SpecId | undefined })[];
  readonly holds: readonly Hold[];
}

/** What became of a resync request. `queued: false`: there is no such spec. `coalesced`: one that waits already will do. */
export interface ResyncAnswer {
  readonly queued: boolean;
  readonly coalesced: boolean;
}

export const poolSummary = ({ decisions: _decisions, ...summary }: PoolReport): PoolSummary => summary;

export const statusAnswer = (report: RunReport): StatusAnswer => ({ ...report, pools: report.pools.map(poolSummary) });

export const planAnswer = (report: RunReport): PlanAnswer => ({
  startedAtMs: report.startedAtMs,
  revision: report.revision,
  actions: actionsOf(report).map(({ spec, action }) => ({ spec, ...action })),
  holds: report.holds,
});
