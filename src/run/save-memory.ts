import type { Policy } from '../core/model/policy.ts';
import type { Lease } from '../core/model/ports.ts';
import type { PlanContext } from '../core/plan/context.ts';
import type { Guarded } from '../core/plan/guard-run.ts';
import type { ApplyPorts, Outcome } from './apply-plan.ts';
import { currentFence } from './apply-plan.ts';
import { readMemory, writeMemory } from './read-memory.ts';

/** What a pass worked out, as far as the memory goes. */
interface Planned {
  readonly context: PlanContext;
  readonly guarded: Guarded;
}

interface Where {
  readonly ports: ApplyPorts;
  readonly policy: Policy;
}

/**
 * Writes the memory before anything that relies on it; gives the outcome when that failed, so that it is tried again. When a
 * removal was granted that Consul did not take, this run writes nothing more. Without the lease nothing is written.
 */
export async function saveMemory(pass: Planned, { ports, policy }: Where, signal: AbortSignal): Promise<Outcome | undefined> {
  const { memory } = pass.guarded;
  const fence = currentFence(ports.leases.consul);
  if (memory === pass.context.memory || fence === undefined || pass.context.world.registry.kind !== 'complete') return undefined;
  const { entry } = readMemory(pass.context.registry, policy);
  const action = writeMemory(memory, entry, policy);
  const [result] = await ports.registry.commit([action], fence, signal);
  return result?.kind === 'failed' ? { spec: undefined, action, result: 'failed', problem: result.problem } : undefined;
}

/** Removals need the Consul lease: without it none that nobody would remember begins, even when the lease comes back amid the pass. */
export const withoutConsul = (ports: ApplyPorts): ApplyPorts => ({ ...ports, leases: { ...ports.leases, consul: NOT_HELD } });

const NOT_HELD: Lease = {
  state: () => ({ held: false, holder: undefined }),
  changed: () => () => undefined,
  release: async () => undefined,
};

/** True when a pass was granted removals that the memory does not hold yet. */
export const grantsMore = ({ context, guarded }: Planned): boolean =>
  Object.entries(guarded.memory.removals).some(([key, { atMs }]) => context.memory.removals[key]?.atMs !== atMs);
