import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { consulNodeName } from '../model/consul-names.ts';
import type { NodeName } from '../model/ids.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { PlanContext } from './context.ts';
import { instanceIdOf } from './registration.ts';

/**
 * The backends in whose place somebody else's node or instance stands: the pool does without them. By node, with the problem. None
 * of a pool that agents register: it needs no node of ours.
 */
export function strangeBackends(
  view: PoolView,
  decision: PoolDecision | undefined,
  { registry, policy }: PlanContext,
): ReadonlyMap<NodeName, Problem> {
  const found = new Map<NodeName, Problem>();
  if (policy.registration === 'kv' && registry?.instances.has(view.pool) !== true) return found;
  for (const { node } of decision?.backends ?? []) {
    const consulNode = consulNodeName(policy.nodePrefix, policy.cluster, node);
    if (registry?.nodes.get(consulNode)?.ours === false) {
      found.set(node, problem('CONSUL_NODE_TAKEN', `the Consul node ${consulNode} belongs to someone else`));
      continue;
    }
    const stranger = registry?.strangers.find((one) => one.consulNode === consulNode && one.id === instanceIdOf(view, node, policy));
    if (stranger === undefined) continue;
    const message = `the instance ${stranger.id} (${stranger.service}) on Consul node ${consulNode} belongs to someone else; pool ${view.pool} wants its id`;
    found.set(node, problem('CONSUL_INSTANCE_TAKEN', message));
  }
  return found;
}
