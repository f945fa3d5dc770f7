import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AppliedWrite, foldWrites, pairResults, showsWrite } from '../../../../src/adapters/consul/fold-writes.ts';
import type { RegistryWrite } from '../../../../src/adapters/consul/registry-write.ts';
import { kvKey, nodeName, poolKey } from '../../../../src/core/model/ids.ts';
import type { Check, Instance, RegistryState, SyntheticNode } from '../../../../src/core/model/registration.ts';

const FLAGS = 7;
const empty: RegistryState = {
  limits: { operations: 128, bytes: 1000 },
  nodes: new Map(),
  instances: new Map(),
  checks: new Map(),
  strangers: [],
  foreignServices: new Set(),
  kv: new Map(),
  fresh: false,
};
const pool = poolKey('prod', 'web');
const node = (name: string): SyntheticNode => ({ name, id: `id-${name}`, address: '10.0.0.1', meta: {} });
const instance = (consulNode: string, port: number): Instance => ({
  consulNode,
  node: nodeName(consulNode),
  id: `web-${consulNode}`,
  service: 'web',
  address: '10.0.0.1',
  port,
  tags: ['a'],
  meta: {},
});
const check = (consulNode: string, notes: string): Check => ({
  consulNode,
  checkId: 'pool:prod:web',
  name: 'pool prod/web',
  instanceId: `web-${consulNode}`,
  service: 'web',
  status: 'passing',
  notes,
  output: '',
});

/** Writes as a store hands them out: each with an index above all before it; removals carry the index they removed. */
const writes: fc.Arbitrary<readonly AppliedWrite[]> = fc
  .array(fc.record({ kind: fc.nat(7), where: fc.constantFrom('n1', 'n2'), what: fc.nat(3) }), { maxLength: 20 })
  .map((steps) =>
    steps.map(({ kind, where, what }, at) => ({ write: writeOf({ kind, where, what, modifyIndex: at }), modifyIndex: at + 1 })),
  );

function writeOf({ kind, where, what, modifyIndex }: { kind: number; where: string; what: number; modifyIndex: number }): RegistryWrite {
  const options: readonly RegistryWrite[] = [
    { kind: 'set-node', node: node(where), modifyIndex },
    { kind: 'set-instance', instance: instance(where, 30_000 + what), pool, modifyIndex },
    { kind: 'set-check', check: check(where, `notes ${what}`), modifyIndex },
    { kind: 'set-key', key: kvKey(where), value: String(what), modifyIndex },
    { kind: 'remove-node', name: where, modifyIndex },
    { kind: 'remove-instance', instance: { consulNode: where, id: `web-${where}`, service: 'web', modifyIndex } },
    { kind: 'remove-check', check: { consulNode: where, checkId: 'pool:prod:web', modifyIndex } },
    { kind: 'remove-key', key: kvKey(where), modifyIndex },
  ];
  return options[kind] ?? { kind: 'remove-key', key: kvKey(where), modifyIndex };
}

describe('foldWrites', () => {
  it('shows the last write, and folding one by one is folding all', () => {
    fc.assert(
      fc.property(writes, (applied) => {
        const all = foldWrites(empty, applied, FLAGS);
        const last = applied.at(-1);
        if (last !== undefined) expect(showsWrite(all, last.write)).toBe(true);
        expect(applied.reduce((state, write) => foldWrites(state, [write], FLAGS), empty)).toEqual(all);
      }),
    );
  });

  it('an older write changes nothing that is known in a later version', () => {
    const later = foldWrites(
      empty,
      [{ write: { kind: 'set-instance', instance: instance('n1', 2), pool, modifyIndex: 5 }, modifyIndex: 9 }],
      FLAGS,
    );
    const older: readonly AppliedWrite[] = [
      { write: { kind: 'set-instance', instance: instance('n1', 1), pool, modifyIndex: 0 }, modifyIndex: 5 },
      { write: { kind: 'remove-instance', instance: { consulNode: 'n1', id: 'web-n1', service: 'web', modifyIndex: 5 } }, modifyIndex: 5 },
    ];
    expect(foldWrites(later, older, FLAGS)).toEqual(later);
  });

  it('takes the checks of an instance and of a node along', () => {
    const base = foldWrites(
      empty,
      [
        { write: { kind: 'set-node', node: node('n1'), modifyIndex: 0 }, modifyIndex: 1 },
        { write: { kind: 'set-instance', instance: instance('n1', 1), pool, modifyIndex: 0 }, modifyIndex: 1 },
        { write: { kind: 'set-check', check: check('n1', ''), modifyIndex: 0 }, modifyIndex: 1 },
        {
          write: { kind: 'set-check', check: { ...check('n1', ''), checkId: 'k8s-node', instanceId: '' }, modifyIndex: 0 },
          modifyIndex: 1,
        },
      ],
      FLAGS,
    );
    expect(base.checks.size).toBe(2);
    const gone = { consulNode: 'n1', id: 'web-n1', service: 'web', modifyIndex: 1 };
    const without = foldWrites(base, [{ write: { kind: 'remove-instance', instance: gone }, modifyIndex: 1 }], FLAGS);
    expect([...without.checks.keys()]).toEqual(['n1/k8s-node']);
    expect(without.instances.has(pool)).toBe(false);
    expect(foldWrites(without, [{ write: { kind: 'remove-node', name: 'n1', modifyIndex: 1 }, modifyIndex: 1 }], FLAGS)).toEqual(empty);
  });
});

describe('showsWrite', () => {
  const held = (one: Check) => foldWrites(empty, [{ write: { kind: 'set-check', check: one, modifyIndex: 0 }, modifyIndex: 1 }], FLAGS);
  const shows = (known: Check, wanted: Check): boolean => showsWrite(held(known), { kind: 'set-check', check: wanted, modifyIndex: 0 });

  it('of a check: every field, but of a probe not the word of consul-esm', () => {
    const plain = check('n1', 'notes');
    const probe = { ...plain, probe: { tcp: '10.0.0.1:1', interval: '10s', timeout: '2s' } };
    const said = { status: 'critical' as const, output: 'refused' };
    expect(shows(plain, plain)).toBe(true);
    expect(shows({ ...plain, ...said }, plain)).toBe(false);
    expect(shows({ ...probe, ...said }, probe)).toBe(true);
    expect(shows({ ...probe, probe: { ...probe.probe, tcp: '10.0.0.1:2' } }, probe)).toBe(false);
    expect(shows(plain, probe)).toBe(false);
  });
});

describe('pairResults', () => {
  const set: RegistryWrite = { kind: 'set-key', key: kvKey('k'), value: 'v', modifyIndex: 0 };
  const remove: RegistryWrite = { kind: 'remove-key', key: kvKey('gone'), modifyIndex: 4 };

  it('skips the fence and gives removals the index that they removed', () => {
    const fence = { kind: 'kv' as const, id: 'leader', modifyIndex: 1 };
    expect(pairResults([remove, set], [fence, { kind: 'kv', id: 'k', modifyIndex: 9 }])).toEqual([
      { write: remove, modifyIndex: 4 },
      { write: set, modifyIndex: 9 },
    ]);
  });

  it('says when a result is missing: the token may write but not read', () => {
    expect(pairResults([set], [])).toBeUndefined();
  });
});
