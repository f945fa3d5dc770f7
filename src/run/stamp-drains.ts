import type { KvWrite, RegistryAction, WriteKv } from '../core/model/action.ts';
import type { KvKey } from '../core/model/ids.ts';
import type { Registry } from '../core/model/ports.ts';
import type { Draining } from '../core/model/registration.ts';
import { snapshotValue } from '../core/model/snapshot.ts';

/** Between sending a transaction and its answer; beyond it the drain's beginning is written again. */
const PROMPT_MS = 250;

/** What is needed to say when a drain began. */
export interface DrainClock {
  readonly registry: Registry;
  /** Where the draining keys stand. */
  readonly prefix: KvKey;
  readonly now: () => number;
}

/**
 * The same action with every drain that it begins beginning now. A plan's time will not do: objects of the spec are applied
 * first, which may take half a minute, and a drain that counts them would be cut short.
 */
export function stampDrains<A extends RegistryAction>(action: A, { registry, prefix, now }: DrainClock): A {
  const restamp = (write: KvWrite): KvWrite => stampWrite(write, registry, prefix, now());
  if (action.kind === 'write-kv') return { ...action, writes: action.writes.map(restamp) };
  if (action.kind === 'register-pool' || action.kind === 'deregister-pool') return { ...action, kv: action.kv.map(restamp) };
  return action;
}

function stampWrite(write: KvWrite, registry: Registry, prefix: KvKey, nowMs: number): KvWrite {
  if (write.value === undefined || !write.key.startsWith(prefix)) return write;
  const before = portsIn(snapshotValue(registry.state())?.kv.get(write.key)?.value);
  const { spec, ports } = JSON.parse(write.value) as Draining;
  const stamped = Object.entries(ports).map(([port, sinceMs]) => [port, before[port] === sinceMs ? sinceMs : nowMs]);
  return { ...write, value: JSON.stringify({ spec, ports: Object.fromEntries(stamped) as Draining['ports'] }) };
}

function portsIn(text: string | undefined): Draining['ports'] {
  try {
    return text === undefined ? {} : ((JSON.parse(text) as Partial<Draining>).ports ?? {});
  } catch {
    return {};
  }
}

/**
 * What to write when the answer to a stamped action was slow: nobody knows when Consul did it, so the drains that began with it
 * begin with the answer. Undefined when it was prompt, or began none.
 */
export function correctDrains(action: RegistryAction, sentAtMs: number, { registry, prefix, now }: DrainClock): WriteKv | undefined {
  const answeredAtMs = now();
  if (answeredAtMs - sentAtMs <= PROMPT_MS) return undefined;
  const writes = 'kv' in action ? action.kv : action.kind === 'write-kv' ? action.writes : [];
  const late = writes.flatMap(({ key, value }): KvWrite[] => {
    const entry = snapshotValue(registry.state())?.kv.get(key);
    if (value === undefined || !key.startsWith(prefix) || entry?.value !== value) return [];
    const { spec, ports } = JSON.parse(value) as Draining;
    const moved = Object.entries(ports).map(([port, sinceMs]) => [port, sinceMs >= sentAtMs ? answeredAtMs : sinceMs]);
    return [
      { key, value: JSON.stringify({ spec, ports: Object.fromEntries(moved) as Draining['ports'] }), modifyIndex: entry.modifyIndex },
    ];
  });
  return late.length === 0 ? undefined : { kind: 'write-kv', writes: late, why: 'the drain begins with the answer, which was slow' };
}
