import type { RegisterPool } from '../model/action.ts';
import { deploymentsKey } from '../model/consul-names.ts';
import type { NodeName } from '../model/ids.ts';
import type { Memory, StayOutKey } from '../model/memory.ts';
import { readEntry } from '../model/told-agents.ts';
import { rememberLeaving, stayOutKey } from '../pool/stay-out.ts';
import type { PlanContext } from './context.ts';
import { toldEntry } from './context.ts';
import { instanceKey } from './diff-registration.ts';
import type { SpecPlan } from './spec-plan.ts';

/**
 * What the memory says of nodes that stay out, after what these plans take out: only a removal that is really planned counts, so
 * that a node which cannot leave is not noted again and again.
 */
export function stayOutAfter(plans: readonly SpecPlan[], context: PlanContext): Memory['stayOut'] {
  const leaving = new Set<StayOutKey>();
  for (const action of plans.flatMap((plan) => plan.actions)) {
    if (action.kind !== 'register-pool') continue;
    const removed = new Set(action.remove.map((ref) => instanceKey(ref.consulNode, ref.id)));
    const instances = context.registry?.instances.get(action.pool) ?? [];
    const nodes = new Set(instances.filter(({ consulNode, id }) => removed.has(instanceKey(consulNode, id))).map(({ node }) => node));
    for (const node of untold(action, context)) nodes.add(node);
    for (const { node, here } of context.decisions.get(action.pool)?.leaving ?? []) {
      if (nodes.has(node)) leaving.add(here ? stayOutKey(node, action.pool) : stayOutKey(node));
    }
  }
  return rememberLeaving(context.memory.stayOut, leaving, { graceMs: context.policy.pool.graceMs, nowMs: context.nowMs });
}

/** The nodes whose agents are told to register the pool no more. */
function untold({ pool, kv }: RegisterPool, context: PlanContext): readonly NodeName[] {
  const before = toldEntry(pool, context)?.nodes ?? [];
  const value = before.length === 0 ? undefined : kv.find(({ key }) => key === deploymentsKey(context.policy.keyPath, pool))?.value;
  const after = value === undefined ? before : (readEntry(value).nodes ?? before);
  return before.filter((node) => !after.includes(node));
}
