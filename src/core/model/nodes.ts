import type { NodeName, PoolKey } from './ids.ts';

/** Annotation on a Node: `"true"` takes it out of all pools, as a cordon does, but its pods may still be scheduled. */
export const DRAIN_ANNOTATION = 'poolkeeper.dev/drain';
/** Annotation on a Node, beside that one: why, in words for people. */
export const DRAIN_REASON_ANNOTATION = 'poolkeeper.dev/drain-reason';
/** The most characters of such a reason that are shown. */
export const DRAIN_REASON_LENGTH = 200;

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
  /** Names of the ports that nothing ready serves, but an endpoint that terminates does still; absent when there are none. */
  readonly terminatingPorts?: readonly string[];
}

/** Whether a node is marked to leave all pools, and why; the reason is one line, empty where none is given. */
export function drainOf({ annotations }: Pick<NodeFacts, 'annotations'>): { readonly reason: string } | undefined {
  if (annotations[DRAIN_ANNOTATION] !== 'true') return undefined;
  // Whoever may annotate nodes writes it, and it is shown on terminals.
  const words = (annotations[DRAIN_REASON_ANNOTATION] ?? '').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return { reason: words.slice(0, DRAIN_REASON_LENGTH) };
}
