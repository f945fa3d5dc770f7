import { describe, expect, it } from 'vitest';
import type { RegisterPool, WriteKv } from '../../../src/core/model/action.ts';
import { drainingPrefix } from '../../../src/core/model/consul-names.ts';
import type { Registry } from '../../../src/core/model/ports.ts';
import { correctDrains, stampDrains } from '../../../src/run/stamp-drains.ts';
import { complete, EMPTY_REGISTRY, keys, POLICY } from '../../support/builders.ts';

const KEY = keys.draining('default/web');
const value = (ports: Readonly<Record<string, number>>): string => JSON.stringify({ spec: 'web.json', ports });
/** The clock of a registry that holds these drains. */
function clockOf(nowMs: number, held?: string): Parameters<typeof stampDrains>[1] {
  const kv = new Map(held === undefined ? [] : [[KEY, { key: KEY, value: held, flags: keys.flags, modifyIndex: 5 }]]);
  const registry: Registry = {
    state: () => complete({ ...EMPTY_REGISTRY, kv }),
    changed: () => () => undefined,
    refresh: async () => undefined,
    commit: async () => [],
  };
  return { registry, prefix: drainingPrefix(POLICY.keyPath, POLICY.cluster), now: () => nowMs };
}
const write = (text: string | undefined, key = KEY): WriteKv => ({
  kind: 'write-kv',
  writes: [{ key, value: text, modifyIndex: 5 }],
  why: 'x',
});
const register = (text: string): RegisterPool => {
  const nothing = { set: [], remove: [], checks: [], removeChecks: [], changes: [] };
  return { kind: 'register-pool', pool: keys.pool('web'), service: 'web', ...nothing, kv: [{ key: KEY, value: text, modifyIndex: 5 }] };
};

describe('stampDrains', () => {
  it('lets a drain that begins with the action begin now, and one that had begun before go on', () => {
    const stamped = stampDrains(register(value({ 30080: 100, 30090: 200 })), clockOf(900, value({ 30080: 100 })));
    expect(stamped.kv).toEqual([{ key: KEY, value: value({ 30080: 100, 30090: 900 }), modifyIndex: 5 }]);
  });

  it.each([undefined, 'null', 'x', '{}'])('lets every drain begin now when the key says %o', (held) => {
    expect(stampDrains(write(value({ 30080: 100 })), clockOf(900, held)).writes[0]?.value).toBe(value({ 30080: 900 }));
  });

  it('leaves everything else as it is', () => {
    const clock = clockOf(900);
    for (const action of [write(undefined), write('{"ports":{"1":2}}', keys.memory)]) expect(stampDrains(action, clock)).toEqual(action);
    const drop = { kind: 'delete-node' as const, name: 'n', modifyIndex: 1 };
    expect(stampDrains(drop, clock)).toBe(drop);
  });
});

describe('correctDrains', () => {
  const sent = register(value({ 30080: 100, 30090: 1_000 }));

  it('lets what began with a slow action begin with its answer', () => {
    const written = value({ 30080: 100, 30090: 1_000 });
    expect(correctDrains(sent, 1_000, clockOf(5_000, written))?.writes).toEqual([
      { key: KEY, value: value({ 30080: 100, 30090: 5_000 }), modifyIndex: 5 },
    ]);
  });

  it('has nothing to say of a prompt answer, of other actions, or of a key that somebody has changed since', () => {
    expect(correctDrains(sent, 1_000, clockOf(1_100, value({ 30080: 100, 30090: 1_000 })))).toBeUndefined();
    expect(correctDrains({ kind: 'delete-node', name: 'n', modifyIndex: 1 }, 1_000, clockOf(5_000))).toBeUndefined();
    expect(correctDrains(sent, 1_000, clockOf(5_000, value({ 30080: 7 })))).toBeUndefined();
  });
});
