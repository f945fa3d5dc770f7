import type { Hold } from '../core/model/action.ts';
import type { PoolKey, Revision, SpecId } from '../core/model/ids.ts';
import type { PlannedChange } from '../core/report/plan-diff.ts';
import { type ActionReport, actionsOf, type PoolReport, type RunReport, type SpecReport } from '../core/report/run-report.ts';
import type { LogLevel } from '../shared/log-levels.ts';

/** A pool without its lists of nodes, which are long. */
export type PoolSummary = Omit<PoolReport, 'decisions' | 'registeredOn' | 'passingOn'>;

/** `GET /api/v1/status`: the last report, its pools without their nodes. */
export type StatusAnswer = Omit<RunReport, 'pools'> & { readonly pools: readonly PoolSummary[] };

/** `GET /api/v1/plan`: what the last run wanted to do and what became of it. */
export interface PlanAnswer {
  readonly startedAtMs: number;
  readonly revision: Revision | undefined;
  readonly actions: readonly (ActionReport & { readonly spec: SpecId | undefined })[];
  readonly holds: readonly Hold[];
  /** What is not yet as it should be, of every spec, and of what belongs to none. Absent: nobody can tell. */
  readonly changes?: readonly PlannedChange[];
}

/** `GET /api/v1/specs/{id}`: one spec of the last report, with what of it is not yet as it should be. */
export interface SpecAnswer extends SpecReport {
  /** What is planned, waits, is held or has failed; empty when it is in step. Absent: nobody can tell. */
  readonly changes?: readonly PlannedChange[];
}

/** What became of a resync request. `queued: false`: there is no such spec. `coalesced`: one that waits already will do. */
export interface ResyncAnswer {
  readonly queued: boolean;
  readonly coalesced: boolean;
}

/** How a node is marked now, after `POST /api/v1/nodes/{node}/drain` or `/undrain`. */
export interface DrainAnswer {
  readonly node: string;
  readonly draining: boolean;
}

/** The pools that move from agents to the catalog, after `POST /api/v1/migrations`. */
export interface MigrationAnswer {
  readonly moving: readonly PoolKey[];
}

/** After `DELETE /api/v1/suspensions`; without `spec` of every spec. */
export interface ResumeAnswer {
  readonly spec?: string;
  /** True: it still is, since every spec is. */
  readonly suspended: boolean;
}

/** Which log lines are written, after `PUT /api/v1/log-level`, and from `GET`. */
export interface LogLevelAnswer {
  readonly level: LogLevel;
  /** What the configuration says. */
  readonly configured: LogLevel;
  /** When the configured level comes back, in ms since the epoch; absent: it is in force. */
  readonly untilMs?: number;
}

export const poolSummary = ({ decisions: _decisions, registeredOn: _on, passingOn: _passing, ...summary }: PoolReport): PoolSummary =>
  summary;

export const statusAnswer = (report: RunReport): StatusAnswer => ({ ...report, pools: report.pools.map(poolSummary) });

export const specAnswer = (spec: SpecReport, changes: readonly PlannedChange[] | undefined): SpecAnswer => ({
  ...spec,
  ...(changes === undefined ? {} : { changes }),
});

export const planAnswer = (report: RunReport, changes?: readonly PlannedChange[]): PlanAnswer => ({
  startedAtMs: report.startedAtMs,
  revision: report.revision,
  actions: actionsOf(report).map(({ spec, action }) => ({ spec, ...action })),
  holds: report.holds,
  ...(changes === undefined ? {} : { changes }),
});
