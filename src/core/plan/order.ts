import type { ObjectKey } from '../model/ids.ts';
import { byBytes, splitObjectKey } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { LiveObject, Spec, SpecObject } from '../model/objects.ts';

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

/** An object of a spec with its wave. */
export interface OrderedObject {
  readonly wanted: SpecObject;
  readonly wave: number;
}

/** The objects of a spec in the order of applying: by wave, then by kind. */
export function orderObjects(spec: Spec): readonly OrderedObject[] {
  return spec.objects
    .map((wanted) => ({ wanted, wave: waveOf(wanted.object.metadata.annotations) }))
    .sort((a, b) => a.wave - b.wave || byKind(a.wanted.key, b.wanted.key));
}

/** Sorts live objects into the order of deleting: that of applying, backwards. */
export function byRemovalOrder(a: LiveObject, b: LiveObject): number {
  return waveOf(b.annotations) - waveOf(a.annotations) || byKind(b.key, a.key);
}

/** The wave that annotations name. Those of specs were checked; anybody can write on a live object, so what is no number counts as 0. */
function waveOf(annotations: Readonly<Record<string, string>> = {}): number {
  const text = annotations[SETTINGS.wave]?.trim() ?? '';
  return /^-?\d{1,4}$/.test(text) ? Number(text) : 0;
}

const byKind = (a: ObjectKey, b: ObjectKey): number => stageOf(a) - stageOf(b) || byBytes(a, b);

function stageOf(key: ObjectKey): number {
  const { group, kind } = splitObjectKey(key);
  return STAGE_OF.get(`${group}/${kind}`) ?? REST;
}
