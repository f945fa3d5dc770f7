import {
  count,
  HELD,
  hasCondition,
  observed,
  quota,
  type StatusCase,
  type StatusMoment,
  type StatusObject,
  selector,
  template,
  when,
} from './status-case.ts';
import { WORKLOAD_STATUS_CASES } from './workload-status-cases.ts';

const replicaSet = (name: string, moments: readonly StatusMoment[]): StatusCase => ({
  name,
  path: '/apis/apps/v1/namespaces/NS/replicasets',
  object: { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web' }, spec: { replicas: 2, selector, template: template() } },
  moments,
});

const jobPath = '/apis/batch/v1/namespaces/NS/jobs';
const job = (name: string, moments: readonly StatusMoment[], spec: Readonly<Record<string, unknown>> = {}): StatusCase => ({
  name,
  path: jobPath,
  object: {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate' },
    spec: { template: template({ annotations: HELD, restartPolicy: 'Never' }), ...spec },
  },
  moments,
});
const active = (object: StatusObject): boolean => count(object, 'active') > 0;

const jobs: readonly StatusCase[] = [
  job('a Job', [
    { name: 'just made' },
    { name: 'at work', until: active },
    { name: 'complete', pods: 'Succeeded', until: hasCondition('Complete', 'True') },
  ]),
  job(
    'a Job that fails',
    [
      { name: 'at work', until: active },
      { name: 'failed', pods: 'Failed', until: hasCondition('Failed', 'True') },
    ],
    { backoffLimit: 0 },
  ),
  job('a Job that tries again', [
    { name: 'at work', until: active },
    { name: 'one pod failed', pods: 'Failed', until: (object) => count(object, 'failed') === 1 },
  ]),
  job(
    'a Job with several pods',
    [
      { name: 'at work', until: active },
      { name: 'one pod done', pods: 'Succeeded', until: (object) => count(object, 'succeeded') === 1 },
    ],
    {
      completions: 3,
      parallelism: 1,
    },
  ),
  job('a Job with a deadline', [{ name: 'after it', until: hasCondition('Failed', 'True') }], { activeDeadlineSeconds: 1 }),
  job('a Job that is suspended', [{ name: 'for now', until: hasCondition('Suspended', 'True') }], { suspend: true }),
];

const claimSpec = { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } };
const claim = (name: string, volumeName: string | undefined, moments: readonly StatusMoment[]): StatusCase => ({
  name,
  path: '/api/v1/namespaces/NS/persistentvolumeclaims',
  object: {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: volumeName === undefined ? claimSpec : { ...claimSpec, volumeName },
  },
  moments,
});
const volume = {
  path: '/api/v1/persistentvolumes',
  object: {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'recorded' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
  },
};
const inPhase =
  (phase: string) =>
  ({ status }: StatusObject): boolean =>
    status?.['phase'] === phase;

const definitionPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const definition = (plural: string, singular: string): Readonly<Record<string, unknown>> => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural, singular, kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
});

const service = (name: string, type: string, moments: readonly StatusMoment[]): StatusCase => ({
  name,
  path: '/api/v1/namespaces/NS/services',
  object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { type, selector: { app: 'web' }, ports: [{ port: 80 }] } },
  moments,
});

/** Every object whose status `record-status.ts` records. */
export const STATUS_CASES: readonly StatusCase[] = [
  ...WORKLOAD_STATUS_CASES,
  replicaSet('a ReplicaSet', [{ name: 'just made' }, { name: 'complete', until: when({ availableReplicas: 2 }) }]),
  { ...replicaSet('a ReplicaSet beyond a quota', [{ name: 'refused', until: hasCondition('ReplicaFailure', 'True') }]), before: [quota] },
  ...jobs,
  claim('a claim that nothing provisions', undefined, [{ name: 'pending', until: inPhase('Pending') }]),
  {
    ...claim('a claim with a volume', 'recorded', [
      { name: 'bound', until: inPhase('Bound') },
      { name: 'lost', removeOther: '/api/v1/persistentvolumes/recorded', until: inPhase('Lost') },
    ]),
    before: [volume],
  },
  {
    name: 'a CustomResourceDefinition',
    path: definitionPath,
    object: definition('widgets', 'widget'),
    moments: [{ name: 'just made' }, { name: 'established', until: hasCondition('Established', 'True') }],
  },
  {
    name: 'a CustomResourceDefinition whose kind is taken',
    path: definitionPath,
    object: definition('gadgets', 'gadget'),
    moments: [{ name: 'refused', until: hasCondition('NamesAccepted', 'False') }],
  },
  service('a Service of type LoadBalancer', 'LoadBalancer', [{ name: 'without an address', until: () => true }]),
  service('a Service of type NodePort', 'NodePort', [{ name: 'at once' }]),
  {
    name: 'a PodDisruptionBudget',
    path: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets',
    object: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'web' }, spec: { minAvailable: 1, selector } },
    moments: [{ name: 'observed', until: observed }],
  },
  {
    name: 'a HorizontalPodAutoscaler',
    path: '/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers',
    object: {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web' },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'absent' } },
    },
    moments: [{ name: 'without its target', until: hasCondition('AbleToScale', 'False') }],
  },
];
