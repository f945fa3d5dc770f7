import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeReason } from '../../../../src/core/model/action.ts';
import type { NodeName } from '../../../../src/core/model/ids.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { PoolPolicy } from '../../../../src/core/model/policy.ts';
import { NOW_MS, node } from '../../../support/builders.ts';

import type { Given } from './decide.ts';
import { decide, excluded, recent, spot, tainted } from './decide.ts';

/** Nodes of every condition, with names that sort in all ways. */
const anyNode = fc.record({
  name: fc.integer({ min: 1, max: 40 }),
  ready: fc.boolean(),
  deleting: fc.boolean(),
  unschedulable: fc.boolean(),
  taint: fc.boolean(),
  exclude: fc.boolean(),
  isNew: fc.boolean(),
  endpoint: fc.boolean(),
  member: fc.boolean(),
});
const anyNodes = fc.uniqueArray(anyNode, { selector: ({ name }) => name, maxLength: 14 });
type Drawn = typeof anyNode extends fc.Arbitrary<infer T> ? T : never;
const factsOf = (drawn: Drawn): NodeFacts =>
  node(`n${drawn.name}`, {
    ready: drawn.ready,
    deleting: drawn.deleting,
    unschedulable: drawn.unschedulable,
    ...(drawn.taint ? tainted : {}),
    ...(drawn.exclude ? excluded : {}),
    ...(drawn.isNew ? recent : {}),
  });
const givenOf = (drawn: readonly Drawn[], local: boolean, floor: number, most: number): Given => ({
  nodes: drawn.map(factsOf),
  members: drawn.filter(({ member }) => member).map(({ name }) => `n${name}`),
  demand: { minBackends: floor, maxBackends: most },
  ...(local ? { local: drawn.filter(({ endpoint }) => endpoint).map(({ name }) => `n${name}`) } : {}),
});

describe('properties of decidePool', () => {
  it('does not depend on the order of the nodes', () => {
    const both = anyNodes.chain((drawn) => fc.tuple(fc.constant(drawn), fc.shuffledSubarray(drawn, { minLength: drawn.length })));
    fc.assert(
      fc.property(both, fc.boolean(), fc.nat(4), fc.integer({ min: 1, max: 6 }), ([drawn, mixed], local, floor, most) => {
        expect(decide(givenOf(mixed, local, floor, most))).toEqual(decide(givenOf(drawn, local, floor, most)));
      }),
    );
  });

  it('does not depend on the order of anything else that it is told either', () => {
    const told = fc.record({
      drawn: anyNode,
      drain: fc.boolean(),
      labels: fc.constantFrom({}, { 'topology.kubernetes.io/zone': 'a' }, { 'failure-domain.beta.kubernetes.io/zone': 'b' }, { spot: '' }),
      address: fc.constantFrom('10.0.0.1', 'fd00::1', ''),
      answers: fc.constantFrom(true, false, undefined),
      staysOut: fc.boolean(),
    });
    type Told = typeof told extends fc.Arbitrary<infer T> ? T : never;
    const given = (all: readonly Told[], more: readonly [boolean, number, number]): Given => {
      const [local, floor, most] = more;
      const base = givenOf(
        all.map(({ drawn }) => drawn),
        local,
        floor,
        most,
      );
      const named = all.map((one) => ({ ...one, name: nodeName(`n${one.drawn.name}`) }));
      const nodes = all.map(({ drawn, drain, labels, address }) => ({
        ...factsOf(drawn),
        labels: { ...factsOf(drawn).labels, ...labels },
        annotations: drain ? { 'poolkeeper.dev/drain': 'true' } : {},
        addresses: [{ type: 'InternalIP', address }],
      }));
      const reachable = new Map(named.flatMap(({ name, answers }) => (answers === undefined ? [] : [[name, answers] as const])));
      const stayOut = new Map(named.flatMap(({ name, staysOut }) => (staysOut ? [[name, NOW_MS + 5_000] as const] : [])));
      return { ...base, nodes, demand: { ...base.demand, reachable, stayOut, nodes: spot } };
    };
    const all = fc.uniqueArray(told, { selector: ({ drawn }) => drawn.name, maxLength: 14 });
    const both = all.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    const bounds = fc.tuple(fc.boolean(), fc.nat(4), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(both, bounds, ([list, mixed], more) => {
        const decision = decide(given(mixed, more));
        expect(decision).toEqual(decide(given(list, more)));
        expect(decision.decisions.map(({ reason }) => reason)).not.toContain('');
        expect(decision.decisions.map(({ node: name }) => name)).toEqual(list.map(({ drawn }) => nodeName(`n${drawn.name}`)).sort());
      }),
    );
  });

  it('never goes below the floor while it has members, never above the limit, and never takes what cannot serve', () => {
    const kept: ReadonlySet<NodeReason> = new Set(['kept-by-floor', 'kept-by-turn', 'kept-mass-not-ready', 'kept-last-endpoint']);
    fc.assert(
      fc.property(anyNodes, fc.boolean(), fc.nat(4), fc.integer({ min: 1, max: 8 }), (drawn, local, floor, most) => {
        const { backends, decisions } = decide(givenOf(drawn, local, floor, most));
        const members = drawn.filter(({ member }) => member).length;
        expect(backends.length).toBeGreaterThanOrEqual(Math.min(floor, members, most));
        expect(backends.length).toBeLessThanOrEqual(most);
        expect(backends.map(({ node: name }) => name)).toEqual(decisions.filter((one) => one.in).map((one) => one.node));
        for (const one of decisions.filter((decision) => decision.in)) {
          const facts = factsOf(drawn.find(({ name }) => `n${name}` === one.node) ?? never());
          const serves =
            facts.ready && !facts.deleting && facts.labels['node.kubernetes.io/exclude-from-external-load-balancers'] === undefined;
          expect(serves || kept.has(one.code)).toBe(true);
        }
      }),
    );
  });

  it('lets no more than half go for the sake of cordons and taints', () => {
    const wishes = fc.uniqueArray(
      fc.record({ name: fc.integer({ min: 1, max: 40 }), unschedulable: fc.boolean(), taint: fc.boolean(), member: fc.boolean() }),
      {
        selector: ({ name }) => name,
        minLength: 1,
        maxLength: 14,
      },
    );
    fc.assert(
      fc.property(wishes, (drawn) => {
        const healthy = drawn.map((one) => ({ ...one, ready: true, deleting: false, exclude: false, isNew: false, endpoint: true }));
        const { backends } = decide(givenOf(healthy, false, 0, 100));
        expect(backends.length).toBeGreaterThanOrEqual(Math.ceil(drawn.length / 2));
      }),
    );
  });

  it('is at rest after one step: what it decided, decided again, is the same', () => {
    fc.assert(
      fc.property(anyNodes, fc.boolean(), fc.nat(3), fc.integer({ min: 3, max: 8 }), (drawn, local, floor, most) => {
        const first = decide(givenOf(drawn, local, floor, most));
        const inside = new Set<NodeName>(first.backends.map(({ node: name }) => name));
        const settled = drawn.map((one) => ({ ...one, member: inside.has(nodeName(`n${one.name}`)) }));
        const again = decide(givenOf(settled, local, floor, most));
        expect(again.backends.map(({ node: name }) => name)).toEqual(first.backends.map(({ node: name }) => name));
      }),
    );
  });

  it('brings no node in by a stricter policy, but for those that a floor keeps', () => {
    const stricter = fc.constantFrom<Partial<PoolPolicy>>(
      { nodes: [{ key: 'odd', operator: 'exists', values: [] }] },
      { drainingTaints: ['ToBeDeletedByClusterAutoscaler', 'odd'] },
      { graceMs: 60_000 },
      { addressFamily: 'IPv6' },
      { addressTypes: [] },
    );
    const ready = (given: Given): readonly string[] => decide(given).decisions.flatMap((one) => (one.code === 'ready' ? [one.node] : []));
    fc.assert(
      fc.property(anyNodes, fc.boolean(), fc.nat(3), stricter, (drawn, local, floor, policy) => {
        const given = givenOf(drawn, local, floor, 100);
        const odd = given.nodes.map((one, i) => (i % 2 === 0 ? one : { ...one, labels: { ...one.labels, odd: '' } }));
        const before = ready({ ...given, nodes: odd });
        const strict = { ...given, nodes: odd, policy };
        expect(ready(strict).filter((name) => !before.includes(name))).toEqual([]);
        const lenient = new Set(decide({ ...given, nodes: odd }).backends.map((backend) => backend.node));
        const wider = decide(strict).backends.filter((backend) => !lenient.has(backend.node));
        const held = new Set(['kept-by-floor', 'kept-by-turn', 'kept-mass-not-ready', 'kept-last-endpoint']);
        const codes = new Map(decide(strict).decisions.map((one) => [one.node, one.code]));
        for (const backend of wider) expect(held.has(codes.get(backend.node) ?? '')).toBe(true);
      }),
    );
  });

  it('never lets wishes take a pool below its floor, nor more than half of it at once', () => {
    const wish = fc.constantFrom<Partial<NodeFacts>>(
      { unschedulable: true },
      tainted,
      { annotations: { 'poolkeeper.dev/drain': 'true' } },
      {},
    );
    fc.assert(
      fc.property(fc.array(wish, { minLength: 1, maxLength: 14 }), fc.nat(14), (wishes, floor) => {
        const nodes = wishes.map((facts, i) => node(`n${i}`, facts));
        const { backends, decisions } = decide({ nodes, demand: { minBackends: floor } });
        expect(backends.length).toBeGreaterThanOrEqual(Math.min(floor, nodes.length));
        expect(backends.length).toBeGreaterThanOrEqual(Math.ceil(nodes.length / 2));
        for (const one of decisions) expect(one.reason).not.toBe('');
      }),
    );
  });

  it('moves only what must move when a node joins or leaves a pool that is cut to fit', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 3, maxLength: 20 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 8 }), fc.boolean(), ([changing = 0, ...rest], most, fresh) => {
        const demand = { maxBackends: most };
        const inside = (list: readonly number[], members: readonly string[]): readonly string[] =>
          decide({ nodes: list.map((i) => node(`n${i}`)), members, demand }).backends.map(({ node: name }) => name);
        const before = inside(rest, []);
        const members = fresh ? [] : before;
        const joined = inside([changing, ...rest], members);
        expect(joined.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(fresh || before.length < most ? 1 : 0);
        const [leaver] = before;
        const left = inside(
          rest.filter((i) => `n${i}` !== leaver),
          fresh ? [] : before,
        );
        expect(left.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(1);
        expect(before.filter((name) => !left.includes(name))).toEqual([leaver]);
      }),
    );
  });
});

function never(): never {
  throw new Error('every decision is about a node that was drawn');
}
