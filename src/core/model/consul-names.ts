import { hashOf, uuidOf } from './hash.ts';
import { type KvKey, kvKey, type NodeName, nodeName, type PoolKey, poolKey, splitPoolKey } from './ids.ts';
import { MANAGED_BY, META } from './marks.ts';
import type { SyntheticNode } from './registration.ts';

/** What tells an instance from every other one, in all clusters on one Consul. */
export interface InstanceIdentity {
  readonly cluster: string;
  readonly namespace: string;
  /** Name of the Kubernetes Service. */
  readonly name: string;
  /** Name or number of the Service's port. */
  readonly port: string | number;
  readonly node: NodeName;
}

/** The check of a synthetic node. Never `serfHealth`: Consul's leader reaps nodes that have it but are unknown to serf. */
export const NODE_CHECK_ID = 'k8s-node';

/**
 * The name of a node or service, or the id of an instance or check, as Consul finds it: without regard to case. What it shows is
 * spelt as its last writer did it. All that we name is in lower case.
 */
export const catalogName = (name: string): string => name.toLowerCase();

/** What the names of all synthetic nodes of a cluster begin with. */
export const consulNodePrefix = (prefix: string, cluster: string): string => `${prefix}${cluster}-`.toLowerCase();

/**
 * The name of the synthetic Consul node of a Kubernetes node. Lower case, since Consul finds names without regard to it.
 * Two clusters can give one name (`a` + `b-c`, `a-b` + `c`); their ids and Meta differ, so the second one is refused.
 */
export const consulNodeName = (prefix: string, cluster: string, node: NodeName): string =>
  `${consulNodePrefix(prefix, cluster)}${node}`.toLowerCase();

/** The Kubernetes node that a Consul node of this name would stand for; undefined when the name does not begin like ours. */
export function nodeOfConsulNode(prefix: string, cluster: string, name: string): NodeName | undefined {
  const start = consulNodePrefix(prefix, cluster);
  return name.toLowerCase().startsWith(start) ? nodeName(name.toLowerCase().slice(start.length)) : undefined;
}

/** The default of `consul.nodePrefix`. */
const NODE_PREFIX = 'k8s-';

/**
 * The id of a synthetic node: a UUID that belongs to (cluster, node) for ever. Under another prefix it is another node: Consul renames
 * a node whose id comes with a new name, and deletes all that stood on it.
 */
export const consulNodeId = (prefix: string, cluster: string, node: NodeName): string =>
  uuidOf(prefix.toLowerCase() === NODE_PREFIX ? [cluster, node] : [cluster, node, prefix.toLowerCase()]);

/**
 * The id of an instance: the Consul service name and a hash of what the instance is. Joined names would be ambiguous
 * (prod/web-api and prod-web/api), and the second registration would silently replace the first.
 */
export function instanceId(service: string, identity: InstanceIdentity): string {
  const { cluster, namespace, name, port, node } = identity;
  return `${service}-${hashOf([cluster, namespace, name, String(port), node])}`;
}

/** The checks of a pool: the one whose Notes change with it, and those on each instance that tell its health. */
const POOL_CHECKS = ['pool', 'endpoints', 'esm'] as const;
export type PoolCheckKind = (typeof POOL_CHECKS)[number];

/** The id of a check of a pool. Kubernetes names hold no colon, so two pools never share one. */
export function poolCheckId(pool: PoolKey, kind: PoolCheckKind = 'pool'): string {
  const { namespace, name } = splitPoolKey(pool);
  return `${kind}:${namespace}:${name}`;
}

/** The ids of all checks that a pool may have. */
export const poolCheckIds = (pool: PoolKey): readonly string[] => POOL_CHECKS.map((kind) => poolCheckId(pool, kind));

/** Which check of the pool this is; undefined for a check that is none of ours, such as a maintenance check. */
export const poolCheckKind = (pool: PoolKey, checkId: string): PoolCheckKind | undefined =>
  POOL_CHECKS.find((kind) => checkId === poolCheckId(pool, kind));

/** The Flags of our KV entries: says who wrote them. 52 bits, for Consul's unsigned 64 bits do not survive JSON numbers. */
export const kvFlags = (owner: string, cluster: string): number => Number.parseInt(hashOf([owner, cluster], 13), 16) || 1;

/** The Meta that makes a Consul node or instance ours. */
export const ownMeta = (owner: string, cluster: string): Readonly<Record<string, string>> => ({
  [META.managedBy]: MANAGED_BY,
  [META.owner]: owner,
  [META.cluster]: cluster,
});

/** Whether Meta names our owner and cluster. */
export function isOwnMeta(meta: Readonly<Record<string, string>>, owner: string, cluster: string): boolean {
  return meta[META.managedBy] === MANAGED_BY && meta[META.owner] === owner && meta[META.cluster] === cluster;
}

/** Whether Meta names somebody else. What somebody has edited without its Meta names nobody. */
export function namesAnother(meta: Readonly<Record<string, string>>, owner: string, cluster: string): boolean {
  return Object.entries(ownMeta(owner, cluster)).some(([key, value]) => (meta[key] ?? value) !== value);
}

/** Where the ancestor's layout keeps Services; nothing but `<namespace>/<name>` may stand under it. */
export const deploymentsPrefix = (keyPath: string): KvKey => kvKey(`${keyPath}/deployments/`);

/** The KV entry of a pool: its Service object. */
export const deploymentsKey = (keyPath: string, pool: PoolKey): KvKey => kvKey(`${deploymentsPrefix(keyPath)}${pool}`);

/** Where the ancestor's layout keeps what was wanted and what was deployed of each pool, with a short history. */
export const specificationsPrefix = (keyPath: string): KvKey => kvKey(`${keyPath}/specifications/`);

/** The pool of a key `specifications/<namespace>/<name>/<entry>`; undefined for any other key. */
export function poolOfSpecification(keyPath: string, key: string): PoolKey | undefined {
  const prefix = specificationsPrefix(keyPath);
  if (!key.startsWith(prefix)) return undefined;
  const [namespace = '', name = '', entry = '', ...rest] = key.slice(prefix.length).split('/');
  return namespace === '' || name === '' || entry === '' || rest.length > 0 ? undefined : poolKey(namespace, name);
}

/** Where everything stands that we keep for ourselves. */
export const ownPrefix = (keyPath: string, cluster: string): KvKey => kvKey(`${keyPath}/.poolkeeper/${cluster}/`);

/** Where it is remembered which NodePorts drain, a key for each pool. */
export const drainingPrefix = (keyPath: string, cluster: string): KvKey => kvKey(`${ownPrefix(keyPath, cluster)}draining/`);
export const drainingKey = (keyPath: string, cluster: string, pool: PoolKey): KvKey => kvKey(`${drainingPrefix(keyPath, cluster)}${pool}`);

/** Where it is remembered which pools go from agents to the catalog, a key for each pool. */
export const migratingPrefix = (keyPath: string, cluster: string): KvKey => kvKey(`${ownPrefix(keyPath, cluster)}migrating/`);
export const migratingKey = (keyPath: string, cluster: string, pool: PoolKey): KvKey =>
  kvKey(`${migratingPrefix(keyPath, cluster)}${pool}`);

/** What must outlive a run. */
export const memoryKey = (keyPath: string, cluster: string): KvKey => kvKey(`${ownPrefix(keyPath, cluster)}memory`);

/** The lock of the leader: operation 0 of every transaction checks it. */
export const leaderKey = (keyPath: string, cluster: string): KvKey => kvKey(`${ownPrefix(keyPath, cluster)}leader`);

/** The key that must be readable for a KV read to count. */
export const canaryKey = (keyPath: string, cluster: string): KvKey => kvKey(`${ownPrefix(keyPath, cluster)}canary`);

/** The node that must be readable for a catalog read to count. No Kubernetes node has this name: theirs cannot begin with a hyphen. */
export const canaryNodeName = (prefix: string, cluster: string): string => `${consulNodePrefix(prefix, cluster)}${CANARY}`;
const CANARY = '-canary';

/**
 * Whether a node of ours was made while `consul.nodePrefix` was another one: its id is a hash of prefix, cluster and node, so nobody
 * else has it by chance.
 */
export function isOfOtherPrefix({ name, id, meta }: Pick<SyntheticNode, 'name' | 'id' | 'meta'>, prefix: string, cluster: string): boolean {
  const node = nodeName(meta[META.node] ?? CANARY);
  const end = consulNodePrefix('', cluster) + node.toLowerCase();
  if (!name.endsWith(end)) return false;
  // A name under `k8s-prod-` begins like one under `k8s-` of the cluster prod: which it is, its id tells.
  const other = name.slice(0, -end.length);
  return other !== prefix.toLowerCase() && id === consulNodeId(other, cluster, node);
}

/** The Consul service that must be readable for a catalog read to count. */
export const canaryServiceName = (cluster: string): string => `poolkeeper-${cluster}`;

/** The pool that an entry under `deployments/`, `draining/` or `specifications/` speaks of; undefined for any other key. */
export function poolOfKey(keyPath: string, cluster: string, key: KvKey): PoolKey | undefined {
  for (const prefix of [deploymentsPrefix(keyPath), `${ownPrefix(keyPath, cluster)}draining/`]) {
    if (!key.startsWith(prefix)) continue;
    const [namespace = '', name = '', ...rest] = key.slice(prefix.length).split('/');
    return namespace === '' || name === '' || rest.length > 0 ? undefined : poolKey(namespace, name);
  }
  return poolOfSpecification(keyPath, key);
}
