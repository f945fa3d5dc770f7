import type { NodeName, PoolKey } from './ids.ts';

/** Annotation on a Node: `"true"` takes it out of all pools, as a cordon does, but its pods may still be scheduled. */
export const DRAIN_ANNOTATION = 'poolkeeper.dev/drain';

/** What a pool needs to know of a Kubernetes node. */
export interface NodeFacts {
  readonly name: NodeName;
  readonly ready: boolean;
  /** lastTransitionTime of the Ready condition, 0 when unknown. */
  readonly readyChangedAtMs: number;
  readonly createdAtMs: number;
  readonly unschedulable: boolean;
  readonly deleting: boolean;
  readonly taints: readonly { readonly key: string; readonly effect: string }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
}

/** The endpoints of one Service, from all its EndpointSlices. */
export interface EndpointFacts {
  readonly pool: PoolKey;
  /** Number of endpoints that are ready. */
  readonly ready: number;
  /** Nodes that hold a ready endpoint. */
  readonly readyNodes: readonly NodeName[];
  /** Names of the ports that the slices with ready endpoints carry (the empty name for an unnamed port). */
  readonly portNames: readonly string[];
}
