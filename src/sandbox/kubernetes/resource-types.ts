/** One kind that the sandbox serves. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural name in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
}

const type = (group: string, resource: string, kind: string, { namespaced = true, hasStatus = false } = {}): ResourceType => ({
  group,
  resource,
  kind,
  namespaced,
  hasStatus,
});

/** Every kind that is served, all in version v1. Another kind gets 404. */
export const resourceTypes: readonly ResourceType[] = [
  type('', 'configmaps', 'ConfigMap'),
  type('', 'namespaces', 'Namespace', { namespaced: false, hasStatus: true }),
  type('', 'nodes', 'Node', { namespaced: false, hasStatus: true }),
  type('', 'pods', 'Pod', { hasStatus: true }),
  type('', 'secrets', 'Secret'),
  type('', 'services', 'Service', { hasStatus: true }),
  type('apps', 'deployments', 'Deployment', { hasStatus: true }),
  type('coordination.k8s.io', 'leases', 'Lease'),
  type('discovery.k8s.io', 'endpointslices', 'EndpointSlice'),
];

/** `apps/v1`, or `v1` for the core group. */
export const apiVersionOf = ({ group }: ResourceType): string => (group === '' ? 'v1' : `${group}/v1`);

/** The type with this plural name; a caller's mistake throws. */
export function resourceType(resource: string): ResourceType {
  const found = resourceTypes.find((known) => known.resource === resource);
  if (found === undefined) throw new Error(`the sandbox has no resource ${resource}`);
  return found;
}
