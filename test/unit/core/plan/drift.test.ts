import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareAction, sizeOf } from '../../../../src/adapters/consul/pack-actions.ts';
import { lowerLimits } from '../../../../src/adapters/consul/transaction-limits.ts';
import type { Action, RegisterPool } from '../../../../src/core/model/action.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { RegisteredInstance, RegistryState, StrangeInstance } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { recogniseDrift } from '../../../../src/core/plan/recognise-drift.ts';
import { complete, EMPTY_REGISTRY, endpoints, keys, node, POLICY, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const POOL = keys.pool('web');
const specOf = (annotations: Record<string, string> = {}): ReturnType<typeof spec> => spec('web.json', service('web', { annotations }));
const fleet = (...names: readonly string[]): readonly NodeFacts[] => names.map((name) => node(name));
const start = (nodes = fleet('n1', 'n2', 'n3')): World =>
  world({ specs: complete(specSet([specOf()])), nodes, endpoints: [endpoints('default/web')] });
const settled = (nodes?: readonly NodeFacts[]): World => settle(start(nodes)).world;
const registryOf = (base: World): RegistryState => snapshotValue(base.registry) ?? EMPTY_REGISTRY;
const withRegistry = (base: World, more: Partial<RegistryState>): World => ({
  ...base,
  registry: complete({ ...registryOf(base), ...more }),
});
const withNodes = (base: World, nodes: readonly NodeFacts[]): World => ({
  ...base,
  cluster: { ...base.cluster, nodes: complete(nodes) },
});
const register = (actions: readonly Action[]): RegisterPool | undefined => actions.find((action) => action.kind === 'register-pool');
const codes = (base: World): readonly string[] => planWorld(base).guarded.plans.flatMap(({ problems }) => problems.map(({ code }) => code));

describe('a pool whose name or annotations are refused', () => {
  const renamed = (base: World): World => ({
    ...base,
    specs: complete(specSet([specOf({ 'poolkeeper.dev/service-name': 'taken', tags: 'other' })])),
  });
  const taken = (base: World): World => withRegistry(renamed(base), { foreignServices: new Set(['taken']) });
  const broken = (base: World): World => ({
    ...base,
    specs: complete(specSet([specOf({ 'poolkeeper.dev/min-backends': 'many', tags: 'other' })])),
  });

  it.each([
    ['a name that is taken', taken, 'CONSUL_NAME_TAKEN'],
    ['annotations with a mistake', broken, 'SPEC_BAD_ANNOTATION'],
  ] as const)('stays as it is: %s', (_, refuse, code) => {
    const base = refuse(settled());
    expect(register(planWorld(base).actions)).toBeUndefined();
    expect(codes(base)).toContain(code);
  });

  it.each([
    ['a name that is taken', taken],
    ['annotations with a mistake', broken],
  ] as const)('lets a node go by the last good registration: %s', (_, refuse) => {
    const before = settled();
    const action = register(planWorld(withNodes(refuse(before), fleet('n1', 'n3'))).actions);
    expect(action).toMatchObject({ service: 'web', set: [], remove: [{ consulNode: 'k8s-c1-n2', service: 'web' }], kv: [] });
  });

  it('takes a node in under the last good registration where only the name is refused', () => {
    const before = settled();
    const [old] = registryOf(before).instances.get(POOL) ?? [];
    const plan = planWorld(withNodes(taken(before), fleet('n1', 'n2', 'n3', 'n4')));
    const action = register(plan.actions);
    expect(action?.set).toMatchObject([{ consulNode: 'k8s-c1-n4', service: 'web', port: old?.port, tags: old?.tags, modifyIndex: 0 }]);
    expect([action?.remove, plan.nodes.map(({ kind }) => kind)]).toEqual([[], ['ensure-node']]);
    expect(register(planWorld(withNodes(broken(before), fleet('n1', 'n2', 'n3', 'n4'))).actions)).toBeUndefined();
  });

  it('follows an address, and drains a node that every pool lets go', () => {
    const moved = node('n2', { addresses: [{ type: 'InternalIP', address: '10.0.0.99' }] });
    const at = planWorld(withNodes(taken(settled()), [...fleet('n1', 'n3'), moved]));
    expect(register(at.actions)?.set).toMatchObject([{ consulNode: 'k8s-c1-n2', address: '10.0.0.99', service: 'web' }]);
    const cordoned = planWorld(withNodes(broken(settled()), [...fleet('n1', 'n3'), node('n2', { unschedulable: true })]));
    expect(cordoned.nodes).toMatchObject([{ kind: 'ensure-node', status: 'critical', node: { name: 'k8s-c1-n2' } }]);
  });

  it.each([
    ['a name that is taken', taken],
    ['annotations with a mistake', broken],
  ] as const)('gets back what somebody has edited, and nobody joins by the edited one: %s', (_, refuse) => {
    const before = settled();
    const [one, ...others] = registryOf(before).instances.get(POOL) ?? [];
    if (one === undefined) throw new Error('nothing is registered');
    const edited = withRegistry(before, { instances: new Map([[POOL, [{ ...one, tags: ['theirs'], port: 1 }, ...others]]]) });
    const { world: rest, last } = settle(withNodes(refuse(edited), fleet('n1', 'n2', 'n3', 'n4')));
    const said = registryOf(rest)
      .instances.get(POOL)
      ?.map(({ service: name, tags, port }) => ({ name, tags, port }));
    expect(new Set(said?.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ name: 'web', tags: one.tags, port: one.port })]),
    );
    expect(last.actions).toEqual([]);
  });

  it('comes to rest, and is what it would have been once it is allowed', () => {
    const fewer = withNodes(taken(settled()), fleet('n1', 'n3', 'n4'));
    const rest = settle(fewer);
    expect(rest.last.actions).toEqual([]);
    const freed = settle(withRegistry(rest.world, { foreignServices: new Set() })).world;
    expect(
      registryOf(freed)
        .instances.get(POOL)
        ?.map(({ service: name }) => name),
    ).toEqual(['taken', 'taken', 'taken']);
  });

  it('is never brought below its floor', () => {
    const down = fleet('n1', 'n2', 'n3').map((one) => ({ ...one, unschedulable: true }));
    const rest = settle(withNodes(taken(settled()), down)).world;
    expect(registryOf(rest).instances.get(POOL)?.length).toBeGreaterThanOrEqual(1);
  });
});

describe('what was edited', () => {
  const wipe = (instance: RegisteredInstance, more: Partial<StrangeInstance> = {}): StrangeInstance => {
    const { pool: _pool, node: _node, ...rest } = instance;
    return { ...rest, meta: {}, tags: [], ...more };
  };
  const edited = (more: Partial<StrangeInstance> = {}, ofNode: Partial<{ meta: object; id: string; ours: boolean }> = {}): World => {
    const base = settled();
    const { instances, nodes } = registryOf(base);
    const [one, ...others] = instances.get(POOL) ?? [];
    if (one === undefined) throw new Error('nothing is registered');
    const on = nodes.get(one.consulNode);
    if (on === undefined) throw new Error('it stands on no node');
    return withRegistry(base, {
      instances: new Map([[POOL, others]]),
      strangers: [wipe(one, more)],
      nodes: new Map([...nodes, [on.name, { ...on, ...ofNode } as typeof on]]),
    });
  };

  it.each<[string, Partial<StrangeInstance>, Parameters<typeof edited>[1]]>([
    ['Meta and tags', {}, {}],
    ['port and address', { port: 1, address: '10.9.9.9' }, {}],
    ['Meta, with that of its node', {}, { meta: {}, ours: true }],
    ['Meta, with Meta and id of its node', {}, { meta: {}, id: '', ours: false }],
  ])('is ours by its id, and repaired: %s', (_, more, ofNode) => {
    const plan = planWorld(edited(more, ofNode));
    expect(register(plan.actions)).toMatchObject({ set: [{ modifyIndex: 7, meta: { cluster: 'c1' } }], remove: [] });
    expect(plan.nodes.map(({ kind }) => kind)).toEqual(ofNode?.meta === undefined ? [] : ['ensure-node']);
  });

  it.each<[string, Partial<StrangeInstance>, Parameters<typeof edited>[1]]>([
    ['it names another cluster', { meta: { cluster: 'c2' } }, {}],
    ['it is of another Consul service', { service: 'theirs' }, {}],
  ])('is left alone and told where %s', (_, more, ofNode) => {
    const base = edited(more, ofNode);
    expect(register(planWorld(base).actions)?.set ?? []).toEqual([]);
    expect(codes(base)).toEqual(['CONSUL_INSTANCE_TAKEN']);
  });

  it.each<[string, Parameters<typeof edited>[1]]>([
    ['names another owner', { meta: { owner: 'them' }, ours: false }],
    ['has the id of another node', { meta: {}, id: 'e54c45a1-0000-5000-8000-000000000000', ours: false }],
  ])('is left alone on a node that %s', (_, ofNode) => {
    const base = edited({}, ofNode);
    expect(register(planWorld(base).actions)?.set ?? []).toEqual([]);
    expect(codes(base)).toEqual(['CONSUL_NODE_TAKEN']);
  });

  it.each<[string, Record<string, string>]>([
    ['as it is', {}],
    ['whose name is refused', { 'poolkeeper.dev/service-name': 'taken' }],
  ])('never empties a pool %s: what is registered on nodes that others have taken stays when there is nothing else', (_, annotations) => {
    const base = settled();
    const takeNodes = (...names: readonly string[]): World => {
      const nodes = [...registryOf(base).nodes].map(
        ([name, one]) => [name, names.includes(name) ? { ...one, meta: { owner: 'them' }, ours: false } : one] as const,
      );
      return {
        ...withRegistry(base, { nodes: new Map(nodes), foreignServices: new Set(['taken']) }),
        specs: complete(specSet([specOf(annotations)])),
      };
    };
    const some = register(planWorld(takeNodes('k8s-c1-n1', 'k8s-c1-n2')).actions);
    expect(some?.remove.map(({ consulNode }) => consulNode)).toEqual(['k8s-c1-n1', 'k8s-c1-n2']);
    const all = takeNodes('k8s-c1-n1', 'k8s-c1-n2', 'k8s-c1-n3');
    expect(register(planWorld(all).actions)).toBeUndefined();
    expect(codes(all).filter((code) => code === 'CONSUL_NODE_TAKEN')).toHaveLength(3);
  });

  it('does not matter where agents register: they need no node of ours', () => {
    const policy: Policy = { ...POLICY, registration: 'kv' };
    const told = settle(start(), { policy }).world;
    const taken = { name: 'k8s-c1-n1', id: 'x', address: '10.9.9.9', meta: { owner: 'them' }, modifyIndex: 3, ours: false };
    const plan = planWorld(withRegistry(told, { nodes: new Map([[taken.name, taken]]) }), { policy });
    expect([plan.actions, plan.guarded.plans.flatMap(({ problems }) => problems)]).toEqual([[], []]);
  });

  it('is the registry itself where nothing is strange, or nothing of it is ours', () => {
    const plain = registryOf(settled());
    const views = planWorld(settled()).context.views;
    expect(recogniseDrift(plain, views.values(), POLICY)).toBe(plain);
    const strange = registryOf(edited({ id: 'web-1' }));
    expect(recogniseDrift(strange, views.values(), POLICY)).toBe(strange);
  });

  it('gets the marks of its node back before it leaves, so that the node can go after it', () => {
    const plan = planWorld(withNodes(edited({}, { meta: {}, id: '', ours: false }), fleet('n2', 'n3')));
    expect(plan.nodes).toMatchObject([{ kind: 'ensure-node', status: 'critical', node: { name: 'k8s-c1-n1' }, nodeIndex: 7 }]);
    expect(register(plan.actions)).toMatchObject({ set: [], remove: [{ consulNode: 'k8s-c1-n1' }] });
  });
});

describe('a second writer of a name that we hold', () => {
  const joined = (base: World): World => withRegistry(base, { foreignServices: new Set(['web']) });

  it('is told as a warning, and changes nothing of ours', () => {
    expect(codes(joined(settled()))).toEqual(['CONSUL_NAME_SHARED']);
    expect(planWorld(joined(settled())).actions).toEqual([]);
    expect(registryOf(settle(withNodes(joined(settled()), fleet('n1', 'n2'))).world).instances.get(POOL)).toHaveLength(2);
  });
});

describe('the size of a transaction', () => {
  const lengths = fc.record({ tags: fc.array(fc.string({ maxLength: 400, unit: 'grapheme' }), { maxLength: 12 }), esm: fc.boolean() });

  it('is never more than Consul takes: a pool is cut to what fits, by operations and by bytes, whatever its tags', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 20_000, max: 500_000 }), fc.constantFrom(64, 128), ({ tags, esm }, bytes, operations) => {
        const lines = tags.map((tag) => `t${tag.replaceAll(/\s/gu, '')}`).join('\n');
        const annotations = {
          ...(lines === '' ? {} : { 'poolkeeper.dev/tags': lines }),
          ...(esm ? { 'poolkeeper.dev/health': 'esm' } : {}),
        };
        const nodes = Array.from({ length: 130 }, (_, at) => node(`node-with-a-rather-long-name-${at + 1}.example.internal`));
        const base = world({ specs: complete(specSet([specOf(annotations)])), nodes, endpoints: [endpoints('default/web')] });
        const small = { ...base, registry: complete({ ...EMPTY_REGISTRY, limits: { operations, bytes } }) };
        let state: World = small;
        for (let pass = 0; pass < 8; pass++) {
          const { last, world: next } = settle(state, {}, 1);
          const action = register(last.actions);
          if (action !== undefined) {
            const size = sizeOf([prepareAction(action, 0, 1)]);
            expect(size.operations).toBeLessThanOrEqual(operations);
            expect(size.bytes).toBeLessThanOrEqual(bytes);
          }
          state = next;
        }
        expect(registryOf(state).instances.get(POOL)?.length ?? 0).toBeGreaterThan(0);
      }),
      { numRuns: 25 },
    );
  });

  it('learns less from every refusal, whatever it says', () => {
    const answers = fc.oneof(
      fc.string(),
      fc.nat(300).map((most) => `Transaction contains too many operations (300 > ${most})`),
      fc.tuple(fc.nat(600_000), fc.nat(600_000)).map(([body, most]) => `Request body(${body} bytes) too large, max size: ${most} bytes`),
    );
    fc.assert(
      fc.property(answers, fc.integer({ min: 3, max: 128 }), fc.integer({ min: 2_000, max: 500_000 }), (answer, operations, bytes) => {
        const limits = { operations: 128, bytes: 500 * 1024 };
        const lower = lowerLimits(limits, { operations, bytes }, answer);
        expect(lower.operations < operations || lower.bytes < bytes).toBe(true);
        expect(lower.operations <= limits.operations && lower.bytes <= limits.bytes).toBe(true);
      }),
    );
  });
});
