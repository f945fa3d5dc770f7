import type { Hold } from '../core/model/action.ts';
import type { PoolKey, Revision, SpecId } from '../core/model/ids.ts';
import type { CommitVerdict } from '../core/report/commit-verdict.ts';
import type {
  CommitReport,
  GatewayReport,
  HeldReport,
  LeaderReport,
  LegName,
  LegState,
  NodeReport,
  SourceReport,
  SpecState,
  SuspensionReport,
} from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';

/** One leg of a service: how far it is, since when, and what it has or waits for. */
export interface OverviewLeg {
  readonly state: LegState;
  /** When this process first saw it so, or last brought something about; of Git the time of the commit. ms since the epoch. */
  readonly sinceMs: number;
  /** Absent: the revision in force, which the head tells once for all, since nobody knows which one last changed it. */
  readonly text?: string;
}

/**
 * Where a node stands in a pool, one letter: `p` serves (registered, checks pass), `c` registered and a check fails, `a` registered by
 * its agent, `w` to be registered, `t` its agent is told to register it, `l` registered and to leave, `o` out, `-` not decided.
 */
export type CellLetter = 'p' | 'c' | 'a' | 'w' | 't' | 'l' | 'o' | '-';

/** A pool, or a spec that has none. */
export interface OverviewRow {
  /** The pool, or the spec where it has none. */
  readonly key: string;
  readonly spec: SpecId;
  readonly pool?: PoolKey;
  /** Name of the Consul service. */
  readonly service?: string;
  /** The hosts that the rules of its routes name, with spaces between. Absent: none. */
  readonly hosts?: string;
  readonly nodePort?: number;
  readonly state: SpecState;
  readonly legs: Readonly<Record<LegName, OverviewLeg>>;
  readonly desired: number;
  readonly registered: number;
  readonly passing: number;
  /** Number of nodes whose agents register it. Absent: the catalog registers it. */
  readonly byAgents?: number;
  /** Absent: no Traefik is watched, or answers, or routes it. */
  readonly serving?: number;
  /** A CellLetter for each of the overview's nodes, in their order. */
  readonly nodes: string;
  /** What to read first when it is not in step. */
  readonly note?: string;
  /** Number of things that are held back. */
  readonly held: number;
}

/** A commit that was in force, and how long it took. */
export interface OverviewRevision {
  readonly revision: Revision;
  readonly commit?: CommitReport;
  readonly seenAtMs: number;
  /** From the first sign of the commit to traffic; absent until it is there. */
  readonly seconds?: number;
  /** What has become of it. Absent: nobody knows yet, or another replica leads and knows. */
  readonly verdict?: CommitVerdict;
}

/** Something that has happened. */
export interface Happening {
  /** Rises by one. */
  readonly id: number;
  readonly atMs: number;
  readonly tone: 'good' | 'busy' | 'bad' | 'quiet';
  /** What kind of thing: a leg, `node`, `commit` or `hold`. */
  readonly about: LegName | 'node' | 'hold' | 'spec';
  readonly text: string;
  /** The row that it is about, if any. */
  readonly row?: string;
}

/** What the page shows beside rows and happenings. */
export interface OverviewHead {
  /** Names this state of this process: a client that has another one has missed something. */
  readonly id: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly revision?: Revision;
  readonly commit?: CommitReport;
  readonly leader: LeaderReport;
  readonly nodes: readonly NodeReport[];
  /** Absent where no Traefik is watched. */
  readonly gateways?: readonly GatewayReport[];
  readonly sources: readonly SourceReport[];
  readonly holds: readonly Hold[];
  /** What of them an approval can release. Absent: nothing. */
  readonly held?: HeldReport;
  /** What people have suspended. Absent: nothing. */
  readonly suspensions?: readonly SuspensionReport[];
  readonly problems: readonly Problem[];
  /** Newest first; at most 20. */
  readonly revisions: readonly OverviewRevision[];
}

/** What keeps runs from ending: nothing that is shown follows the servers while this lasts. */
export interface RunFailure {
  /** When the first of the runs that failed one after the other did; ms since the epoch. */
  readonly sinceMs: number;
  /** The words of the last error, without secrets. */
  readonly says: string;
}

/** What has become of an overview in one run, or in several that came at once. */
export interface OverviewChange {
  /** The id of the state that it is a change from. */
  readonly from: string;
  readonly head: OverviewHead;
  /** The rows that are new or differ, and the keys of those that are gone. */
  readonly rows: readonly OverviewRow[];
  readonly gone: readonly string[];
  /** Newest first. */
  readonly happenings: readonly Happening[];
}

/** `GET /api/v1/overview`: everything that the page's lists show. Plain JSON. */
export interface OverviewAnswer {
  /** The server's clock, ms since the epoch. */
  readonly nowMs: number;
  /** Whether changes need a token. */
  readonly token: boolean;
  /** Absent: runs end. */
  readonly failing?: RunFailure;
  readonly head: OverviewHead;
  /** By key. */
  readonly rows: readonly OverviewRow[];
  /** Newest first; at most 200. */
  readonly happenings: readonly Happening[];
}
