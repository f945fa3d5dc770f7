import type { Gateways } from './gateway.ts';
import type { GroupKind, NodeName, ObjectKey, PoolKey } from './ids.ts';
import type { EndpointFacts, NodeFacts } from './nodes.ts';
import type { LiveObject } from './objects.ts';
import type { PodTrouble } from './pods.ts';
import type { RegistryState } from './registration.ts';
import type { Snapshot } from './snapshot.ts';
import type { SpecSet } from './spec-set.ts';

/** Whether the objects of a kind belong to a namespace or to the cluster as a whole. */
export type KindScope = 'Namespaced' | 'Cluster';

/** What the Kubernetes leg knows; each kind on its own, with its own age. */
export interface ClusterState {
  readonly nodes: Snapshot<readonly NodeFacts[]>;
  /** Every Service of the cluster, ours or not. */
  readonly services: Snapshot<ReadonlyMap<ObjectKey, LiveObject>>;
  readonly endpoints: Snapshot<ReadonlyMap<PoolKey, EndpointFacts>>;
  /** The pods that are not ready, by the workload that owns them (the Deployment of a ReplicaSet's pods): why rollouts are slow. */
  readonly pods: Snapshot<ReadonlyMap<ObjectKey, readonly PodTrouble[]>>;
  /** Objects that carry our owner label, or whose name a spec claims, by kind. A kind that is not watched (yet) is absent. */
  readonly objects: ReadonlyMap<GroupKind, Snapshot<ReadonlyMap<ObjectKey, LiveObject>>>;
  /** The scopes of the kinds among them that the API server serves, or served when last asked. The very same map until it changes. */
  readonly scopes?: ReadonlyMap<GroupKind, KindScope>;
}

/** All that a run knows. */
export interface World {
  readonly specs: Snapshot<SpecSet>;
  readonly cluster: ClusterState;
  readonly registry: Snapshot<RegistryState>;
  /** Whether a NodePort of the node took a TCP connection from here, for the nodes that were tried lately. */
  readonly reachable?: ReadonlyMap<NodeName, boolean>;
  /** What the Traefik replicas say. Absent: nobody watches them. */
  readonly gateways?: Gateways;
}
