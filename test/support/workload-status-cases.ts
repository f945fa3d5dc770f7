import {
  hasCondition,
  MISSING,
  NEVER_READY,
  type PodShape,
  quota,
  type StatusCase,
  type StatusMoment,
  selector,
  template,
  when,
} from './status-case.ts';

const deployment = (
  name: string,
  pod: PodShape,
  moments: readonly StatusMoment[],
  spec: Readonly<Record<string, unknown>> = {},
): StatusCase => ({
  name,
  path: '/apis/apps/v1/namespaces/NS/deployments',
  object: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector, template: template(pod), ...spec },
  },
  moments,
});
const changed = (pod: PodShape): unknown => ({ spec: { template: template(pod) } });
const complete = when({ updatedReplicas: 2, replicas: 2, availableReplicas: 2 });

const deployments: readonly StatusCase[] = [
  deployment('a Deployment', {}, [
    { name: 'just made' },
    { name: 'complete', until: complete },
    { name: 'just changed to an image that cannot be pulled', patch: changed({ image: MISSING }) },
    { name: 'stuck half-way', until: when({ updatedReplicas: 1, replicas: 3, unavailableReplicas: 1 }) },
    { name: 'just changed back', patch: changed({}) },
    { name: 'complete again', until: complete },
    { name: 'scaled to 0', patch: { spec: { replicas: 0 } }, until: when({ replicas: 0 }) },
    {
      name: 'paused and changed',
      patch: { spec: { replicas: 2, paused: true, template: template({ image: 'other' }) } },
      until: when({ availableReplicas: 2 }),
    },
    { name: 'going on', patch: { spec: { paused: false } }, until: complete },
    {
      name: 'being deleted',
      patch: { metadata: { finalizers: ['example.com/hold'] } },
      remove: true,
      until: ({ metadata }) => metadata.deletionTimestamp !== undefined,
    },
  ]),
  deployment('a Deployment whose image cannot be pulled', { image: MISSING }, [
    { name: 'before its deadline', until: when({ replicas: 2 }) },
  ]),
  deployment(
    'a Deployment with a short deadline',
    { image: MISSING },
    [
      { name: 'after it', until: hasCondition('Progressing', 'ProgressDeadlineExceeded') },
      { name: 'mended', patch: changed({}), until: complete },
    ],
    { progressDeadlineSeconds: 1 },
  ),
  {
    ...deployment('a Deployment beyond a quota', {}, [{ name: 'refused', until: hasCondition('ReplicaFailure', 'True') }]),
    before: [quota],
  },
  deployment('a Deployment whose pods run and do not get ready', { annotations: NEVER_READY }, [
    { name: 'for now', until: when({ replicas: 2 }) },
  ]),
  deployment('a Deployment that fits no node', { nodeSelector: { disk: 'none' } }, [{ name: 'for now', until: when({ replicas: 2 }) }]),
  deployment('a Deployment with minReadySeconds', {}, [{ name: 'ready, not yet available', until: when({ readyReplicas: 2 }) }], {
    minReadySeconds: 300,
  }),
  deployment('a Deployment made paused', {}, [{ name: 'for now', until: when({}) }], { paused: true }),
];

const statefulSet = (name: string, pod: PodShape, moments: readonly StatusMoment[], updateStrategy?: unknown): StatusCase => ({
  name,
  path: '/apis/apps/v1/namespaces/NS/statefulsets',
  object: {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas: 2,
      serviceName: 'db',
      selector,
      template: template(pod),
      ...(updateStrategy === undefined ? {} : { updateStrategy }),
    },
  },
  moments,
});
const ready = when({ readyReplicas: 2, updatedReplicas: 2 });

const statefulSets: readonly StatusCase[] = [
  statefulSet('a StatefulSet', {}, [
    { name: 'just made' },
    { name: 'complete', until: ready },
    { name: 'stuck half-way', patch: changed({ image: MISSING }), until: when({ updatedReplicas: 1, readyReplicas: 1 }) },
    { name: 'scaled to 0', patch: { spec: { replicas: 0 } }, until: when({ replicas: 0 }) },
  ]),
  statefulSet('a StatefulSet whose first pod does not get ready', { annotations: NEVER_READY }, [
    { name: 'for now', until: when({ replicas: 1 }) },
  ]),
  statefulSet(
    'a StatefulSet with a partition',
    {},
    [
      { name: 'complete', until: ready },
      { name: 'updated above it', patch: changed({ image: 'other' }), until: when({ updatedReplicas: 1, readyReplicas: 2 }) },
    ],
    { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
  ),
  statefulSet(
    'a StatefulSet updated by hand',
    {},
    [
      { name: 'complete', until: ready },
      { name: 'changed', patch: changed({ image: 'other' }), until: when({ updatedReplicas: 0, readyReplicas: 2 }) },
    ],
    { type: 'OnDelete' },
  ),
];

const daemonSet = (name: string, pod: PodShape, moments: readonly StatusMoment[], updateStrategy?: unknown): StatusCase => ({
  name,
  path: '/apis/apps/v1/namespaces/NS/daemonsets',
  object: {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector, template: template(pod), ...(updateStrategy === undefined ? {} : { updateStrategy }) },
  },
  moments,
});
const everywhere = when({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 });

const daemonSets: readonly StatusCase[] = [
  daemonSet('a DaemonSet', {}, [
    { name: 'just made' },
    { name: 'complete', until: everywhere },
    { name: 'stuck half-way', patch: changed({ image: MISSING }), until: when({ updatedNumberScheduled: 1, numberAvailable: 1 }) },
  ]),
  daemonSet('a DaemonSet whose pods do not get ready', { annotations: NEVER_READY }, [
    { name: 'for now', until: when({ updatedNumberScheduled: 2 }) },
  ]),
  daemonSet('a DaemonSet for no node', { nodeSelector: { disk: 'none' } }, [{ name: 'at once', until: when({}) }]),
  daemonSet(
    'a DaemonSet updated by hand',
    {},
    [
      { name: 'complete', until: everywhere },
      { name: 'changed', patch: changed({ image: 'other' }), until: when({ updatedNumberScheduled: 0, numberAvailable: 2 }) },
    ],
    { type: 'OnDelete' },
  ),
];

/** The workloads that are rolled out. */
export const WORKLOAD_STATUS_CASES: readonly StatusCase[] = [...deployments, ...statefulSets, ...daemonSets];
