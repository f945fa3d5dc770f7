import type { Memory, StayOutKey } from '../model/memory.ts';
import { rememberLeaving, stayOutKey } from '../pool/stay-out.ts';
import type { PlanContext } from './context.ts';
import { instanceKey } from './diff-registration.ts';
import type { SpecPlan } from './spec-plan.ts';

/**
 * What the memory says of nodes that stay out, after what these plans take out: only a removal that is really planned counts, so
 * that a node which cannot leave is not noted again and again.
 */
export function stayOutAfter(plans: readonly SpecPlan[], context: PlanContext): Memory['stayOut'] {
  const leaving = new Set<StayOutKey>();
  for (const action of plans.flatMap((plan) => plan.actions)) {
    if (action.kind !== 'register-pool' || action.remove.length === 0) continue;
    const removed = new Set(action.remove.map((ref) => instanceKey(ref.consulNode, ref.id)));
    const instances = context.registry?.instances.get(action.pool) ?? [];
    const nodes = new Set(instances.filter(({ consulNode, id }) => removed.has(instanceKey(consulNode, id))).map(({ node }) => node));
    for (const { node, here } of context.decisions.get(action.pool)?.leaving ?? []) {
      if (nodes.has(node)) leaving.add(here ? stayOutKey(node, action.pool) : stayOutKey(node));
    }
  }
  return rememberLeaving(context.memory.stayOut, leaving, { graceMs: context.policy.pool.graceMs, nowMs: context.nowMs });
}
