import { type Deployment, type Fields, timestamp } from './api-object.ts';

/** The pods of a Deployment, counted. */
export interface PodCounts {
  readonly replicas: number;
  /** Of the present template. */
  readonly updated: number;
  readonly ready: number;
}

/** A condition of a Deployment without its times. */
interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** What the deployment controller writes, in its words; the very same while nothing changes. A rollout here never fails. */
export function rolloutStatus({ metadata, spec, status }: Deployment, { replicas, updated, ready }: PodCounts): Fields {
  const wanted = spec.replicas ?? 1;
  const isAvailable = ready >= wanted * 0.75;
  const isComplete = updated === wanted && ready === wanted && replicas === wanted;
  const counts = {
    replicas,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, Math.max(wanted, replicas) - ready),
  };
  const before = ((status as Fields | undefined)?.['conditions'] ?? []) as readonly Fields[];
  return {
    observedGeneration: metadata.generation,
    // Zeros are left out on the wire.
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    conditions: [availability(isAvailable), progress(metadata.name, isComplete)].map((verdict) => withTimes(verdict, before)),
  };
}

const availability = (isAvailable: boolean): Verdict => ({
  type: 'Available',
  status: isAvailable ? 'True' : 'False',
  reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
  message: isAvailable ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
});

const progress = (name: string, isComplete: boolean): Verdict => ({
  type: 'Progressing',
  status: 'True',
  reason: isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
  message: `ReplicaSet "${name}" ${isComplete ? 'has successfully progressed' : 'is progressing'}.`,
});

/** The condition as it was while it says the same; otherwise with new times. */
function withTimes(verdict: Verdict, conditions: readonly Fields[]): Fields {
  const before = conditions.find(({ type }) => type === verdict.type);
  const isSame = before?.['status'] === verdict.status && before['reason'] === verdict.reason && before['message'] === verdict.message;
  if (isSame) return before;
  const now = timestamp();
  const moved = before?.['status'] === verdict.status ? before['lastTransitionTime'] : now;
  return { ...verdict, lastUpdateTime: now, lastTransitionTime: moved };
}
