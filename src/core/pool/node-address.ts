import type { NodeFacts } from '../model/nodes.ts';
import type { PoolPolicy } from '../model/policy.ts';

type Address = NodeFacts['addresses'][number];

/**
 * The address at which a node is registered: the first of the wanted types that it has, in the order of the policy, in the
 * wanted family. Within a type the node's own order counts, its primary address first. A host name fits any family.
 */
export function nodeAddress(node: NodeFacts, policy: PoolPolicy): Address | undefined {
  for (const type of policy.addressTypes) {
    const found = node.addresses.find((one) => one.type === type && fitsFamily(one, policy.addressFamily));
    if (found !== undefined) return found;
  }
  return undefined;
}

function fitsFamily({ type, address }: Address, family: PoolPolicy['addressFamily']): boolean {
  if (address === '') return false;
  return isHostName(type) || address.includes(':') === (family === 'IPv6');
}

/** True for address types that hold a name, whose family only DNS knows. */
export const isHostName = (type: string): boolean => type === 'Hostname' || type.endsWith('DNS');
