import type { SpecId } from '../core/model/ids.ts';
import type { Memory, Suspension } from '../core/model/memory.ts';
import type { SuspensionReport } from '../core/report/run-report.ts';
import { unknownSpec } from '../core/report/unknown-spec.ts';
import type { Problem } from '../shared/problem.ts';
import type { MemoryPorts } from './change-memory.ts';
import { changeMemory } from './change-memory.ts';

/** One spec, or every spec. */
export type SuspensionScope = { readonly spec: string } | { readonly all: true };

/** What a person wants left as it is, for how long, and why. */
export type SuspensionWish = SuspensionScope & Omit<Suspension, 'atMs'>;

export type SuspensionResult =
  | { readonly kind: 'done'; readonly suspension: SuspensionReport }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** `suspended`: it still is, as one of all. */
export type ResumeResult = { readonly kind: 'done'; readonly suspended: boolean } | { readonly kind: 'refused'; readonly problem: Problem };

export interface SuspendOptions extends MemoryPorts {
  /** The specs that the last run knew. */
  readonly specs: readonly SpecId[];
}

/** Remembers that a spec, or every spec, is left as it is from the next run on; a second time, with the new words and end. Never throws but for an abort. */
export async function suspendSpec(wish: SuspensionWish, options: SuspendOptions, signal: AbortSignal): Promise<SuspensionResult> {
  const { untilMs, reason, ...scope } = wish;
  if ('spec' in scope && !options.specs.includes(scope.spec as SpecId))
    return { kind: 'refused', problem: unknownSpec(scope.spec, options.specs) };
  const suspension: Suspension = {
    atMs: options.clock.now(),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(reason === undefined ? {} : { reason }),
  };
  const add = (memory: Memory): Memory =>
    'spec' in scope ? { ...memory, suspended: { ...memory.suspended, [scope.spec]: suspension } } : { ...memory, suspendedAll: suspension };
  const failed = await changeMemory(add, options, signal);
  const told = { ...('spec' in scope ? { spec: scope.spec as SpecId } : {}), ...suspension };
  return failed === undefined ? { kind: 'done', suspension: told } : { kind: 'refused', problem: failed };
}

/** Forgets that. What is not suspended is left as it is. Never throws but for an abort. */
export async function resumeSpec(scope: SuspensionScope, options: SuspendOptions, signal: AbortSignal): Promise<ResumeResult> {
  let isKnown = 'all' in scope || options.specs.includes(scope.spec as SpecId);
  let suspended = false;
  const drop = (memory: Memory): Memory => {
    const { suspendedAll, suspended: some = {}, ...rest } = memory;
    if ('all' in scope) return suspendedAll === undefined ? memory : { ...rest, ...('suspended' in memory ? { suspended: some } : {}) };
    suspended = suspendedAll !== undefined;
    if (!Object.hasOwn(some, scope.spec)) return memory;
    isKnown = true;
    const left = Object.fromEntries(Object.entries(some).filter(([spec]) => spec !== scope.spec));
    const all = suspendedAll === undefined ? {} : { suspendedAll };
    return { ...rest, ...all, ...(Object.keys(left).length === 0 ? {} : { suspended: left }) };
  };
  const failed = await changeMemory(drop, options, signal);
  if (failed !== undefined) return { kind: 'refused', problem: failed };
  if ('spec' in scope && !isKnown) return { kind: 'refused', problem: unknownSpec(scope.spec, options.specs) };
  return { kind: 'done', suspended };
}
