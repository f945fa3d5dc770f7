import type { NodeName, PoolKey } from '../model/ids.ts';
import type { EndpointFacts } from '../model/nodes.ts';
import type { RegisteredInstance } from '../model/registration.ts';

/** The nodes that a pool has now, with their addresses: those in the catalog, and those whose agents are told to register it. */
export function membersOf(
  registered: readonly RegisteredInstance[] | undefined,
  told: readonly NodeName[] | undefined,
): ReadonlyMap<NodeName, string> {
  const members = new Map<NodeName, string>((told ?? []).map((node) => [node, '']));
  for (const { node, address } of registered ?? []) members.set(node, address);
  return members;
}

/** While nobody can tell where endpoints are, they are where they were: what is registered stays (promise 1). */
export const whereMembers = (pool: PoolKey, members: ReadonlyMap<NodeName, string>): EndpointFacts => ({
  pool,
  ready: 0,
  readyNodes: [...members.keys()],
  portNames: [],
});
