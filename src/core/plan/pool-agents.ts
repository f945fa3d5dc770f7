import type { PoolView } from '../desired/pool-view.ts';
import { portsOf } from '../desired/service-ports.ts';
import type { NodeName } from '../model/ids.ts';
import { byBytes, nodeName } from '../model/ids.ts';
import type { AgentInstance } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { Backend } from '../pool/decide-pool.ts';
import type { PlanContext } from './context.ts';

/** What agents register of one pool. */
export interface PoolAgents {
  readonly instances: readonly AgentInstance[];
  /** The Kubernetes nodes that these agents stand for; an agent on any other machine is told by its own name. */
  readonly nodes: ReadonlySet<NodeName>;
  /** The node of each instance. */
  readonly nodeOf: ReadonlyMap<AgentInstance, NodeName>;
}

const NO_AGENTS: PoolAgents = { instances: [], nodes: new Set(), nodeOf: new Map() };

/** The instances under the pool's name that agents register and that lead to it: a NodePort of its Service, or the address of a node. */
export function agentsOf(view: PoolView, { registry, world }: Pick<PlanContext, 'registry' | 'world'>): PoolAgents {
  const all = registry?.agents?.get(view.service);
  if (all === undefined || all.length === 0) return NO_AGENTS;
  const nodes = snapshotValue(world.cluster.nodes) ?? [];
  const byAddress = new Map(nodes.flatMap(({ name, addresses }) => addresses.map(({ address }) => [address, name] as const)));
  const ports = new Set(portsOf(view.live.spec).map(({ nodePort }) => nodePort));
  const instances = all.filter(({ address, port }) => ports.has(port) || byAddress.has(address));
  const nodeOf = new Map(instances.map((one) => [one, byAddress.get(one.address) ?? nodeName(one.consulNode)]));
  return { instances, nodes: new Set(nodeOf.values()), nodeOf };
}

/**
 * The nodes whose agents are to register a pool: its backends. Where agents register it on other nodes only, those as well: what
 * serves now does not go before anything else is there.
 */
export function tellable(backends: readonly Backend[], { nodes }: PoolAgents): readonly NodeName[] {
  const names = backends.map(({ node }) => node);
  if (nodes.size === 0 || names.some((node) => nodes.has(node))) return names;
  return [...names, ...nodes].sort(byBytes);
}

/** Names in their order, the first few of many. */
export function listed(nodes: Iterable<NodeName>): string {
  const names = [...nodes].sort(byBytes);
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
