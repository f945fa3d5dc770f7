/** The label and annotation keys that poolkeeper writes and reads, and the marks of ownership in Consul. */
export const MARKS = {
  /** Label on every object we apply: the configured owner. */
  ownerLabel: 'poolkeeper.dev/owner',
  /** Annotation: `owner/group/kind/namespace/name` of this very object; a copy carries its original's. */
  id: 'poolkeeper.dev/id',
  /** Annotation: the spec file that holds the object. */
  spec: 'poolkeeper.dev/spec',
  /** Annotation: hash of the desired object. */
  hash: 'poolkeeper.dev/hash',
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

/** The settings a Service may carry as annotations (design section 4). */
export const SETTINGS = {
  register: 'poolkeeper.dev/register',
  port: 'poolkeeper.dev/port',
  serviceName: 'poolkeeper.dev/service-name',
  nodes: 'poolkeeper.dev/nodes',
  minBackends: 'poolkeeper.dev/min-backends',
  drainSeconds: 'poolkeeper.dev/drain-seconds',
  health: 'poolkeeper.dev/health',
  probePath: 'poolkeeper.dev/probe-path',
  probeCodes: 'poolkeeper.dev/probe-codes',
  adopt: 'poolkeeper.dev/adopt',
  recreate: 'poolkeeper.dev/recreate',
  /** On any object: objects of lower waves are applied, and healthy, before those of higher ones. Default 0. */
  wave: 'poolkeeper.dev/wave',
  /** On any object: "false" keeps it in the cluster when it leaves Git, "true" lets go of kinds that stay otherwise. */
  prune: 'poolkeeper.dev/prune',
  /** On any object: comma list of spec files that must be in step and healthy before anything of this spec is applied. */
  dependsOn: 'poolkeeper.dev/depends-on',
  tags: 'poolkeeper.dev/tags',
} as const;

/** The prefix of all our annotations: anything else under it is a mistake of the writer. */
export const ANNOTATION_PREFIX = 'poolkeeper.dev/';

/** The field manager of our server-side applies. */
export const fieldManager = (owner: string): string => `poolkeeper-${owner}`;

/** Meta keys on Consul nodes and instances. */
export const META = {
  managedBy: 'managed-by',
  owner: 'owner',
  cluster: 'cluster',
  node: 'k8s-node',
  namespace: 'namespace',
  name: 'name',
  spec: 'spec',
  hash: 'hash',
  externalNode: 'external-node',
  /** `true`: the Consul service may have instances of other clusters that say so too. */
  shared: 'shared',
  /** On the canary node: where the keys stand. */
  keyPath: 'key-path',
  /** On the canary node: the UID of the Kubernetes cluster's namespace kube-system. */
  clusterUid: 'cluster-uid',
} as const;

/** The value of `managed-by` on everything of ours in Consul. */
export const MANAGED_BY = 'poolkeeper';
