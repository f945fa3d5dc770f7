import type { PoolKey, SpecId } from '../core/model/ids.ts';
import type { SpecHistoryAnswer } from '../core/report/commit-verdict.ts';
import type { Explanation, WhyQuestion } from '../core/report/explanation.ts';
import type { PlannedChange } from '../core/report/plan-diff.ts';
import type { PoolPicture } from '../core/report/pool-picture.ts';
import type { ApprovalReport, ResyncOutcome, RunReport, SuspensionReport } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import type { ResyncAnswer } from './api-answers.ts';
import type { EventsOptions } from './events.ts';
import type { LogLevels } from './log-level.ts';
import type { RunFailure } from './overview.ts';
import type { PageFile } from './page-files.ts';

/** One line of `/readyz?verbose`. */
export interface ReadyCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/** A person's wish about a node: that it leaves all pools, or may come back. */
export type DrainWish =
  | { readonly node: string; readonly drain: true; readonly reason?: string | undefined }
  | { readonly node: string; readonly drain: false };

/** Which pools are to move from agents to the catalog: some by name, or all that agents register. */
export type MigrationWish = { readonly pools: readonly string[] } | { readonly all: true };
export type MigrationResult =
  | { readonly kind: 'done'; readonly moving: readonly PoolKey[] }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** What a person allows of what the guard holds back: what has this name, or so many removals, whichever they are. */
export type ApprovalWish = { readonly hold: string } | { readonly removals: number };
export type ApprovalResult =
  | { readonly kind: 'done'; readonly approval: ApprovalReport }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** One spec, or every spec. */
export type SuspensionScope = { readonly spec: string } | { readonly all: true };

/** What people may have left as it is. */
export interface Suspensions {
  readonly suspend: (
    wish: SuspensionScope & Omit<SuspensionReport, 'spec' | 'atMs'>,
  ) => Promise<{ readonly kind: 'done'; readonly suspension: SuspensionReport } | { readonly kind: 'refused'; readonly problem: Problem }>;
  /** `suspended`: it still is, since every spec is. */
  readonly resume: (
    scope: SuspensionScope,
  ) => Promise<{ readonly kind: 'done'; readonly suspended: boolean } | { readonly kind: 'refused'; readonly problem: Problem }>;
}

/** What the server shows, and what it may ask of the daemon. */
export interface HttpServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The bearer token of mutations; undefined: none is needed. */
  readonly token: string | undefined;
  /** Names by which requests may ask for this server while there is no token, beside those of loopback. */
  readonly allowedHosts?: readonly string[];
  /** The last report; undefined until the first run has ended. */
  readonly report: () => RunReport | undefined;
  /** What keeps runs from ending, without secrets; undefined while they do. Absent: nobody can tell. */
  readonly failing?: (() => RunFailure | undefined) | undefined;
  /** Why something is, or is not, in traffic; undefined until the first run has ended. Absent: there is no such request. */
  readonly why?: (asked: WhyQuestion) => Explanation | undefined;
  /** The last commits that changed a spec; undefined for one that nobody knows. Absent: there is no such request. */
  readonly history?: (spec: string) => Promise<SpecHistoryAnswer | undefined>;
  /** The way of a request to a pool; undefined for one that the last run did not see. Absent: there is no such request. */
  readonly picture?: (pool: PoolKey) => PoolPicture | undefined;
  /** What is not yet as it should be, of one spec or of all; undefined until the first run has ended. Absent: nobody can tell. */
  readonly changes?: (spec?: SpecId) => readonly PlannedChange[] | undefined;
  /** The built page. Absent: only the plain one is served. */
  readonly page?: readonly PageFile[] | undefined;
  /** Limits of the event stream, which tests shorten. */
  readonly events?: Pick<EventsOptions, 'maxClients' | 'heartbeatMs' | 'gatherMs'>;
  readonly livez: () => boolean;
  readonly ready: () => { readonly ready: boolean; readonly checks: readonly ReadyCheck[] };
  /** The scrape, and what it is. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Where the replica that leads answers, when it is another one: what would change something is passed on to it. */
  readonly leader?: () => string | undefined;
  /** Asks for a comparison of one spec, or of everything. */
  readonly resync: (spec: SpecId | undefined) => Promise<ResyncAnswer>;
  /** Marks a node as to leave all pools, or takes the mark away; what kept it from being done, if anything. */
  readonly drain: (wish: DrainWish) => Promise<Problem | undefined>;
  /** Asks for the move of pools from agents to the catalog. Absent: there is no such request. */
  readonly migrate?: (wish: MigrationWish) => Promise<MigrationResult>;
  /** Lets go what the guard holds back. Absent: there is no such request. */
  readonly approve?: (wish: ApprovalWish) => Promise<ApprovalResult>;
  /** Leaves specs as they are, and goes on with them. Absent: there are no such requests. */
  readonly suspensions?: Suspensions;
  /** Tells and changes which log lines are written. Absent: there is no such request. */
  readonly logLevel?: LogLevels;
  /** Wakes the poll; `secret` proves who may. Absent: webhooks are switched off. */
  readonly hook?: { readonly secret: string; readonly wake: () => void } | undefined;
  readonly onResync?: (result: ResyncOutcome) => void;
  /** Told of errors that are answered with 500. */
  readonly onError?: (error: unknown) => void;
  /** Mutations a client may send in a minute; default 30. */
  readonly mutationsPerMinute?: number;
}
