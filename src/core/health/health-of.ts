import type { GroupKind } from '../model/ids.ts';
import { groupKindOf } from '../model/ids.ts';
import type { JsonObject, LiveObject } from '../model/objects.ts';
import type { PodTrouble } from '../model/pods.ts';
import type { Health, HealthRule } from './health.ts';
import { failed, progressing, READY, UNKNOWN } from './health.ts';
import { claimHealth, conditionHealth, definitionHealth, jobHealth, podHealth, serviceHealth } from './other-health.ts';
import { conditionOf, conditionText, numberOf } from './status-fields.ts';
import { daemonSetHealth, deploymentHealth, replicaSetHealth, statefulSetHealth } from './workload-health.ts';

const alwaysReady: HealthRule = () => READY;

/** Built-in kinds whose conditions are not told by `Ready` alone. */
const RULES: Readonly<Record<string, HealthRule>> = {
  'apps/Deployment': deploymentHealth,
  'apps/ReplicaSet': replicaSetHealth,
  '/ReplicationController': replicaSetHealth,
  'apps/StatefulSet': statefulSetHealth,
  'apps/DaemonSet': daemonSetHealth,
  'batch/Job': jobHealth,
  'batch/CronJob': alwaysReady,
  '/PersistentVolumeClaim': claimHealth,
  '/Pod': podHealth,
  '/Service': serviceHealth,
  'apiextensions.k8s.io/CustomResourceDefinition': definitionHealth,
};

/** Their controllers write `observedGeneration` with their first status: without one they have not looked at the object. */
const OBSERVED: ReadonlySet<GroupKind> = new Set(
  (['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'] as const).map((kind) => groupKindOf('apps/v1', kind)),
);

/**
 * The health of one live object, told from what the watches show: the rules of kstatus (sigs.k8s.io/cli-utils), and the words of
 * the pods in `trouble`, those of this workload, where it is not ready. An object that is being deleted is progressing. Pure.
 */
export function healthOf(live: LiveObject, trouble: readonly PodTrouble[]): Health {
  if (live.deleting) return progressing(`it is being deleted${finalizersOf(live)}`);
  const { status } = live;
  if (status === undefined) return UNKNOWN;
  const kind = groupKindOf(live.apiVersion, live.kind);
  // Pods that are left from before an unseen change would tell the wrong story.
  const early = conditionsOfAny(live, kind, status);
  if (early !== undefined) return early;
  const health = (RULES[kind] ?? conditionHealth)(live, status);
  const [pod] = trouble.filter(isTelling).concat(trouble);
  return health === READY || pod === undefined ? health : { ...health, reason: `${health.reason}; ${podText(pod)}` };
}

const finalizersOf = ({ finalizers }: LiveObject): string => (finalizers.length === 0 ? '' : ` (finalizers: ${finalizers.join(', ')})`);

/** What holds for every kind, before its own rule; undefined when nothing of it applies. */
function conditionsOfAny({ generation = 0 }: LiveObject, kind: GroupKind, status: JsonObject): Health | undefined {
  const observed = numberOf(status, 'observedGeneration') ?? (OBSERVED.has(kind) ? 0 : generation);
  if (observed < generation) return progressing('its controller has not taken up the latest change yet');
  const stalled = conditionOf(status, 'Stalled');
  if (stalled?.status === 'True') return failed(conditionText(stalled));
  const reconciling = conditionOf(status, 'Reconciling');
  return reconciling?.status === 'True' ? progressing(conditionText(reconciling)) : undefined;
}

/** That its containers are not ready is known already; other pods may say why. */
const isTelling = ({ reason }: PodTrouble): boolean => reason !== 'ContainersNotReady';

const podText = ({ pod, reason, message }: PodTrouble): string => `pod ${pod}: ${reason}${message === '' ? '' : `: ${message}`}`;
