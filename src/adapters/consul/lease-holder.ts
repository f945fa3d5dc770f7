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
