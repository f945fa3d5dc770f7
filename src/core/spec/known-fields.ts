import type { GroupKind } from '../model/ids.ts';
import { groupKind } from '../model/ids.ts';

/** The fields that a kind has, as far as they are checked here; deeper ones are left to the API server. */
export interface KnownFields {
  /** Beside apiVersion, kind, metadata and status. */
  readonly top: readonly string[];
  /** First level of `spec`; absent when the kind has none. */
  readonly spec?: readonly string[];
}

/** Fields of every object. `status` is left out of what is sent. */
export const OBJECT_FIELDS: readonly string[] = ['apiVersion', 'kind', 'metadata', 'status'];

/** Fields of ObjectMeta that a spec may set. */
export const METADATA_FIELDS: readonly string[] = ['name', 'namespace', 'labels', 'annotations', 'finalizers'];

/** Fields of ObjectMeta that the API server sets and `kubectl get` shows: left out of what is sent. */
export const EXPORTED_METADATA: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generateName',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/** Annotations that kubectl and the controllers write: applying a copy would take them away from their writers. */
export const EXPORTED_ANNOTATIONS: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
];

const WORKLOAD = ['replicas', 'selector', 'template', 'minReadySeconds', 'revisionHistoryLimit'];

/** Kubernetes 1.35, api/openapi-spec. */
export const KNOWN_FIELDS: ReadonlyMap<GroupKind, KnownFields> = new Map([
  [
    groupKind('', 'Service'),
    {
      top: ['spec'],
      spec: [
        'allocateLoadBalancerNodePorts',
        'clusterIP',
        'clusterIPs',
        'externalIPs',
        'externalName',
        'externalTrafficPolicy',
        'healthCheckNodePort',
        'internalTrafficPolicy',
        'ipFamilies',
        'ipFamilyPolicy',
        'loadBalancerClass',
        'loadBalancerIP',
        'loadBalancerSourceRanges',
        'ports',
        'publishNotReadyAddresses',
        'selector',
        'sessionAffinity',
        'sessionAffinityConfig',
        'trafficDistribution',
        'type',
      ],
    },
  ],
  [groupKind('apps', 'Deployment'), { top: ['spec'], spec: [...WORKLOAD, 'strategy', 'paused', 'progressDeadlineSeconds'] }],
  [
    groupKind('apps', 'StatefulSet'),
    {
      top: ['spec'],
      spec: [
        ...WORKLOAD,
        'ordinals',
        'persistentVolumeClaimRetentionPolicy',
        'podManagementPolicy',
        'serviceName',
        'updateStrategy',
        'volumeClaimTemplates',
      ],
    },
  ],
  [groupKind('apps', 'DaemonSet'), { top: ['spec'], spec: [...WORKLOAD.filter((field) => field !== 'replicas'), 'updateStrategy'] }],
  [groupKind('', 'ConfigMap'), { top: ['data', 'binaryData', 'immutable'] }],
  [groupKind('', 'Secret'), { top: ['data', 'stringData', 'type', 'immutable'] }],
  [groupKind('', 'Namespace'), { top: ['spec'], spec: ['finalizers'] }],
]);

/** Kinds that mean nothing without a `spec`. */
export const NEEDS_SPEC: ReadonlySet<GroupKind> = new Set([
  groupKind('', 'Service'),
  groupKind('apps', 'Deployment'),
  groupKind('apps', 'StatefulSet'),
  groupKind('apps', 'DaemonSet'),
]);
