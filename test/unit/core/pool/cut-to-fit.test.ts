import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import { keys, node } from '../../../support/builders.ts';
import { cordoned, decide } from './decide.ts';

const ZONE = 'topology.kubernetes.io/zone';
const inZone = (zone: string): Partial<NodeFacts> => (zone === '' ? {} : { labels: { [ZONE]: zone } });

/** `count` nodes dealt out to `zones` zones, the first one getting `weight` times as many as each other. */
function fleet(count: number, zones: number, weight = 1): readonly NodeFacts[] {
  const deal = [...Array<number>(weight - 1).fill(0), ...Array.from({ length: zones }, (_, i) => i)];
  return Array.from({ length: count }, (_, i) => node(`n${i}`, inZone(zones === 0 ? '' : `z${deal[i % deal.length] ?? 0}`)));
}

const cut = (nodes: readonly NodeFacts[], members: readonly string[], most = 100): readonly string[] =>
  decide({ nodes, members, demand: { maxBackends: most } }).backends.map((backend) => backend.node);
const joined = (before: readonly string[], after: readonly string[]): readonly string[] => after.filter((one) => !before.includes(one));

function perZone(nodes: readonly NodeFacts[], chosen: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name, labels } of nodes) if (chosen.includes(name)) counts[labels[ZONE] ?? ''] = (counts[labels[ZONE] ?? ''] ?? 0) + 1;
  return counts;
}

const anyFleet = fc.record({
  count: fc.constantFrom(3, 50, 120, 300),
  zones: fc.integer({ min: 0, max: 5 }),
  weight: fc.integer({ min: 1, max: 4 }),
  pick: fc.nat(),
});

describe('a pool that is cut to fit', () => {
  it('keeps a pool whole that fits', () => {
    for (const count of [3, 50, 100]) expect(cut(fleet(count, 3), [])).toHaveLength(count);
    for (const count of [101, 120, 300]) expect(cut(fleet(count, 3), [])).toHaveLength(100);
  });

  it.each([
    { zones: 1, weight: 1, most: 100, shares: [100] },
    { zones: 3, weight: 1, most: 99, shares: [33, 33, 33] },
    { zones: 3, weight: 1, most: 100, shares: [33, 33, 34] },
    { zones: 3, weight: 28, most: 100, shares: [10, 10, 80] },
    { zones: 5, weight: 1, most: 3, shares: [1, 1, 1] },
  ])('gives $zones zones of 300 nodes $shares of $most', ({ zones, weight, most, shares }) => {
    const nodes = fleet(300, zones, weight);
    expect(Object.values(perZone(nodes, cut(nodes, [], most))).sort((a, b) => a - b)).toEqual(shares);
  });

  it('spreads nodes with the label of old alike', () => {
    const nodes = Array.from({ length: 20 }, (_, i) =>
      node(`n${i}`, { labels: { 'failure-domain.beta.kubernetes.io/zone': i < 18 ? 'big' : 'small' } }),
    );
    expect(cut(nodes, [], 4).filter((name) => ['n18', 'n19'].includes(name))).toHaveLength(2);
  });

  it('moves its share and nothing else when a node leaves', () => {
    fc.assert(
      fc.property(anyFleet, fc.boolean(), ({ count, zones, weight, pick }, fresh) => {
        const nodes = fleet(count, zones, weight);
        const before = cut(nodes, []);
        const leaver = nodes[pick % count]?.name ?? '';
        const after = cut(
          nodes.filter(({ name }) => name !== leaver),
          fresh ? [] : before,
        );
        expect(joined(after, before).filter((name) => name !== leaver)).toEqual([]);
        expect(joined(before, after).length).toBe(before.includes(leaver) && count > 100 ? 1 : 0);
      }),
      { numRuns: 40 },
    );
  });

  it('moves at most one when a node joins, also one of a zone of its own', () => {
    fc.assert(
      fc.property(anyFleet, fc.boolean(), fc.constantFrom('z0', 'z1', 'new', ''), ({ count, zones, weight }, fresh, zone) => {
        const nodes = fleet(count, zones, weight);
        const before = cut(nodes, []);
        const after = cut([node('joiner', inZone(zone)), ...nodes], fresh ? [] : before);
        expect(joined(after, before).length).toBeLessThanOrEqual(count < 100 ? 0 : 1);
        expect(joined(before, after).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps present members, where their zone has its share', () => {
    const nodes = fleet(300, 0);
    const members = nodes.slice(100, 200).map(({ name }) => name);
    expect([...cut(nodes, members)].sort()).toEqual([...members].sort());
  });

  it('takes a free node rather than one that waits for its turn to leave', () => {
    const nodes = Array.from({ length: 9 }, (_, i) => node(`n${i}`, i < 6 ? cordoned : {}));
    expect(cut(nodes, ['n0', 'n1', 'n2'], 3)).toEqual(['n6', 'n7', 'n8']);
    const zones = nodes.map((one, i) => ({ ...one, ...inZone(i < 6 ? 'a' : 'b') }));
    expect(cut(zones, ['n0', 'n1', 'n2'], 3)).toEqual(['n6', 'n7', 'n8']);
  });

  it('says what it does not need, and that pods of a Local pool are cut off', () => {
    const nodes = fleet(3, 0);
    const reasons = (local: boolean): readonly string[] => [
      ...new Set(
        decide({ nodes, members: [], demand: { maxBackends: 1 }, ...(local ? { local: ['n0', 'n1', 'n2'] } : {}) })
          .decisions.filter((one) => !one.in)
          .map(({ code, reason }) => `${code}: ${reason}`),
      ),
    ];
    expect(reasons(false)).toEqual(['not-needed: not needed: the pool is limited to 1 backend']);
    expect(reasons(true)).toEqual(['not-needed: not needed: the pool is limited to 1 backend; pods on it get no traffic from outside']);
  });

  it('gives every node about the same number of pools', () => {
    const nodes = fleet(60, 3);
    const loads = new Map(nodes.map(({ name }) => [name, 0]));
    for (let i = 0; i < 300; i++) {
      const { backends } = decide({ nodes, members: [], demand: { pool: keys.pool(`app-${i}`), maxBackends: 20 } });
      for (const one of backends) loads.set(one.node, (loads.get(one.node) ?? 0) + 1);
    }
    // 100 of 300 pools each, with a standard deviation of 8.
    expect(Math.min(...loads.values())).toBeGreaterThan(65);
    expect(Math.max(...loads.values())).toBeLessThan(135);
  });

  it('cuts different pools in different ways', () => {
    const nodes = fleet(9, 3);
    const chosen = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
      decide({ nodes, members: [], demand: { pool: keys.pool(name), maxBackends: 3 } })
        .backends.map((one) => one.node)
        .join(),
    );
    expect(new Set(chosen).size).toBeGreaterThan(3);
  });
});
