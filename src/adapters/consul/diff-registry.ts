import { isDeepStrictEqual } from 'node:util';
import { consulNodePrefix, poolOfKey } from '../../core/model/consul-names.ts';
import { type NodeName, nodeName, type PoolKey } from '../../core/model/ids.ts';
import { META } from '../../core/model/marks.ts';
import type { RegisteredCheck, RegisteredNode, RegistryState } from '../../core/model/registration.ts';
import type { RegistryIdentity } from './read-registry.ts';

/** What differs between two states: the pools and nodes concerned, `all` when that cannot be said. */
export type RegistryDifference = ReadonlySet<PoolKey | NodeName> | 'all';

/** The pools and Kubernetes nodes whose entries differ; an empty set says that both states are the same. */
export function diffRegistry(before: RegistryState, after: RegistryState, identity: RegistryIdentity): RegistryDifference {
  if (before.fresh !== after.fresh || !isDeepStrictEqual(before.limits, after.limits)) return 'all';
  // Any pool may want a name that came or went.
  if (!isDeepStrictEqual(before.foreignServices, after.foreignServices)) return 'all';
  const touched = new Set<PoolKey | NodeName>();
  for (const pool of differing(before.instances, after.instances)) touched.add(pool);
  for (const name of differing(before.nodes, after.nodes))
    touched.add(kubernetesNode(name, after.nodes.get(name) ?? before.nodes.get(name), identity));
  for (const key of differing(before.checks, after.checks)) {
    const check = after.checks.get(key) ?? before.checks.get(key);
    if (check !== undefined) touched.add(checkSubject(check, before, after, identity));
  }
  for (const key of differing(before.kv, after.kv)) {
    const pool = poolOfKey(identity.keyPath, identity.cluster, key);
    if (pool === undefined) return 'all';
    touched.add(pool);
  }
  return touched;
}

function differing<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): readonly K[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => !isDeepStrictEqual(before.get(key), after.get(key)));
}

/** The pool that the check's instance belongs to, else the node that it stands on. */
function checkSubject(check: RegisteredCheck, before: RegistryState, after: RegistryState, identity: RegistryIdentity): PoolKey | NodeName {
  if (check.instanceId !== '') {
    for (const state of [after, before]) {
      for (const [pool, instances] of state.instances) {
        if (instances.some(({ id, consulNode }) => id === check.instanceId && consulNode === check.consulNode)) return pool;
      }
    }
  }
  return kubernetesNode(check.consulNode, after.nodes.get(check.consulNode), identity);
}

function kubernetesNode(name: string, node: RegisteredNode | undefined, { nodePrefix, cluster }: RegistryIdentity): NodeName {
  const prefix = consulNodePrefix(nodePrefix, cluster);
  return nodeName(node?.meta[META.node] ?? (name.startsWith(prefix) ? name.slice(prefix.length) : name));
}
