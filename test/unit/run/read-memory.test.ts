import { describe, expect, it } from 'vitest';
import { EMPTY_MEMORY } from '../../../src/core/model/memory.ts';
import { parseMemory, readMemory } from '../../../src/run/read-memory.ts';
import { EMPTY_REGISTRY, keys, MEMORY, POLICY } from '../../support/builders.ts';

describe('parseMemory', () => {
  it('reads back what was written', () => {
    const memory = { ...MEMORY, removals: { 'pool:a/b': { atMs: 1, approvedBy: 'c' } }, spent: { c: 2 }, kinds: ['/Service'] };
    expect(parseMemory(JSON.stringify(memory))).toEqual(memory);
  });

  it('fills in what an earlier version of the daemon did not write', () => {
    const { specCount: _count, ...older } = MEMORY;
    expect(parseMemory(JSON.stringify(older))).toEqual({ ...MEMORY, specCount: 0 });
  });

  it.each([
    '',
    'x',
    'null',
    '[]',
    '1',
    '{}',
    JSON.stringify({ ...MEMORY, version: 2 }),
    JSON.stringify({ ...MEMORY, removals: [] }),
    JSON.stringify({ ...MEMORY, removals: null }),
    JSON.stringify({ ...MEMORY, spent: 'x' }),
    JSON.stringify({ ...MEMORY, kinds: {} }),
    JSON.stringify({ ...MEMORY, source: 1 }),
    JSON.stringify({ ...MEMORY, approvals: {} }),
    JSON.stringify({ ...MEMORY, suspended: [] }),
    JSON.stringify({ ...MEMORY, suspended: { 'a.yaml': true } }),
    JSON.stringify({ ...MEMORY, suspendedAll: 'yes' }),
  ])('remembers nothing from %s', (text) => {
    expect(parseMemory(text)).toBe(EMPTY_MEMORY);
  });
});

it('forgets the approvals that it does not understand, and nothing else', () => {
  const known = { kind: 'budget', id: 'n-1', atMs: 1, untilMs: 9, removals: 2, left: 2 } as const;
  const suspended = { 'a.yaml': { atMs: 1 } };
  const odd = [
    { kind: 'hold', untilMs: 9 },
    { kind: 'budget', untilMs: 9, left: 1.5 },
    { kind: 'all', untilMs: 9 },
  ];
  expect(parseMemory(JSON.stringify({ ...MEMORY, suspended, approvals: [...odd, known] }))).toEqual({
    ...MEMORY,
    suspended,
    approvals: [known],
  });
  expect(parseMemory(JSON.stringify({ ...MEMORY, suspended, approvals: odd }))).toEqual({ ...MEMORY, suspended });
});

it('readMemory gives the entry that it read from, to be written back by compare-and-set', () => {
  const entry = { key: keys.memory, value: JSON.stringify(MEMORY), flags: keys.flags, modifyIndex: 42 };
  expect(readMemory({ ...EMPTY_REGISTRY, kv: new Map([[entry.key, entry]]) }, POLICY)).toEqual({ memory: MEMORY, entry });
  expect(readMemory(EMPTY_REGISTRY, POLICY)).toEqual({ memory: EMPTY_MEMORY, entry: undefined });
  expect(readMemory(undefined, POLICY)).toEqual({ memory: EMPTY_MEMORY, entry: undefined });
});
