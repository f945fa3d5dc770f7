import type { SpecId } from '../model/ids.ts';
import type { Memory, Suspension } from '../model/memory.ts';

/** Which specs are left as they are at one moment. */
export interface SuspendedSpecs {
  readonly has: (spec: SpecId) => boolean;
  /** The same text for the same specs. */
  readonly key: string;
}

export const NO_SUSPENSIONS: SuspendedSpecs = { has: () => false, key: '' };

type Suspended = Pick<Memory, 'suspended' | 'suspendedAll'>;

const isOver = ({ untilMs }: Suspension, nowMs: number): boolean => untilMs !== undefined && untilMs <= nowMs;

/** What is suspended without what is over; the very same value where nothing is. */
export function withoutElapsed<T extends Suspended>(memory: T, nowMs: number): T {
  const { suspended = {}, suspendedAll } = memory;
  const left = Object.entries(suspended).filter(([, one]) => !isOver(one, nowMs));
  const isAllOver = suspendedAll !== undefined && isOver(suspendedAll, nowMs);
  if (left.length === Object.keys(suspended).length && !isAllOver) return memory;
  const { suspended: _some, suspendedAll: _all, ...rest } = memory;
  return {
    ...rest,
    ...(left.length === 0 ? {} : { suspended: Object.fromEntries(left) }),
    ...(suspendedAll === undefined || isAllOver ? {} : { suspendedAll }),
  } as T;
}

/** Which specs are suspended now. */
export function suspendedNow(memory: Suspended, nowMs: number): SuspendedSpecs {
  const { suspended = {}, suspendedAll } = withoutElapsed(memory, nowMs);
  if (suspendedAll !== undefined) return { has: () => true, key: 'all' };
  const specs = new Set(Object.keys(suspended));
  return specs.size === 0 ? NO_SUSPENSIONS : { has: (spec) => specs.has(spec), key: JSON.stringify([...specs].sort()) };
}

/** Why one spec is suspended now: by its own name, as one of all, or by both. */
export function suspensionsOf(spec: SpecId, memory: Suspended, nowMs: number): readonly Suspension[] {
  const { suspended = {}, suspendedAll } = withoutElapsed(memory, nowMs);
  const own = Object.hasOwn(suspended, spec) ? suspended[spec] : undefined;
  return [own, suspendedAll].filter((one) => one !== undefined);
}
