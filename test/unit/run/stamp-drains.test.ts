import { describe, expect, it } from 'vitest';
import type { DeregisterPool } from '../../../src/core/model/action.ts';
import { drainingPrefix } from '../../../src/core/model/consul-names.ts';
import type { Registry } from '../../../src/core/model/ports.ts';
import { correctDrains, stampDrains } from '../../../src/run/stamp-drains.ts';
import { complete, EMPTY_REGISTRY, keys, NOW_MS } from '../../support/builders.ts';

const PREFIX = drainingPrefix('kubernetes', 'c1');
const KEY = keys.draining('default/web');
const value = (ports: Readonly<Record<string, number>>): string => JSON.stringify({ spec: 'web.json', ports });

function registryWith(text: string | undefined): Registry {
  const kv = new Map(text === undefined ? [] : [[KEY, { key: KEY, value: text, flags: keys.flags, modifyIndex: 12 }] as const]);
  const none = (): never => {
    throw new Error('not asked for');
  };
  return { state: () => complete({ ...EMPTY_REGISTRY, kv }), changed: none, refresh: none, commit: none };
}

const leave = (text: string): DeregisterPool => ({
  kind: 'deregister-pool',
  pool: keys.pool('web'),
  service: 'web',
  remove: [],
  kv: [
    { key: KEY, value: text, modifyIndex: 0 },
    { key: keys.deployments('default/web'), value: undefined, modifyIndex: 3 },
  ],
  why: 'gone',
});

describe('stampDrains', () => {
  it('begins new drains now and leaves those that are under way alone', () => {
    const planned = leave(value({ '30001': NOW_MS - 60_000, '30002': NOW_MS }));
    const clock = { registry: registryWith(value({ '30001': NOW_MS - 60_000 })), prefix: PREFIX, now: () => NOW_MS + 28_000 };
    const stamped = stampDrains(planned, clock);
    expect(stamped.kv[0]?.value).toBe(value({ '30001': NOW_MS - 60_000, '30002': NOW_MS + 28_000 }));
    expect(stamped.kv[1]).toEqual(planned.kv[1]);
  });

  it('reads nothing into keys that are not drains, nor into a memory that cannot be read', () => {
    const clock = { registry: registryWith('{'), prefix: PREFIX, now: () => NOW_MS + 5 };
    const memory = { kind: 'write-kv' as const, writes: [{ key: keys.memory, value: '{"ports":{"1":2}}', modifyIndex: 0 }], why: 'memory' };
    expect(stampDrains(memory, clock)).toEqual(memory);
    expect(stampDrains(leave(value({ '30001': NOW_MS })), clock).kv[0]?.value).toBe(value({ '30001': NOW_MS + 5 }));
  });
});

describe('correctDrains', () => {
  const sent = leave(value({ '30001': NOW_MS - 60_000, '30002': NOW_MS }));

  it('lets a drain begin with the answer when that was slow', () => {
    const clock = { registry: registryWith(sent.kv[0]?.value), prefix: PREFIX, now: () => NOW_MS + 4_000 };
    expect(correctDrains(sent, NOW_MS, clock)?.writes).toEqual([
      { key: KEY, value: value({ '30001': NOW_MS - 60_000, '30002': NOW_MS + 4_000 }), modifyIndex: 12 },
    ]);
  });

  it('writes nothing when the answer was prompt, or the key has changed meanwhile', () => {
    const prompt = { registry: registryWith(sent.kv[0]?.value), prefix: PREFIX, now: () => NOW_MS + 100 };
    expect(correctDrains(sent, NOW_MS, prompt)).toBeUndefined();
    const changed = { registry: registryWith(value({ '30003': NOW_MS })), prefix: PREFIX, now: () => NOW_MS + 4_000 };
    expect(correctDrains(sent, NOW_MS, changed)).toBeUndefined();
  });
});
