import type { NodeAction } from '../model/action.ts';
import { consulNodeId, consulNodeName, isOfOtherPrefix, NODE_CHECK_ID, nodeOfConsulNode } from '../model/consul-names.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import { MANAGED_BY, META } from '../model/marks.ts';
import type { NodeFacts } from '../model/nodes.ts';
import type { RegisteredNode, SyntheticNode } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { PlanContext } from './context.ts';
import { addressed } from './registrars.ts';

/**
 * Plans the synthetic Consul nodes, before any pool: every node that is a backend somewhere stands in Consul with its address
 * and a passing check; one that every pool lets go turns critical first, which drains it from all of them in one operation;
 * one whose Kubernetes node is gone (or that agents stand for, mode `kv`) is deleted when no instance stands on it any more, and so is
 * one of another prefix.
 */
export function planNodes(context: PlanContext): readonly NodeAction[] {
  const { registry, policy } = context;
  if (registry === undefined) return [];
  const backends = backendsByNode(context);
  const facts = new Map((snapshotValue(context.world.cluster.nodes) ?? []).map((node) => [node.name, node]));
  const actions: NodeAction[] = [];
  for (const name of [...new Set([...backends.keys(), ...registeredNodes(context)])].sort(byBytes)) {
    const address = backends.get(name);
    const consulNode = consulNodeName(policy.nodePrefix, policy.cluster, name);
    const present = registry.nodes.get(consulNode);
    if (present !== undefined && !present.ours) continue;
    const action =
      address === undefined ? leaveNode({ name, consulNode, present, facts: facts.get(name) }, context) : enterNode(name, address, context);
    if (action !== undefined) actions.push(action);
  }
  return [...actions, ...dropRenamed(context)];
}

/** Once nothing stands on them any more, the nodes go that have another prefix than the one that is configured now. */
function dropRenamed({ registry, policy, removalBar }: PlanContext): readonly NodeAction[] {
  const left = [...(registry?.nodes.values() ?? [])].filter((one) => one.ours && isOfOtherPrefix(one, policy.nodePrefix, policy.cluster));
  if (left.length === 0 || removalBar !== undefined) return [];
  const used = new Set([...(registry?.instances.values() ?? [])].flatMap((list) => list.map(({ consulNode }) => consulNode)));
  const empty = left.filter(({ name }) => !used.has(name)).sort((a, b) => byBytes(a.name, b.name));
  return empty.map(({ name, modifyIndex }) => ({ kind: 'delete-node', name, modifyIndex }));
}

/** Every node that is a backend of some pool with a NodePort, with its address. */
function backendsByNode(context: PlanContext): ReadonlyMap<NodeName, string> {
  const result = new Map<NodeName, string>();
  for (const [pool, decision] of context.decisions) {
    if (!entersConsul(pool, context)) continue;
    for (const { node, address } of addressed(decision.backends)) result.set(node, address);
  }
  return result;
}

function entersConsul(pool: PoolKey, context: PlanContext): boolean {
  const view = context.views.get(pool);
  if (view?.nodePort === undefined) return false;
  // What is in the catalog follows its nodes until it leaves, also where agents are to register it.
  if (view.leaving !== undefined || context.policy.registration === 'kv') return context.registry?.instances.has(pool) === true;
  return true;
}

function registeredNodes(context: PlanContext): readonly NodeName[] {
  return [...(context.registry?.nodes.values() ?? [])].flatMap((node) => nodeBehind(node, context) ?? []);
}

/** The Kubernetes node that a node of ours stands for, also when its Meta no longer says so; of one with another prefix nothing is known. */
function nodeBehind(node: RegisteredNode, { policy }: PlanContext): NodeName | undefined {
  if (!node.ours || isOfOtherPrefix(node, policy.nodePrefix, policy.cluster)) return undefined;
  return nodeOfConsulNode(policy.nodePrefix, policy.cluster, node.name);
}

/** What should stand for a node. An id that it has already stays: Consul gives its name to no other one. */
function syntheticNode(name: NodeName, address: string, { policy, registry }: PlanContext): SyntheticNode {
  const consulNode = consulNodeName(policy.nodePrefix, policy.cluster, name);
  const { id } = registry?.nodes.get(consulNode) ?? { id: '' };
  return {
    name: consulNode,
    id: id === '' ? consulNodeId(policy.nodePrefix, policy.cluster, name) : id,
    address,
    meta: {
      [META.externalNode]: 'true',
      [META.managedBy]: MANAGED_BY,
      [META.owner]: policy.owner,
      [META.cluster]: policy.cluster,
      [META.node]: name,
    },
  };
}

function enterNode(name: NodeName, address: string, context: PlanContext): NodeAction | undefined {
  const node = syntheticNode(name, address, context);
  const present = context.registry?.nodes.get(node.name);
  const check = context.registry?.checks.get(`${node.name}/${NODE_CHECK_ID}`);
  const sameNode = present !== undefined && present.id === node.id && present.address === address && sameMeta(present.meta, node.meta);
  const sameCheck = check?.status === 'passing' && check.instanceId === '';
  if (sameNode && sameCheck) return undefined;
  return {
    kind: 'ensure-node',
    node,
    status: 'passing',
    why: present === undefined ? 'the node becomes a backend' : 'the node is a backend again, or its address changed',
    ...(sameNode ? {} : { nodeIndex: present?.modifyIndex ?? 0 }),
    ...(sameCheck ? {} : { checkIndex: check?.modifyIndex ?? 0 }),
  };
}

const sameMeta = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(b).every((key) => a[key] === b[key]);

interface LeavingNode {
  readonly name: NodeName;
  readonly consulNode: string;
  readonly present: RegisteredNode | undefined;
  readonly facts: NodeFacts | undefined;
}

function leaveNode({ name, consulNode, present, facts }: LeavingNode, context: PlanContext): NodeAction | undefined {
  if (present === undefined || snapshotValue(context.world.cluster.nodes) === undefined) return undefined;
  const used = [...(context.registry?.instances.values() ?? [])].some((list) => list.some((i) => i.consulNode === consulNode));
  const needed = facts !== undefined && context.policy.registration !== 'kv';
  if (!used && !needed && context.removalBar === undefined) {
    return { kind: 'delete-node', name: consulNode, modifyIndex: present.modifyIndex };
  }
  if (!used) return undefined;
  const node = syntheticNode(name, present.address, context);
  const check = context.registry?.checks.get(`${consulNode}/${NODE_CHECK_ID}`);
  const isDrained = check?.status === 'critical' && check.instanceId === '';
  const drains = !isDrained && !heldByPool(name, consulNode, context);
  // Once nothing of ours stands on it, only its marks tell whose it is.
  const isMarked = present.id === node.id && sameMeta(present.meta, node.meta);
  if (!drains && isMarked) return undefined;
  return {
    kind: 'ensure-node',
    node,
    status: drains ? 'critical' : (check?.status ?? 'passing'),
    why: drains ? 'every pool lets the node go' : 'somebody has wiped its marks',
    ...(isMarked ? {} : { nodeIndex: present.modifyIndex }),
    ...(drains ? { checkIndex: check?.modifyIndex ?? 0 } : {}),
  };
}

/**
 * True when the pool would have too few registered backends without the node: those that come in its place are not in Consul
 * yet. Then the pool's own transaction swaps them, and no reader sees it empty.
 */
function staysBelowFloor(name: NodeName, pool: PoolKey, decision: PoolDecision, { registry, views, policy }: PlanContext): boolean {
  const staying = new Set(decision.backends.map((backend) => backend.node));
  const left = (registry?.instances.get(pool) ?? []).filter((instance) => instance.node !== name && staying.has(instance.node)).length;
  return left < Math.max(1, views.get(pool)?.settings.minBackends ?? policy.pool.minBackends);
}

/** True while a registered pool that cannot be decided now (its Service is unknown or leaving) still stands on the node. */
function heldByPool(name: NodeName, consulNode: string, context: PlanContext): boolean {
  for (const [pool, instances] of context.registry?.instances ?? []) {
    if (!instances.some((instance) => instance.consulNode === consulNode)) continue;
    const decision = context.decisions.get(pool);
    if (decision !== undefined && staysBelowFloor(name, pool, decision, context)) return true;
    if (decision === undefined || !entersConsul(pool, context)) return true;
  }
  return false;
}
