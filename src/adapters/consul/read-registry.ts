import {
  canaryKey,
  canaryNodeName,
  canaryServiceName,
  consulNodePrefix,
  deploymentsPrefix,
  isOwnMeta,
  leaderKey,
  ownMeta,
  ownPrefix,
} from '../../core/model/consul-names.ts';
import { nodeName, type PoolKey, poolKey } from '../../core/model/ids.ts';
import { META } from '../../core/model/marks.ts';
import type { KvEntry, RegisteredInstance, RegisteredNode, RegistryState } from '../../core/model/registration.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import type { CatalogCheck, CatalogInstance, CatalogNode, KeyValue } from './decode-answer.ts';
import { checkKey, sortInstances } from './fold-writes.ts';
import { mapLimited } from './map-limited.ts';
import { readSpecifications, type SpecificationReading } from './read-specifications.ts';

/** Who we are in Consul. */
export interface RegistryIdentity {
  readonly owner: string;
  readonly cluster: string;
  /** Where our KV entries stand, without slashes at its ends. */
  readonly keyPath: string;
  /** What the names of synthetic nodes begin with, before the cluster. */
  readonly nodePrefix: string;
}

/** The three things of ours that must be readable for a reading to count. */
export type Canary = 'key' | 'node' | 'instance';

/** One full reading of Consul. */
export interface RegistryReading {
  readonly state: Omit<RegistryState, 'limits' | 'fresh'>;
  /** Canaries that were not there, or not shown to us. */
  readonly missing: ReadonlySet<Canary>;
  /** True when a node has the canary's name but not our marks. */
  readonly canaryTaken: boolean;
  /** Nodes of ours that hold instances of others: deleting the node would take those along. */
  readonly sharedNodes: ReadonlySet<string>;
  /** The highest index seen, for Snapshot.index. */
  readonly index: number;
  readonly instances: InstanceReading;
  readonly specifications: SpecificationReading;
}

/** The instances on our nodes, and the index of all services that they were read at. */
export interface InstanceReading {
  readonly servicesIndex: number;
  readonly byNode: ReadonlyMap<string, readonly CatalogInstance[]>;
}

/** What is read, and what is known of it already. */
export interface RegistryRequest {
  readonly client: ConsulClient;
  readonly identity: RegistryIdentity;
  readonly previous?: InstanceReading;
  readonly specifications?: SpecificationReading;
  /** True when this replica may write. */
  readonly leads?: boolean;
}

/** Nodes read at the same time. */
const PARALLEL_NODES = 8;

/** What tells our nodes from all others, as `node-meta` pairs. */
export const ownNodeMeta = ({ owner, cluster }: RegistryIdentity): readonly string[] =>
  Object.entries(ownMeta(owner, cluster)).map(([key, value]) => `${key}:${value}`);

/** The filter (`and` before `or`) for our nodes and for those of others whose names begin like ours. */
export function nodeFilter({ owner, cluster, nodePrefix }: RegistryIdentity): string {
  const marks = Object.entries(ownMeta(owner, cluster)).map(([key, value]) => `Meta["${key}"] == "${value}"`);
  const prefix = consulNodePrefix(nodePrefix, cluster).replaceAll('.', '[.]');
  return `${marks.join(' and ')} or Node matches "^${prefix}"`;
}

/**
 * Reads all that is ours in Consul, and what stands in our way, by consistent reads. Throws when any part fails, or when Consul
 * says that it left something out. `previous` spares reading each node again while no service of the catalog has changed,
 * `specifications` the same of that tree; with `leads` false it is taken as it was, for nothing is written on its word.
 */
export async function readRegistry(request: RegistryRequest, signal: AbortSignal): Promise<RegistryReading> {
  const { client, identity, previous } = request;
  const { keyPath, cluster } = identity;
  const [nodes, services, checks, deployments, own, specifications] = await Promise.all([
    client.listNodes(nodeFilter(identity), signal),
    client.listServices({}, signal),
    client.listChecks({ nodeMeta: ownNodeMeta(identity) }, signal),
    client.readTree(deploymentsPrefix(keyPath), signal),
    client.readTree(ownPrefix(keyPath, cluster), signal),
    readSpecificationsOnce(request, signal),
  ]);
  const answers: readonly Answer<unknown>[] = [nodes, services, checks, deployments, own];
  refuseFiltered(answers);
  const ours = nodes.value.filter((node) => isOwnMeta(node.meta, identity.owner, identity.cluster)).map((node) => node.name);
  const known = previous?.servicesIndex === services.index ? previous.byNode : new Map<string, readonly CatalogInstance[]>();
  const read = await mapLimited(ours, PARALLEL_NODES, async (name) => {
    const instances = known.get(name) ?? (await readInstances(client, name, signal));
    return [name, instances] as const;
  });
  const instances = { servicesIndex: services.index, byNode: new Map(read) };
  const kv = [...[...deployments.value, ...own.value].map(kvEntry), ...specifications.entries.values()];
  const parts = { nodes: nodes.value, services: services.value, checks: checks.value, kv };
  const index = Math.max(specifications.index, ...answers.map((answer) => answer.index));
  return { ...assemble(parts, instances.byNode, identity), index, instances, specifications };
}

async function readSpecificationsOnce(request: RegistryRequest, signal: AbortSignal): Promise<SpecificationReading> {
  const { client, identity, specifications: previous, leads } = request;
  if (leads !== true && previous !== undefined) return previous;
  return readSpecifications({ client, keyPath: identity.keyPath, previous, refuseFiltered }, signal);
}

async function readInstances(client: ConsulClient, node: string, signal: AbortSignal): Promise<readonly CatalogInstance[]> {
  const answer = await client.listInstances(node, signal);
  refuseFiltered([answer]);
  // Deleted since the nodes were listed: the next reading shows it.
  return answer.value ?? [];
}

function refuseFiltered(answers: readonly Answer<unknown>[]): void {
  if (answers.some(({ filtered }) => filtered)) {
    throw new AppError(problem('CONSUL_FILTERED', 'Consul left out what the token may not see'));
  }
}

interface Parts {
  readonly nodes: readonly CatalogNode[];
  readonly services: readonly string[];
  readonly checks: readonly CatalogCheck[];
  readonly kv: readonly KvEntry[];
}

type Assembled = Pick<RegistryReading, 'state' | 'missing' | 'canaryTaken' | 'sharedNodes'>;

function assemble(parts: Parts, byNode: InstanceReading['byNode'], identity: RegistryIdentity): Assembled {
  const { nodePrefix, cluster, keyPath } = identity;
  const canaryNode = canaryNodeName(nodePrefix, cluster);
  const canaryService = canaryServiceName(cluster);
  const instances = new Map<PoolKey, RegisteredInstance[]>();
  const held = new Set([canaryService]);
  const sharedNodes = new Set<string>();
  const kubernetesNodes = new Map(parts.nodes.map(({ name, meta }) => [name, meta[META.node] ?? '']));
  for (const [node, found] of byNode) {
    for (const instance of found) {
      const registered = registeredInstance(instance, kubernetesNodes.get(node) ?? '', identity);
      if (registered === undefined) {
        if (node !== canaryNode) sharedNodes.add(node);
        continue;
      }
      held.add(registered.service);
      instances.set(registered.pool, [...(instances.get(registered.pool) ?? []), registered]);
    }
  }
  const canary = parts.nodes.find((node) => node.name === canaryNode);
  const kv = new Map(parts.kv.map((entry) => [entry.key, entry]));
  const missing = missingCanaries(kv.get(canaryKey(keyPath, cluster)), byNode.get(canaryNode), cluster);
  // The leader key belongs to the lease and the canary to this adapter; nothing is planned on them.
  for (const key of [leaderKey(keyPath, cluster), canaryKey(keyPath, cluster)]) kv.delete(key);
  return {
    state: {
      nodes: new Map(parts.nodes.filter((node) => node !== canary).map((node) => [node.name, registeredNode(node, identity)])),
      instances: new Map([...instances].map(([pool, list]) => [pool, sortInstances(list)])),
      checks: new Map(parts.checks.filter((check) => check.consulNode !== canaryNode).map((check) => [checkKey(check), check])),
      foreignServices: new Set(parts.services.filter((name) => !held.has(name))),
      kv,
    },
    missing,
    canaryTaken: canary !== undefined && !isOwnMeta(canary.meta, identity.owner, cluster),
    sharedNodes,
  };
}

function missingCanaries(key: KvEntry | undefined, onNode: readonly CatalogInstance[] | undefined, cluster: string): ReadonlySet<Canary> {
  const missing = new Set<Canary>();
  if (key === undefined) missing.add('key');
  if (onNode === undefined) missing.add('node');
  if (onNode?.some(({ service }) => service === canaryServiceName(cluster)) !== true) missing.add('instance');
  return missing;
}

const registeredNode = (node: CatalogNode, { owner, cluster }: RegistryIdentity): RegisteredNode => ({
  ...node,
  ours: isOwnMeta(node.meta, owner, cluster),
});

/** Undefined for an instance that does not say that it is ours, or of which pool. */
function registeredInstance(instance: CatalogInstance, node: string, { owner, cluster }: RegistryIdentity): RegisteredInstance | undefined {
  const { [META.namespace]: namespace = '', [META.name]: name = '' } = instance.meta;
  const ours = instance.meta[META.owner] === owner && instance.meta[META.cluster] === cluster;
  if (!ours || namespace === '' || name === '') return undefined;
  return { ...instance, node: nodeName(instance.meta[META.node] ?? node), pool: poolKey(namespace, name) };
}

const kvEntry = ({ key, value, flags, modifyIndex }: KeyValue): KvEntry => ({ key, value, flags, modifyIndex });
