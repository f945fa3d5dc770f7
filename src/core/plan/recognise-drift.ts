import type { PoolView } from '../desired/pool-view.ts';
import { catalogName, consulNodeId, namesAnother, nodeOfConsulNode } from '../model/consul-names.ts';
import type { PoolKey } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { RegisteredInstance, RegisteredNode, RegistryState, StrangeInstance } from '../model/registration.ts';
import { instanceIdOf } from './registration.ts';

/**
 * The registry with what is ours although somebody has wiped its Meta: an instance of a pool's own Consul service, under the id
 * that the pool's instance on this very node has, that names nobody else. Nobody has that id by chance: it is a hash of cluster,
 * pool, port and node. So it proves its node, too. The registry itself when nothing of the kind is there.
 */
export function recogniseDrift(registry: RegistryState, views: Iterable<PoolView>, policy: Policy): RegistryState {
  if (registry.strangers.length === 0) return registry;
  const pools = Map.groupBy(views, (view) => view.service);
  const found = registry.strangers.flatMap((stranger): readonly RegisteredInstance[] => {
    const node = nodeOfConsulNode(policy.nodePrefix, policy.cluster, stranger.consulNode);
    if (node === undefined || namesAnother(stranger.meta, policy.owner, policy.cluster) || isStrange(stranger, registry, policy)) return [];
    const view = pools.get(stranger.service)?.find((one) => instanceIdOf(one, node, policy) === stranger.id);
    return view === undefined ? [] : [{ ...stranger, node, pool: view.pool }];
  });
  return found.length === 0 ? registry : withInstances(registry, found);
}

/** Whether the node is known to be somebody else's: its Meta names another, or its id is another's. */
function isStrange({ consulNode }: StrangeInstance, { nodes }: RegistryState, { owner, cluster, nodePrefix }: Policy): boolean {
  const node = nodes.get(consulNode);
  const behind = nodeOfConsulNode(nodePrefix, cluster, consulNode);
  if (node === undefined || behind === undefined || namesAnother(node.meta, owner, cluster)) return true;
  return !node.ours && node.id !== '' && node.id !== consulNodeId(nodePrefix, cluster, behind);
}

function withInstances(registry: RegistryState, found: readonly RegisteredInstance[]): RegistryState {
  const instances = new Map<PoolKey, readonly RegisteredInstance[]>(registry.instances);
  const nodes = new Map<string, RegisteredNode>(registry.nodes);
  for (const instance of found) {
    instances.set(instance.pool, [...(instances.get(instance.pool) ?? []), instance]);
    const node = nodes.get(instance.consulNode);
    if (node !== undefined) nodes.set(node.name, { ...node, ours: true });
  }
  const strange = new Set(found.map(({ consulNode, id }) => `${consulNode}/${id}`));
  const names = new Set(found.map(({ service }) => catalogName(service)));
  return {
    ...registry,
    instances,
    nodes,
    strangers: registry.strangers.filter(({ consulNode, id }) => !strange.has(`${consulNode}/${id}`)),
    // They look like somebody else's. Whether somebody else is there as well shows when they are repaired.
    foreignServices: new Set([...registry.foreignServices].filter((name) => !names.has(name))),
  };
}
