import type { ObjectKey } from '../model/ids.ts';
import { byBytes, splitObjectKey } from '../model/ids.ts';

/** Kinds in the order in which they are applied (design section 5); a kind that is not named comes last. */
const STAGES: readonly (readonly string[])[] = [
  ['/Namespace'],
  ['apiextensions.k8s.io/CustomResourceDefinition'],
  [
    '/ServiceAccount',
    'rbac.authorization.k8s.io/Role',
    'rbac.authorization.k8s.io/ClusterRole',
    'rbac.authorization.k8s.io/RoleBinding',
    'rbac.authorization.k8s.io/ClusterRoleBinding',
  ],
  ['/ConfigMap', '/Secret', '/LimitRange', '/ResourceQuota', 'scheduling.k8s.io/PriorityClass'],
  ['storage.k8s.io/StorageClass', '/PersistentVolume', '/PersistentVolumeClaim'],
  ['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet', 'apps/ReplicaSet', '/Pod', 'batch/Job', 'batch/CronJob'],
  ['/Service'],
];
const STAGE_OF: ReadonlyMap<string, number> = new Map(STAGES.flatMap((kinds, i) => kinds.map((kind) => [kind, i] as const)));
const REST = STAGES.length;

/** Sorts keys into the order of applying; deletes go through it backwards. */
export function byApplyOrder(a: ObjectKey, b: ObjectKey): number {
  return stageOf(a) - stageOf(b) || byBytes(a, b);
}

function stageOf(key: ObjectKey): number {
  const { group, kind } = splitObjectKey(key);
  return STAGE_OF.get(`${group}/${kind}`) ?? REST;
}
