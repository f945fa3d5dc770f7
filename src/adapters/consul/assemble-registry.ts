import {
  canaryKey,
  canaryNodeName,
  canaryServiceName,
  catalogName,
  consulNodeId,
  isOwnMeta,
  leaderKey,
  namesAnother,
  nodeOfConsulNode,
} from '../../core/model/consul-names.ts';
import { nodeName, type PoolKey, poolKey } from '../../core/model/ids.ts';
import { META } from '../../core/model/marks.ts';
import type { KvEntry, RegisteredInstance, RegisteredNode, RegistryState, StrangeInstance } from '../../core/model/registration.ts';
import type { Problem } from '../../shared/problem.ts';
import { clusterOf, isCanaryMeta, whyClash } from './canary-marks.ts';
import type { CatalogCheck, CatalogInstance, CatalogNode } from './decode-answer.ts';
import { checkKey, sortInstances } from './fold-writes.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { sameContent } from './same-content.ts';

/** The three things of ours that must be readable for a reading to count. */
export type Canary = 'key' | 'node' | 'instance';

/** The answers of one reading. */
export interface RegistryParts {
  readonly nodes: readonly CatalogNode[];
  /** What stands on the nodes that are ours or may be. */
  readonly byNode: ReadonlyMap<string, readonly CatalogInstance[]>;
  /** Names of Consul services with an instance that is not ours; all names, from a Consul that does not filter them. */
  readonly services: readonly string[];
  readonly checks: readonly CatalogCheck[];
  readonly kv: readonly KvEntry[];
}

/** What a reading says. */
export interface Assembled {
  readonly state: Omit<RegistryState, 'limits' | 'fresh'>;
  /** Canaries that were not there, or not shown to us (0), and those whose marks somebody has wiped: the index that was read. */
  readonly missing: ReadonlyMap<Canary, number>;
  /** True when a node has the canary's name but is somebody else's. */
  readonly canaryTaken: boolean;
  /** Set when another Kubernetes cluster has our owner and cluster name, or may have. */
  readonly clash: Problem | undefined;
  /** The UID of the Kubernetes cluster that leads under our key path, or led last. */
  readonly clusterUid: string | undefined;
  /** Nodes of ours that hold instances of others: deleting the node would take those along. */
  readonly sharedNodes: ReadonlySet<string>;
}

/** Makes of the answers what is ours, and what stands in our way. Pure. */
export function assembleRegistry(parts: RegistryParts, identity: RegistryIdentity): Assembled {
  const { nodePrefix, cluster, keyPath } = identity;
  const canaryNode = canaryNodeName(nodePrefix, cluster);
  const sorted = sortOut(parts, identity);
  const nodes = parts.nodes.map((node): RegisteredNode => ({ ...node, ours: isOurs(node, parts.byNode.get(node.name) ?? [], identity) }));
  const kv = new Map(parts.kv.map((entry) => [entry.key, entry]));
  const canary = { key: kv.get(canaryKey(keyPath, cluster)), node: nodes.find(({ name }) => name === canaryNode) };
  const clusterUid = clusterOf(kv.get(leaderKey(keyPath, cluster)));
  const missing = missingCanaries({ ...canary, onNode: parts.byNode.get(canaryNode), clusterUid }, identity);
  // The leader key belongs to the lease and the canary to this adapter; nothing is planned on them.
  for (const key of [leaderKey(keyPath, cluster), canaryKey(keyPath, cluster)]) kv.delete(key);
  const checks = parts.checks.filter(({ consulNode }) => consulNode !== canaryNode);
  return {
    state: {
      nodes: new Map(nodes.filter(({ name }) => name !== canaryNode).map((node) => [node.name, node])),
      instances: sorted.instances,
      strangers: sorted.strangers,
      checks: new Map(checks.map((check) => [checkKey(check), check])),
      foreignServices: foreignOf(parts.services, sorted.instances, cluster),
      kv,
    },
    missing,
    canaryTaken: canary.node?.ours === false,
    clash: whyClash(parts.nodes, identity, clusterUid),
    clusterUid,
    sharedNodes: sorted.sharedNodes,
  };
}

/** Whether a node may be ours although its Meta does not say so: it has a name like ours, and names nobody else. */
export const mayBeOurs = (node: CatalogNode, { owner, cluster, nodePrefix }: RegistryIdentity): boolean =>
  nodeOfConsulNode(nodePrefix, cluster, node.name) !== undefined && !namesAnother(node.meta, owner, cluster);

/**
 * Registering anything on a node without its Meta wipes the Meta, and without its id the id as well. What still tells then is
 * the id, or what we have put on a node without one. Under another id it is another node: Consul would not let us have its name.
 */
function isOurs(node: CatalogNode, found: readonly CatalogInstance[], identity: RegistryIdentity): boolean {
  const { owner, cluster, nodePrefix } = identity;
  if (isOwnMeta(node.meta, owner, cluster)) return true;
  const name = nodeOfConsulNode(nodePrefix, cluster, node.name);
  if (name === undefined || !mayBeOurs(node, identity)) return false;
  if (node.id !== '') return node.id === consulNodeId(nodePrefix, cluster, name);
  return found.some(({ meta }) => isOwnMeta(meta, owner, cluster));
}

interface SortedInstances {
  readonly instances: ReadonlyMap<PoolKey, readonly RegisteredInstance[]>;
  readonly strangers: readonly StrangeInstance[];
  readonly sharedNodes: ReadonlySet<string>;
}

function sortOut({ byNode }: RegistryParts, identity: RegistryIdentity): SortedInstances {
  const canaryNode = canaryNodeName(identity.nodePrefix, identity.cluster);
  const instances = new Map<PoolKey, RegisteredInstance[]>();
  const strangers: StrangeInstance[] = [];
  const sharedNodes = new Set<string>();
  for (const [node, found] of byNode) {
    if (node === canaryNode) continue;
    for (const instance of found) {
      const registered = registeredInstance(instance, identity);
      if (registered === undefined) {
        // The canary of another prefix is nobody else's.
        if (instance.service === canaryServiceName(identity.cluster) && isOwnMeta(instance.meta, identity.owner, identity.cluster))
          continue;
        sharedNodes.add(node);
        strangers.push(instance);
        continue;
      }
      const known = instances.get(registered.pool);
      if (known === undefined) instances.set(registered.pool, [registered]);
      else known.push(withTagsOf(known[0], registered));
    }
  }
  return { instances: new Map([...instances].map(([pool, list]) => [pool, sortInstances(list)])), strangers, sharedNodes };
}

/** The instance with the very list of tags of another one of its pool that has the same: they are kept once a pool, not once a node. */
function withTagsOf(other: RegisteredInstance | undefined, instance: RegisteredInstance): RegisteredInstance {
  return other !== undefined && other.tags !== instance.tags && sameContent(other.tags, instance.tags)
    ? { ...instance, tags: other.tags }
    : instance;
}

/** True for one that was known already: see shareInstances. */
const isRegistered = (instance: CatalogInstance): instance is RegisteredInstance => 'pool' in instance;

/** Undefined for an instance that does not say that it is ours, or of which pool. */
function registeredInstance(instance: CatalogInstance, identity: RegistryIdentity): RegisteredInstance | undefined {
  const { owner, cluster, nodePrefix } = identity;
  if (isRegistered(instance)) return instance;
  const { [META.namespace]: namespace = '', [META.name]: name = '', [META.node]: node } = instance.meta;
  if (!isOwnMeta(instance.meta, owner, cluster) || namespace === '' || name === '') return undefined;
  const behind = node === undefined ? nodeOfConsulNode(nodePrefix, cluster, instance.consulNode) : nodeName(node);
  return { ...instance, node: behind ?? nodeName(''), pool: poolKey(namespace, name) };
}

/** A Consul that does not heed the filter shows our own canary among the services of others. */
function foreignOf(services: readonly string[], instances: RegistryState['instances'], cluster: string): ReadonlySet<string> {
  if (!services.includes(canaryServiceName(cluster))) return new Set(services.map(catalogName));
  const held = new Set([canaryServiceName(cluster), ...[...instances.values()].flatMap((list) => list.map(({ service }) => service))]);
  return new Set(services.filter((name) => !held.has(name)).map(catalogName));
}

interface FoundCanaries {
  readonly key: KvEntry | undefined;
  readonly node: RegisteredNode | undefined;
  readonly onNode: readonly CatalogInstance[] | undefined;
  readonly clusterUid: string | undefined;
}

function missingCanaries({ key, node, onNode, clusterUid }: FoundCanaries, identity: RegistryIdentity): ReadonlyMap<Canary, number> {
  const { owner, cluster } = identity;
  const missing = new Map<Canary, number>();
  if (key === undefined) missing.set('key', 0);
  const instance = onNode?.find(({ service }) => service === canaryServiceName(cluster));
  if (node === undefined || onNode === undefined) missing.set('node', 0);
  else {
    const isWhole = isCanaryMeta(node.meta, identity, clusterUid) && node.id !== '';
    if (!isWhole && mayBeOurs(node, identity)) missing.set('node', node.modifyIndex);
  }
  if (instance === undefined) missing.set('instance', 0);
  else if (!isOwnMeta(instance.meta, owner, cluster) && !namesAnother(instance.meta, owner, cluster))
    missing.set('instance', instance.modifyIndex);
  return missing;
}
