import { type Problem, problem } from '../../shared/problem.ts';

/** What the leader key tells of its holder. */
export interface LeaseHolder {
  /** How other replicas reach it. */
  readonly address: string;
  /** UID of the namespace `kube-system`: two clusters with one name show themselves by it. */
  readonly clusterUid: string;
}

/** The value of the leader key; `nowMs` is when the holder began to seek it. */
export function formatHolder({ address, clusterUid }: LeaseHolder, nowMs: number): string {
  return JSON.stringify({ address, clusterUid, since: new Date(nowMs).toISOString() });
}

/** The holder that a leader key names; undefined when there is none or the value is not ours to read. */
export function parseHolder(value: string | undefined): LeaseHolder | undefined {
  try {
    const { address, clusterUid } = JSON.parse(value ?? '') as { readonly address?: unknown; readonly clusterUid?: unknown };
    return typeof address === 'string' && typeof clusterUid === 'string' ? { address, clusterUid } : undefined;
  } catch {
    return undefined;
  }
}

/** What is known of a leader key beside its value. */
export interface LeaderKey {
  readonly key: string;
  readonly cluster: string;
  /** Whether its Flags are those of our owner. */
  readonly isOfOwner: boolean;
}

/** Why a leader key that `holder` wrote is never ours to take, not even when it is free. */
export function whyNeverOurs(holder: LeaseHolder, own: LeaseHolder, { key, cluster, isOfOwner }: LeaderKey): Problem | undefined {
  if (holder.clusterUid !== own.clusterUid) {
    const message = `The key ${key} was written by another Kubernetes cluster (kube-system has the UID ${holder.clusterUid} there, daemon at ${holder.address})`;
    return problem('CONSUL_CLUSTER_CLASH', message, {
      remedy: `Choose another \`cluster\` than ${cluster}; or, if that cluster is gone for good, delete the key.`,
    });
  }
  if (isOfOwner) return undefined;
  return problem('CONSUL_CLUSTER_CLASH', `The key ${key} was written by a daemon with another \`owner\` than ours (at ${holder.address})`, {
    remedy: 'Daemons with owners of their own each need a `cluster` name of their own, too; if the owner was renamed, delete the key.',
  });
}
