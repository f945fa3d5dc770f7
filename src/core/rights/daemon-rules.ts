import { byBytes } from '../model/ids.ts';
import { fieldManager } from '../model/marks.ts';
import type { RbacRule, ResourceName, Verb } from './rbac-rule.ts';

/** What decides which rights a daemon needs. */
export interface RightsInput {
  readonly owner: string;
  /** `kubernetes.createNamespaces`. */
  readonly createNamespaces: boolean;
  /** `drain.api`. */
  readonly drainApi: boolean;
  /** The resources of every kind that specs hold. */
  readonly resources: Iterable<ResourceName>;
}

/** The rights of a daemon: those for the whole cluster, and those in the namespace of its Lease. */
export interface DaemonRights {
  readonly cluster: readonly RbacRule[];
  readonly lease: readonly RbacRule[];
}

const NODES: ResourceName = { group: '', plural: 'nodes' };
/** Which nodes can be backends, where the pods of a Service are ready, which Services there are, why a rollout stands still. */
const ALWAYS_WATCHED: readonly ResourceName[] = [
  NODES,
  { group: '', plural: 'pods' },
  { group: '', plural: 'services' },
  { group: 'discovery.k8s.io', plural: 'endpointslices' },
];
const NAMESPACES: ResourceName = { group: '', plural: 'namespaces' };

const WATCH: readonly Verb[] = ['list', 'watch'];
/** patch: one annotation of a node, for who asks for a drain. */
const MARK: readonly Verb[] = [...WATCH, 'patch'];
/** get: of strangers in the way. create: a server-side apply (patch) that makes an object needs it, too. */
const KEEP: readonly Verb[] = ['get', 'list', 'watch', 'create', 'patch'];
const MANAGE: readonly Verb[] = [...KEEP, 'delete'];

/**
 * The least rights: each verb on each resource is used, and there is no wildcard. RBAC cannot say "only with our label": what
 * is not ours is left alone by the rules of ownership. Namespaces are never deleted.
 */
export function daemonRules({ owner, createNamespaces, drainApi, resources }: RightsInput): DaemonRights {
  const granted = new Map<string, { readonly resource: ResourceName; readonly verbs: readonly Verb[] }>();
  const grant = (resource: ResourceName, verbs: readonly Verb[]): void => {
    const key = `${resource.group}/${resource.plural}`;
    if ((granted.get(key)?.verbs.length ?? 0) < verbs.length) granted.set(key, { resource, verbs });
  };
  for (const resource of ALWAYS_WATCHED) grant(resource, WATCH);
  for (const resource of resources) grant(resource, isNamespaces(resource) ? KEEP : MANAGE);
  if (createNamespaces) grant(NAMESPACES, KEEP);
  if (drainApi) grant(NODES, MARK);
  const seesNamespaces = granted.has(`/${NAMESPACES.plural}`);
  return { cluster: [...(seesNamespaces ? [] : [CLUSTER_UID]), ...joined([...granted.values()])], lease: leaseRules(owner) };
}

const isNamespaces = ({ group, plural }: ResourceName): boolean => group === NAMESPACES.group && plural === NAMESPACES.plural;

/** Its UID tells one cluster from another when both use one Consul. */
const CLUSTER_UID: RbacRule = { apiGroups: [''], resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] };

/** A request to create something does not carry its name where RBAC looks for it, so that right stands by itself. */
function leaseRules(owner: string): readonly RbacRule[] {
  const lease = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    { ...lease, resourceNames: [fieldManager(owner)], verbs: ['get', 'update'] },
    { ...lease, verbs: ['create'] },
  ];
}

/** One rule for the resources of a group that are granted the same verbs, in an order that does not depend on that of the specs. */
function joined(granted: readonly { readonly resource: ResourceName; readonly verbs: readonly Verb[] }[]): readonly RbacRule[] {
  const rules = new Map<string, { readonly group: string; readonly verbs: readonly Verb[]; readonly plurals: string[] }>();
  for (const { resource, verbs } of granted) {
    const key = `${resource.group} ${verbs.length}`;
    const rule = rules.get(key) ?? { group: resource.group, verbs, plurals: [] };
    rule.plurals.push(resource.plural);
    rules.set(key, rule);
  }
  return [...rules.entries()]
    .sort(([a], [b]) => byBytes(a, b))
    .map(([, { group, verbs, plurals }]) => ({ apiGroups: [group], resources: plurals.sort(byBytes), verbs }));
}
