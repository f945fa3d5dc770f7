import type { ObjectKey } from './ids.ts';

/** Why one pod is not ready, as its own status says. */
export interface PodTrouble {
  /** The pod's name; its namespace is the workload's. */
  readonly pod: string;
  /** The workload that owns it: the Deployment of its ReplicaSet, else its controller. */
  readonly workload: ObjectKey;
  /** The kubelet's or scheduler's word: `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, `ContainersNotReady`. */
  readonly reason: string;
  /** The pod's own message, at most 300 characters. */
  readonly message: string;
}
