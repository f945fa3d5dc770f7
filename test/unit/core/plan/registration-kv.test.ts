import { describe, expect, it } from 'vitest';
import type { Action, DeregisterPool, RegisterPool } from '../../../../src/core/model/action.ts';
import type { JsonObject } from '../../../../src/core/model/objects.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import { readEntry } from '../../../../src/core/model/told-agents.ts';
import type { World } from '../../../../src/core/model/world.ts';
import {
  commit,
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  node,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const KV: Policy = { ...POLICY, registration: 'kv' };
const CATALOG: Policy = { ...POLICY, registration: 'catalog' };
const NAMES = ['a', 'b', 'c', 'd', 'e'];
type ServiceParts = NonNullable<Parameters<typeof service>[1]>;
const app = (name: string, parts: ServiceParts = {}): ReturnType<typeof spec> =>
  spec(`${name}.json`, deployment(name), service(name, parts));
const start = (names: readonly string[] = NAMES): World =>
  world({
    specs: complete(specSet(names.map((name) => app(name)))),
    endpoints: names.map((name) => endpoints(`default/${name}`)),
  });
const poolsIn = (base: World): number => snapshotValue(base.registry)?.instances.size ?? 0;
const entryOf = (base: World, pool: string): { readonly spec: JsonObject } =>
  JSON.parse(snapshotValue(base.registry)?.kv.get(keys.deployments(pool))?.value ?? '{}') as { readonly spec: JsonObject };
const nodePortsIn = (base: World): readonly number[] =>
  [...(snapshotValue(base.cluster.services)?.values() ?? [])].flatMap((live) =>
    (live.spec['ports'] as readonly JsonObject[]).map((port) => Number(port['nodePort'])),
  );
const deregistrations = (actions: readonly Action[]): readonly DeregisterPool[] =>
  actions.filter((action) => action.kind === 'deregister-pool');

describe('handing pools over to agents', () => {
  it.each([
    ['both', POLICY],
    ['catalog', CATALOG],
  ])('from %s is held when it would take all pools out of the catalog', (_name, before) => {
    const plan = planWorld(settle(start(), { policy: before }).world, { policy: KV });
    expect(deregistrations(plan.actions)).toEqual([]);
    expect(plan.guarded.holds.map(({ what, reason }) => [what, reason.code])).toEqual(
      NAMES.map((name) => [`pool default/${name}`, 'REMOVAL_ALL']),
    );
  });

  it('is held while Consul, Kubernetes or Git has no complete answer', () => {
    const base = settle(start(), { policy: POLICY }).world;
    const plan = planWorld({ ...base, specs: stale(specSet(NAMES.map((name) => app(name)))) }, { policy: KV });
    expect(deregistrations(plan.actions)).toEqual([]);
    expect(new Set(plan.guarded.holds.map(({ reason }) => reason.code))).toEqual(new Set(['SNAPSHOT_NOT_COMPLETE']));
  });

  it('follows nodes and tags in the catalog and in the key while it is held', () => {
    const base = settle(start(['a'])).world;
    const changed: World = {
      ...base,
      specs: complete(specSet([app('a', { annotations: { tags: 'kubernetes,new' } })])),
      cluster: { ...base.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { ready: false })]) },
    };
    const plan = planWorld(changed, { policy: KV });
    const register = plan.actions.find((action): action is RegisterPool => action.kind === 'register-pool');
    expect(register?.set).toHaveLength(2);
    expect(register?.remove).toHaveLength(1);
    expect(register?.kv.map(({ key }) => key)).toEqual([keys.deployments('default/a')]);
    expect(plan.nodes).toMatchObject([{ kind: 'ensure-node', status: 'critical' }]);
  });

  it('is done once it is approved, keeps the keys that agents read, and then lets the synthetic nodes go', () => {
    const base = settle(start()).world;
    const approved: World = {
      ...base,
      specs: complete(
        specSet(
          NAMES.map((name) => app(name)),
          { commits: [commit('r3', '5')] },
        ),
      ),
    };
    const plan = planWorld(approved, { policy: KV, memory: { ...MEMORY, appliedRevision: 'r1' } });
    const told = deregistrations(plan.actions).flatMap(({ kv }) => kv.map(({ value }) => readEntry(value ?? '').nodes));
    expect(told).toEqual(NAMES.map(() => ['n1', 'n2', 'n3']));
    const after = settle(approved, { policy: KV, memory: plan.guarded.memory });
    expect(poolsIn(after.world)).toBe(0);
    expect(NAMES.every((name) => entryOf(after.world, `default/${name}`).spec !== undefined)).toBe(true);
    expect(snapshotValue(after.world.registry)?.nodes.size).toBe(0);
    expect(after.last.actions).toEqual([]);
  });

  it('writes the key that agents read in the same transaction', () => {
    const base = settle(start(), { policy: CATALOG }).world;
    const generous: Policy = { ...KV, guard: { windowMs: 600_000, maxRemovedPools: { kind: 'number', value: 4 } } };
    const gone = new Map([...(snapshotValue(base.registry)?.instances ?? [])].slice(0, 1));
    const one: World = { ...base, registry: complete({ ...(snapshotValue(base.registry) ?? EMPTY_REGISTRY), instances: gone }) };
    const plan = planWorld(one, { policy: generous });
    expect(deregistrations(plan.actions).map(({ kv }) => kv.map(({ key, value }) => [key, value === undefined]))).toEqual([
      [[keys.deployments('default/a'), false]],
    ]);
  });

  it('does not happen while the key that agents read is of someone else', () => {
    const base = settle(start(['a']), { policy: CATALOG }).world;
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const key = keys.deployments('default/a');
    const kv = new Map([...state.kv, [key, { key, value: '{}', flags: 0, modifyIndex: 4 }]]);
    const plan = planWorld({ ...base, registry: complete({ ...state, kv }) }, { policy: KV });
    expect([plan.guarded.holds, deregistrations(plan.actions)]).toEqual([[], []]);
    expect(plan.guarded.plans[0]?.problems.map(({ code }) => code)).toEqual(['CONSUL_KEY_TAKEN']);
  });
});

describe('where agents register', () => {
  const port = (nodePort: number): ServiceParts => ({
    spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort }] },
  });
  const settled = (): World => settle({ ...start(['a']), specs: complete(specSet([app('a', port(31_000))])) }, { policy: KV }).world;
  const moved = (): World => ({ ...settled(), specs: complete(specSet([app('a', port(31_999))])) });

  it('the name that they have registered is no stranger', () => {
    const base = settled();
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const foreign: World = {
      ...base,
      registry: complete({ ...state, foreignServices: new Set(['a']) }),
      specs: complete(specSet([app('a', { ...port(31_000), annotations: { tags: 'new' } })])),
    };
    const applied = applyToWorld(foreign, planWorld(foreign, { policy: KV }).actions);
    const plan = planWorld(applied, { policy: KV });
    expect([...planWorld(foreign, { policy: KV }).actions, ...plan.actions].map(({ kind }) => kind)).toContain('register-pool');
    expect(plan.guarded.plans[0]?.problems).toEqual([]);
  });

  it('a NodePort stays open while the key tells it, and then drains in full', () => {
    const opened = applyToWorld(moved(), planWorld(moved(), { policy: KV }).actions);
    expect([...nodePortsIn(opened)].sort()).toEqual([31_000, 31_999]);
    const told = applyToWorld(opened, planWorld(opened, { policy: KV }).actions);
    expect(entryOf(told, 'default/a').spec['ports']).toMatchObject([{ name: 'http', nodePort: 31_999 }]);
    expect(JSON.parse(snapshotValue(told.registry)?.kv.get(keys.draining('default/a'))?.value ?? '{}')).toMatchObject({
      ports: { 31000: NOW_MS },
    });
    expect(planWorld(told, { policy: KV, nowMs: NOW_MS + 29_000 }).actions).toEqual([]);
    const closed = applyToWorld(told, planWorld(told, { policy: KV, nowMs: NOW_MS + 30_001 }).actions);
    expect(nodePortsIn(closed)).toEqual([31_999]);
  });

  it('a NodePort stays open while the entry of someone else tells it', () => {
    const base = moved();
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const kv = new Map(
      [...state.kv].map(([key, entry]) => [key, key.startsWith('kubernetes/deployments/') ? { ...entry, flags: 0 } : entry]),
    );
    const opened = applyToWorld({ ...base, registry: complete({ ...state, kv }) }, planWorld(base, { policy: KV }).actions);
    const later = planWorld(opened, { policy: KV, nowMs: NOW_MS + 3_600_000 });
    expect([...nodePortsIn(applyToWorld(opened, later.actions))].sort()).toEqual([31_000, 31_999]);
  });

  it('a pool that leaves remembers the NodePorts that the key told', () => {
    const two: World = { ...settle(start(['a', 'b']), { policy: KV }).world, specs: complete(specSet([app('a')])) };
    const [untell] = deregistrations(planWorld(two, { policy: KV }).actions);
    expect(untell?.kv.map(({ key, value }) => [key, readEntry(value ?? '').nodes])).toEqual([
      [keys.deployments('default/b'), []],
      [keys.draining('default/b'), undefined],
    ]);
    const [leave] = deregistrations(planWorld(applyToWorld(two, untell === undefined ? [] : [untell]), { policy: KV }).actions);
    expect(leave?.kv.map(({ key, value }) => [key, value === undefined])).toEqual([[keys.deployments('default/b'), true]]);
  });

  it('an entry of ours whose Service is gone leaves through the guard, without an instance to tell of it', () => {
    const base = settle(start(['a', 'b', 'c']), { policy: KV }).world;
    const services = snapshotValue(base.cluster.services) ?? new Map();
    const rest = new Map([...services].filter(([key]) => key !== '/Service/default/c'));
    const gone: World = {
      ...base,
      specs: complete(specSet([app('a'), app('b')])),
      cluster: { ...base.cluster, services: complete(rest) },
    };
    const plan = planWorld(gone, { policy: KV });
    expect(deregistrations(plan.actions)).toMatchObject([{ pool: 'default/c', remove: [] }]);
    expect(Object.keys(plan.guarded.memory.removals)).toContain('pool:default/c');
    expect(planWorld({ ...gone, specs: stale(specSet([app('a'), app('b')])) }, { policy: KV }).actions).toEqual([]);
    const all: World = {
      ...gone,
      specs: complete(specSet([spec('x.json', deployment('x'))])),
      cluster: { ...base.cluster, services: complete(new Map()) },
    };
    expect(planWorld(all, { policy: KV }).guarded.holds.map(({ reason }) => reason.code)).toContain('REMOVAL_ALL');
  });

  it('an entry of someone else stays when its Service is gone', () => {
    const key = keys.deployments('default/theirs');
    const kv = new Map([[key, { key, value: '{}', flags: 0, modifyIndex: 4 }]]);
    const plan = planWorld({ ...start(['a']), registry: complete({ ...EMPTY_REGISTRY, kv }) }, { policy: KV });
    expect(deregistrations(plan.actions)).toEqual([]);
  });

  it('a Service that is no longer of type NodePort is told to nobody', () => {
    const base = settle(start(['a', 'b', 'c']), { policy: KV }).world;
    const specs = complete(specSet([app('a'), app('b'), app('c', { spec: { type: 'ClusterIP' } })]));
    expect(deregistrations(planWorld({ ...base, specs }, { policy: KV }).actions)).toMatchObject([{ pool: 'default/c' }]);
    const live = [...(snapshotValue(base.cluster.services) ?? [])].map(([id, one]) =>
      id === '/Service/default/c' ? ([id, { ...one, spec: { ...one.spec, type: 'ClusterIP' } }] as const) : ([id, one] as const),
    );
    const changed: World = { ...base, specs, cluster: { ...base.cluster, services: complete(new Map(live)) } };
    expect(deregistrations(planWorld(changed, { policy: KV }).actions)).toMatchObject([{ pool: 'default/c' }]);
  });
});
