import type { Memory } from '../core/model/memory.ts';
import type { Policy } from '../core/model/policy.ts';
import type { Clock, Lease, Registry } from '../core/model/ports.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import { currentFence } from './apply-plan.ts';
import { readMemory, writeMemory } from './read-memory.ts';

/** What is needed to change what is remembered. */
export interface MemoryPorts {
  readonly registry: Registry;
  readonly lease: Lease;
  readonly policy: Policy;
  readonly clock: Pick<Clock, 'now' | 'random'>;
}

/** A run may write its own in between; more often than that it does not. */
const MOST_TRIES = 3;

/**
 * Changes what outlives runs for somebody who asks, under the fence and only what was read: a run that has planned with the memory
 * before cannot write over it. Gives what kept it from being done. Never throws but for an abort.
 */
export async function changeMemory(
  change: (memory: Memory) => Memory,
  { registry, lease, policy }: Omit<MemoryPorts, 'clock'>,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  for (let tries = 1; ; tries++) {
    const state = registry.state();
    if (state.kind !== 'complete')
      return problem('CONSUL_UNAVAILABLE', `what is remembered in Consul is not known: ${state.reason.message}`);
    const fence = currentFence(lease);
    if (fence === undefined) return problem('LEASE_HELD_ELSEWHERE', 'this replica does not lead');
    const { memory, entry } = readMemory(state.value, policy);
    const next = change(memory);
    if (next === memory) return undefined;
    const [result] = await registry.commit([writeMemory(next, entry, policy)], fence, signal);
    if (result?.kind !== 'failed') return undefined;
    if (result.problem.code !== 'CONSUL_CHANGED' || tries === MOST_TRIES) return result.problem;
    await registry.refresh(signal);
  }
}
