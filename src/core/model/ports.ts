import type { Problem } from '../../shared/problem.ts';
import type { ApplyObject, ClusterAction, RegistryAction } from './action.ts';
import type { Gateways } from './gateway.ts';
import type { GroupKind, KvKey, NodeName, ObjectKey, PoolKey, Revision, SpecId } from './ids.ts';
import type { LiveObject } from './objects.ts';
import type { RegistryState } from './registration.ts';
import type { StatusRange } from './settings.ts';
import type { Snapshot } from './snapshot.ts';
import type { CommitChanges, SpecFile, SpecFiles } from './spec-set.ts';
import type { ClusterState } from './world.ts';

export type Unsubscribe = () => void;
/** What became dirty: the specs, pools or nodes concerned, or everything. */
export type DirtyListener = (keys: ReadonlySet<SpecId | PoolKey | NodeName> | 'all') => void;

/** The Git leg. */
export interface SpecSource {
  /**
   * Looks at the head and reads every file under the root at it; cheap when the head has not moved. `since` is the revision
   * after which commits are listed. Never throws but for an abort: a failure is a stale or unavailable snapshot.
   */
  read(since: string, signal: AbortSignal): Promise<Snapshot<SpecFiles>>;
  /**
   * The last `most` commits as far as `at` that changed one file, newest first, each with that change alone. Throws an AppError when
   * Git cannot tell. Absent: there is no history to ask.
   */
  history?(
    asked: { readonly spec: SpecId; readonly at: Revision; readonly most: number },
    signal: AbortSignal,
  ): Promise<readonly CommitChanges[]>;
  /**
   * Earlier versions of files, by path and blob id: those that the head, or a commit before it, had at that path. What cannot be had
   * is left out. Throws when Git fails: then it may be had later. Absent: the source has no history.
   */
  recall?(blobs: ReadonlyMap<SpecId, string>, signal: AbortSignal): Promise<readonly SpecFile[]>;
}

/** How one Kubernetes action ended. `stored`: what an apply made of its object, as the API server answered. */
export type ClusterResult =
  | { readonly kind: 'done'; readonly changed: boolean; readonly stored?: LiveObject }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** The Kubernetes leg. */
export interface Cluster {
  /** What is known now. Never behind this process's own writes: the answer of an apply is in it when `apply` returns. */
  state(): ClusterState;
  changed(listener: DirtyListener): Unsubscribe;
  /**
   * Which kinds are to be watched and which objects are about to be applied: kinds not watched yet are discovered and listed
   * (their snapshots are unavailable until then), and of `claims` that carry no label of ours it is learnt whether they exist.
   * Returns when all of that is known or has failed; failures show as unavailable snapshots.
   */
  prepare(kinds: ReadonlySet<GroupKind>, claims: ReadonlyMap<ObjectKey, string>, signal: AbortSignal): Promise<void>;
  /**
   * Asks the API server whether it would take an apply, by a dry run that writes nothing: schema, quotas, admission, conflicts.
   * Never throws but for an abort.
   */
  check(action: ApplyObject, signal: AbortSignal): Promise<ClusterResult>;
  /** Executes one action. Writes nothing unless the Kubernetes lease is held. Never throws but for an abort. */
  apply(action: ClusterAction, signal: AbortSignal): Promise<ClusterResult>;
}

/** Proof that this process leads: what every Consul transaction checks first. */
export interface Fence {
  readonly key: KvKey;
  readonly session: string;
}

/** How one registry action ended. */
export type RegistryResult = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly problem: Problem };

/** The Consul leg. */
export interface Registry {
  /** What is known now. Never behind this process's own writes. */
  state(): Snapshot<RegistryState>;
  /** Called when `state()` has changed, but not for this process's own writes: who wrote knows. */
  changed(listener: () => void): Unsubscribe;
  /** Reads everything again by consistent reads; resolves when `state()` tells the outcome. */
  refresh(signal: AbortSignal): Promise<void>;
  /**
   * Executes actions, each wholly or not at all, every transaction fenced. The results stand in the order of the actions.
   * Never throws but for an abort. An unclear outcome (timeout, 5xx) is read back before it is reported.
   */
  commit(actions: readonly RegistryAction[], fence: Fence, signal: AbortSignal): Promise<readonly RegistryResult[]>;
}

/** Whether this process may write to one store. One per store. */
export type LeaseState =
  | { readonly held: true; readonly fence: Fence; readonly untilMs: number }
  | { readonly held: false; readonly holder: string | undefined; readonly problem?: Problem };
export interface Lease {
  state(): LeaseState;
  changed(listener: () => void): Unsubscribe;
  /** Gives the lease up at once, so that another may take it without waiting. */
  release(signal: AbortSignal): Promise<void>;
}

/** A node to try, and where: one address and port that takes a connection is enough. */
export interface ProbeTarget {
  readonly node: NodeName;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[];
}

/** Tries nodes by TCP connections while the API server's word on them is in doubt. */
export interface NodeProbe {
  /** Which nodes to try from now on, again and again; none ends it, and forgets what was found. */
  want(targets: readonly ProbeTarget[]): void;
  /** What the wanted nodes said when last tried; one that was not tried yet, or failed for the first time, is absent. The very same map until it changes. */
  state(): ReadonlyMap<NodeName, boolean>;
  changed(listener: () => void): Unsubscribe;
}

/** The Traefik leg: what its replicas have made of the catalog. It writes nothing. */
export interface Gateway {
  /** The very same map until it changes. */
  state(): Gateways;
  /** Called when what a replica says or whether it answers has changed, and for its first answer since what is awaited. */
  changed(listener: () => void): Unsubscribe;
  /**
   * Something changed at `sinceMs` (ms since the epoch) that the replicas are to follow: until further notice they are asked
   * briskly, and the more rarely the longer ago it was. Undefined: nothing is awaited.
   */
  expect(sinceMs: number | undefined): void;
  /** Asks every replica now; resolves when `state()` tells the outcome. */
  refresh(signal: AbortSignal): Promise<void>;
}

/** A request that shows whether a route works. */
export interface RouteTarget {
  readonly pool: PoolKey;
  /** Name of the router in Traefik, without its provider. */
  readonly router: string;
  /** What the Host header says, and the server name of TLS. */
  readonly host: string;
  /** With its query, if any. */
  readonly path: string;
  /** The statuses that count as the answer of the application. Absent: any below 500 but the 404 that Traefik itself gives. */
  readonly codes?: readonly StatusRange[];
}

/** How a route answered when it was last tried. */
export interface RouteAnswer extends Pick<RouteTarget, 'router' | 'host' | 'path'> {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
  /** The HTTP status; absent: none came. */
  readonly status?: number;
  /** What is wrong, in words; absent where nothing is. */
  readonly error?: string;
  /** Number of tries in a row that failed. */
  readonly failures: number;
}

/** Tries routes through Traefik, as a client would. It changes nothing. */
export interface RouteProbe {
  /** Whether requests go over TLS. */
  readonly tls: boolean;
  /** Which routes to try from now on, again and again; what was found of others is forgotten. */
  want(targets: readonly RouteTarget[]): void;
  /** How the wanted routes answered when last tried, by pool; one that was not tried yet is absent. */
  state(): ReadonlyMap<PoolKey, readonly RouteAnswer[]>;
  /** Called when a route has failed twice in a row, and when one that had works again. */
  changed(listener: () => void): Unsubscribe;
  /** Tries the wanted routes of one pool now. Never throws but for an abort. */
  probe(pool: PoolKey, signal: AbortSignal): Promise<readonly RouteAnswer[]>;
}

/** How a request to mark a node ended. */
export type NodeDrainResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'no-such-node' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/**
 * Marks nodes that are to leave all pools, as `kubectl annotate` would. It needs no lease: a person asks for it, twice the same
 * is once, and whoever leads learns of it from the node.
 */
export interface NodeDrains {
  /** `reason` is for people; undefined: none. Never throws but for an abort. */
  mark(node: NodeName, reason: string | undefined, signal: AbortSignal): Promise<NodeDrainResult>;
  unmark(node: NodeName, signal: AbortSignal): Promise<NodeDrainResult>;
}

/** The clock and the dice of the loop; tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
}
