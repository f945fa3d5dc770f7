/** The kinds of Kubernetes that people write into specs. */
const KINDS =
  'Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Pod Job CronJob Service Ingress NetworkPolicy ConfigMap Secret ' +
  'ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding HorizontalPodAutoscaler PodDisruptionBudget PersistentVolume ' +
  'PersistentVolumeClaim StorageClass Namespace LimitRange ResourceQuota PriorityClass IngressClass CustomResourceDefinition EndpointSlice';

/** `networkpolicies` → `NetworkPolicy`; the singular too. */
const KIND_OF_SECTION: ReadonlyMap<string, string> = new Map(
  KINDS.split(' ').flatMap((kind) => [kind.toLowerCase(), pluralOf(kind)].map((name) => [name, kind] as const)),
);

/** The kind that a key below `objects` of an envelope names; undefined where it names none, which it need not. */
export const kindOfSection = (key: string): string | undefined => KIND_OF_SECTION.get(key.toLowerCase());

/** What the API calls the objects of a kind in its paths. */
export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (/(?:s|x|ch)$/.test(name)) return `${name}es`;
  return name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`;
}
