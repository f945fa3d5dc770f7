import type { Problem } from '../../shared/problem.ts';
import type { Hold, NodeDecision, NodeReason, Waiting } from '../model/action.ts';
import type { NodeName, PoolKey, ReplicaName, Revision, SpecId } from '../model/ids.ts';
import type { RouteAnswer } from '../model/ports.ts';
import type { CheckStatus } from '../model/registration.ts';
import type { HealthMode } from '../model/settings.ts';
import type { CommitFacts } from '../model/spec-set.ts';
import type { FollowedCommit } from './commit-verdict.ts';

/** The states of a spec, in the order in which the first that fits is taken. */
export const SPEC_STATES = [
  'broken',
  'suspended',
  'conflict',
  'held',
  'failed',
  'leaving',
  'waiting',
  'changing',
  'unknown',
  'in-step',
] as const;
export type SpecState = (typeof SPEC_STATES)[number];

export type LegState = 'in-step' | 'changing' | 'waiting' | 'failed' | 'unknown' | 'not-watched';

export const LEG_NAMES = ['git', 'kubernetes', 'consul', 'traefik'] as const;
export type LegName = (typeof LEG_NAMES)[number];

/** What is timed on the way of a commit to traffic; `total` is the whole way. */
export type LatencyStage = 'fetch' | 'decode' | 'plan' | 'kubernetes' | 'rollout' | 'consul' | 'traefik' | 'total';

/** How the health of a pool is judged, and what comes of it, in words. */
export interface PoolHealthReport {
  readonly mode: HealthMode;
  readonly words: string;
}

/** What one Traefik replica makes of a pool. */
export interface ReplicaReport {
  readonly replica: ReplicaName;
  /**
   * `changing`: it differs from Consul, and is expected to follow; `behind`: it has differed for too long; `unasked`: it has not been
   * asked since the pool changed; `stale`: it does not answer; `lost`: it has not for so long that drains do not wait for it. The
   * rest tells what it said last.
   */
  readonly state: 'in-step' | 'changing' | 'behind' | 'unasked' | 'stale' | 'lost';
  /** Number of the pool's backends that requests can reach by it. */
  readonly serving: number;
  /** Number of backends that it should have and has not. */
  readonly missing: number;
  /** Backends that it has and should not: nodes, or address and port where no node is known. */
  readonly lingering: readonly string[];
  /** What differs of the routers, in words. */
  readonly routers: readonly string[];
}

/** The states of a Traefik replica as a whole. */
export const GATEWAY_STATES = ['in-step', 'changing', 'behind', 'frozen', 'differs', 'unreachable'] as const;

/** One Traefik replica, over all pools. */
export interface GatewayReport {
  readonly replica: ReplicaName;
  /**
   * `behind`: it has not followed Consul for too long; `frozen`: nor has anything that it serves changed since; `differs`: it follows,
   * and makes something else of it than the others; `unreachable`: it does not answer.
   */
  readonly state: (typeof GATEWAY_STATES)[number];
  /** Number of pools that the state speaks of. */
  readonly pools: number;
  /** Since when it has not followed, or not answered; ms since the epoch. */
  readonly sinceMs?: number;
  /** When a check in Consul was last touched so that Traefik looks again; ms since the epoch. */
  readonly nudgedAtMs?: number;
}

/** One pool, and every node's place in or outside of it. */
export interface PoolReport {
  readonly pool: PoolKey;
  readonly spec: SpecId;
  /** Name of the Consul service. */
  readonly service: string;
  /** The hosts that the rules of its routes name. Absent: none. */
  readonly hosts?: readonly string[];
  /** Number of backends that should be, that stand in the catalog, and whose checks pass. */
  readonly desired: number;
  readonly registered: number;
  readonly passing: number;
  /** The least backends that it is to have. Absent: it leaves, or agents register it, so that the catalog says nothing of it. */
  readonly floor?: number;
  /** Undefined until Kubernetes has allocated it. */
  readonly nodePort: number | undefined;
  readonly health: PoolHealthReport;
  readonly decisions: readonly NodeDecision[];
  /** The nodes that the registered instances stand on, and those whose checks pass. */
  readonly registeredOn: readonly NodeName[];
  readonly passingOn: readonly NodeName[];
  /** Absent: the catalog registers it, no agent does, and it does not move from any. */
  readonly agents?: AgentsReport;
  /** Backends in rotation, the least over the Traefik replicas that answer. Absent: none is watched, or answers, or routes it. */
  readonly serving?: number;
  /** How its routes answered when they were last tried. Absent: none is tried, or none has been yet. */
  readonly probes?: readonly RouteAnswer[];
  /** Absent where no Traefik is watched; empty for a pool that Traefik does not route. */
  readonly replicas?: readonly ReplicaReport[];
}

/** What Consul agents have to do with a pool. */
export interface AgentsReport {
  /** The nodes on which agents register it now; none while those that are told to have not yet. */
  readonly nodes: readonly NodeName[];
  /** True while it moves from them to the catalog. */
  readonly moving: boolean;
}

/** One action of a run, for people and counters. */
export interface ActionReport {
  readonly leg: 'kubernetes' | 'consul';
  /** The action's kind, such as `apply-object`. */
  readonly op: string;
  /** What it is done to, as a person calls it: `Service prod/echoserver`. */
  readonly on: string;
  readonly changes: readonly string[];
  readonly result: 'planned' | 'done' | 'failed' | 'held';
  readonly problem?: Problem;
}

export interface SpecReport {
  readonly id: SpecId;
  readonly state: SpecState;
  readonly legs: Readonly<Record<LegName, LegState>>;
  readonly problems: readonly Problem[];
  readonly waiting: readonly Waiting[];
  readonly holds: readonly Hold[];
  readonly actions: readonly ActionReport[];
  /** The commit that last changed its file. Absent: it is older than what Git has told of. */
  readonly lastChange?: SpecChange;
}

/** A commit that changed a spec. */
export interface SpecChange extends Pick<CommitFacts, 'revision' | 'committedAtMs'> {}

/** True when nothing is left of a spec but roll-outs: all is applied, and Kubernetes brings the pods. */
export const isRollingOut = ({ state, waiting }: Pick<SpecReport, 'state' | 'waiting'>): boolean =>
  state === 'waiting' && waiting.every(({ rollout }) => rollout === true);

/** What a source last told: see `Snapshot`. */
export interface SourceReport {
  /** `git`, `nodes`, `services`, `endpoints`, `pods`, `consul` or `objects:<kind>` or `traefik:<replica>`. */
  readonly source: string;
  readonly kind: 'complete' | 'stale' | 'unavailable';
  /** Undefined when it has never answered. */
  readonly ageMs: number | undefined;
  readonly reason?: Problem;
}

export interface NodeReport {
  readonly node: NodeName;
  readonly eligible: boolean;
  readonly code: NodeReason;
  readonly reason: string;
  /** True when it has the drain annotation, whatever else speaks for or against it. */
  readonly draining: boolean;
  /** Number of our instances that stand on it in Consul, those of pools that no spec holds included. */
  readonly registered: number;
  /** Its own check in Consul: critical takes it out of every pool at once. Undefined: there is none. */
  readonly check: CheckStatus | undefined;
}

/** How long one stage took for the commit of a revision; `start` says where the clock began (design section 10). */
export interface LatencyReport {
  /** Not always the one in force: a newer one may have come before this one was in traffic. */
  readonly revision: Revision;
  readonly stage: LatencyStage;
  readonly seconds: number;
  readonly start: 'webhook' | 'poll';
}

/** Number of writes to one store in this run. */
export interface WriteReport {
  readonly leg: 'kubernetes' | 'consul';
  readonly result: 'done' | 'failed';
  readonly count: number;
}

/** Which leases this replica holds; `holder` tells who leads when it is another. */
export interface LeaderReport {
  readonly consul: boolean;
  readonly kubernetes: boolean;
  readonly holder?: string;
  /** Where that one answers; absent: it is this one, or nobody can tell. */
  readonly url?: string;
}

/** The commit that a run has read. */
export type CommitReport = Pick<CommitFacts, 'author' | 'committedAtMs' | 'subject'>;

/** All that one run saw, decided and did. Plain JSON without secrets: log, metrics, API and page render nothing else. */
export interface RunReport {
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly passes: number;
  /** What woke the loop: `git`, `resync`, … */
  readonly trigger: readonly string[];
  /** Undefined while Git has never been read. */
  readonly revision: Revision | undefined;
  /** Who made that commit, when and why. Absent where Git has not told. */
  readonly commit?: CommitReport;
  readonly leader: LeaderReport;
  readonly specs: readonly SpecReport[];
  readonly pools: readonly PoolReport[];
  readonly nodes: readonly NodeReport[];
  /** The Traefik replicas, in the order of the configuration. Absent where none is watched. */
  readonly gateways?: readonly GatewayReport[];
  readonly sources: readonly SourceReport[];
  /** Every hold of the run, those that `specs` name included. */
  readonly holds: readonly Hold[];
  /** What of it an approval can release. Absent: nothing. */
  readonly held?: HeldReport;
  /** What may go by approvals that still count. Absent: nothing. */
  readonly approvals?: readonly ApprovalReport[];
  /** What people have suspended. Absent: nothing. */
  readonly suspensions?: readonly SuspensionReport[];
  /** Problems that belong to no spec. */
  readonly problems: readonly Problem[];
  readonly latencies: readonly LatencyReport[];
  /** The last commits that came in, and the one in force at the start, with what has become of them; newest first, at most 20. */
  readonly commits?: readonly FollowedCommit[];
  readonly writes: readonly WriteReport[];
  /** Actions on what belongs to no spec, such as Consul nodes. */
  readonly actions?: readonly ActionReport[];
}

/** What the guard holds back for being too much at once. An approval of this id releases it, and nothing else. */
export interface HeldReport {
  readonly id: string;
  /** What an approval must allow: pools, and objects that go without one. */
  readonly removals: number;
  readonly pools: number;
  readonly objects: number;
}

/** That a person has allowed removals, and how many may still go by it. */
export interface ApprovalReport {
  readonly id: string;
  /** The hold that it releases. Absent: it allows so many removals, whichever they are. */
  readonly hold?: string;
  readonly removals: number;
  readonly left: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly untilMs: number;
}

/** That a spec, or every spec, is left as it is. */
export interface SuspensionReport {
  /** Absent: every spec. */
  readonly spec?: SpecId;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Absent: until somebody resumes it. */
  readonly untilMs?: number;
  readonly reason?: string;
}

/** How a request to compare everything anew ended. */
export type ResyncOutcome = 'queued' | 'coalesced' | 'unknown-spec' | 'unauthorized' | 'limited' | 'invalid';

/** Every action of a run with the spec it belongs to, those of no spec last. */
export function actionsOf(report: RunReport): readonly { readonly spec: SpecId | undefined; readonly action: ActionReport }[] {
  const ofSpecs = report.specs.flatMap(({ id, actions }) => actions.map((action) => ({ spec: id, action })));
  return [...ofSpecs, ...(report.actions ?? []).map((action) => ({ spec: undefined, action }))];
}
