import type { WriteKv } from '../core/model/action.ts';
import { memoryKey } from '../core/model/consul-names.ts';
import type { Memory } from '../core/model/memory.ts';
import { EMPTY_MEMORY } from '../core/model/memory.ts';
import type { Policy } from '../core/model/policy.ts';
import type { KvEntry, RegistryState } from '../core/model/registration.ts';

/** The memory as Consul holds it, with the entry it was read from. What cannot be read counts as nothing remembered. */
export function readMemory(
  registry: RegistryState | undefined,
  policy: Policy,
): { readonly memory: Memory; readonly entry: KvEntry | undefined } {
  const entry = registry?.kv.get(memoryKey(policy.keyPath, policy.cluster));
  return { memory: entry === undefined ? EMPTY_MEMORY : parseMemory(entry.value), entry };
}

/** Writes a memory over the entry that it was read from, by compare-and-set. */
export const writeMemory = (memory: Memory, entry: KvEntry | undefined, { keyPath, cluster }: Policy): WriteKv => ({
  kind: 'write-kv',
  writes: [{ key: memoryKey(keyPath, cluster), value: JSON.stringify(memory), modifyIndex: entry?.modifyIndex ?? 0 }],
  why: 'memory',
});

/** What people had suspended when Consul last told. */
export interface KnownSuspensions {
  suspensions: Pick<Memory, 'suspended' | 'suspendedAll'>;
}

/**
 * What is remembered now. Without Consul nobody knows, but for what people have suspended: that is kept in `known` while Consul tells, and
 * goes on while it does not. An outage must not end it.
 */
export function standingMemory(registry: RegistryState | undefined, policy: Policy, known: KnownSuspensions): Memory {
  if (registry === undefined) return { ...EMPTY_MEMORY, ...known.suspensions };
  const { memory } = readMemory(registry, policy);
  const { suspended, suspendedAll } = memory;
  known.suspensions = { ...(suspended === undefined ? {} : { suspended }), ...(suspendedAll === undefined ? {} : { suspendedAll }) };
  return memory;
}

/** Reads the JSON of a memory; anything but a memory of this version gives an empty one. */
export function parseMemory(text: string): Memory {
  try {
    const value: unknown = JSON.parse(text);
    return isMemory(value) ? { ...EMPTY_MEMORY, ...withKnownApprovals(value) } : EMPTY_MEMORY;
  } catch {
    return EMPTY_MEMORY;
  }
}

function isMemory(value: unknown): value is Memory {
  if (typeof value !== 'object' || value === null) return false;
  const { version, source, removals, spent, kinds, stayOut = {}, lastGood = {} } = value as Fields;
  return (
    version === 1 &&
    typeof source === 'string' &&
    isRecord(removals) &&
    isRecord(spent) &&
    Array.isArray(kinds) &&
    isRecord(stayOut) &&
    isRecord(lastGood) &&
    areWishes(value as Fields)
  );
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (part: unknown): part is Fields => typeof part === 'object' && part !== null && !Array.isArray(part);

/** What people have asked for. */
function areWishes({ approvals = [], suspended = {}, suspendedAll = {} }: Fields): boolean {
  const isSuspended = isRecord(suspended) && Object.values(suspended).every(isRecord) && isRecord(suspendedAll);
  return isSuspended && Array.isArray(approvals);
}

/** An approval that nobody understands, such as one by a later version, allows nothing; all else stays. */
function withKnownApprovals({ approvals, ...memory }: Memory): Memory {
  const known = approvals?.filter(isApproval) ?? [];
  return known.length === 0 ? memory : { ...memory, approvals: known };
}

function isApproval(one: unknown): boolean {
  if (!isRecord(one) || typeof one['untilMs'] !== 'number') return false;
  return one['kind'] === 'hold' ? Array.isArray(one['keys']) : one['kind'] === 'budget' && Number.isSafeInteger(one['left']);
}
