import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import { nodeName, type ObjectKey, type PoolKey, type SpecId } from '../../../../src/core/model/ids.ts';
import type { KvEntry, RegistryState } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import type { Look } from '../../../../src/core/plan/settled-plans.ts';
import type { SpecPlan } from '../../../../src/core/plan/spec-plan.ts';
import { isSame, whatChanged } from '../../../../src/core/plan/what-changed.ts';
import { complete, deployment, endpoints, keys, MEMORY, POLICY, service, spec, specSet, stale, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const NAMES = ['a', 'b', 'c'];
const pool = (name: string): PoolKey => `default/${name}` as PoolKey;

function settledWorld(): { readonly site: World; readonly registry: RegistryState } {
  const specs = complete(specSet(NAMES.map((name) => spec(`${name}.json`, deployment(name), service(name)))));
  const site = settle(world({ specs, endpoints: NAMES.map((name) => endpoints(pool(name))) })).world;
  const registry = snapshotValue(site.registry);
  if (registry === undefined) throw new Error('the world has no registry');
  return { site, registry };
}

/** Plans a world, and another one after it with what is remembered; gives the specs that were planned anew. */
function plannedAnew(before: World, after: World): readonly SpecId[] {
  const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
  const known = new Set<SpecPlan>(planWorld(before, { memos }).guarded.plans);
  return planWorld(after, { memos }).guarded.plans.flatMap((plan) => (known.has(plan) ? [] : [plan.spec]));
}

const withRegistry = (site: World, registry: RegistryState): World => ({ ...site, registry: complete(registry) });
const withKey = (registry: RegistryState, entry: Pick<KvEntry, 'key' | 'value'>): RegistryState => ({
  ...registry,
  kv: new Map(registry.kv).set(entry.key, { ...entry, flags: keys.flags, modifyIndex: 99 }),
});

describe('planSpecs', () => {
  const { site, registry } = settledWorld();

  it('keeps the very same plans while nothing changes', () => {
    expect(plannedAnew(site, site)).toEqual([]);
    expect(plannedAnew(site, { ...site, registry: complete({ ...registry, kv: new Map(registry.kv) }) })).toEqual([]);
  });

  it('plans one spec anew when its object, its endpoints, its registration or its file changes', () => {
    const services = new Map(snapshotValue(site.cluster.services));
    const key = '/Service/default/b' as ObjectKey;
    const live = services.get(key);
    if (live === undefined) throw new Error('the world has no Service b');
    const relabelled = complete(services.set(key, { ...live, resourceVersion: '99' }));
    expect(plannedAnew(site, { ...site, cluster: { ...site.cluster, services: relabelled } })).toEqual(['b.json']);
    const facts = new Map(snapshotValue(site.cluster.endpoints)).set(pool('b'), endpoints(pool('b'), 1));
    expect(plannedAnew(site, { ...site, cluster: { ...site.cluster, endpoints: complete(facts) } })).toEqual(['b.json']);
    const instances = new Map([...registry.instances].filter(([name]) => name !== pool('c')));
    expect(plannedAnew(site, withRegistry(site, { ...registry, instances }))).toEqual(['c.json']);
    const edited = specSet([...(snapshotValue(site.specs)?.specs.values() ?? [])].map((one) => (one.id === 'a.json' ? { ...one } : one)));
    expect(plannedAnew(site, { ...site, specs: complete(edited) })).toEqual(['a.json']);
  });

  it('plans all anew when a node changes, or a source goes stale', () => {
    const nodes = [...(snapshotValue(site.cluster.nodes) ?? [])].map((node) => (node.name === nodeName('n1') ? { ...node } : node));
    expect(plannedAnew(site, { ...site, cluster: { ...site.cluster, nodes: complete(nodes) } })).toHaveLength(NAMES.length);
    expect(plannedAnew(site, { ...site, registry: stale(registry) })).toHaveLength(NAMES.length);
  });

  it('keeps the plan of a pool that waits for its first pod, until that is there', () => {
    const none: World = {
      ...site,
      cluster: { ...site.cluster, endpoints: complete(new Map()) },
      registry: complete({ ...registry, instances: new Map() }),
    };
    const facts = complete(new Map([[pool('b'), endpoints(pool('b'))]]));
    expect(plannedAnew(none, none)).toEqual([]);
    expect(plannedAnew(none, { ...none, cluster: { ...none.cluster, endpoints: facts } })).toEqual(['b.json']);
  });

  it('plans anew each time what has something to do', () => {
    const wanting = complete(specSet([...NAMES, 'd'].map((name) => spec(`${name}.json`, deployment(name), service(name)))));
    expect(plannedAnew({ ...site, specs: wanting }, { ...site, specs: wanting })).toEqual(['d.json']);
  });
});

describe('whatChanged', () => {
  const { site, registry } = settledWorld();
  const look = (state: RegistryState): Look => ({ world: site, registry: state, removalBar: undefined, policy: POLICY });
  const changesTo = (state: RegistryState): ReturnType<typeof whatChanged> => whatChanged(look(registry), look(state));

  it('tells the pool of a key, and nothing of the memory', () => {
    const draining = withKey(registry, { key: keys.draining('default/a'), value: '{}' });
    expect(changesTo(draining)).toEqual({ objects: new Set(), pools: new Set(['default/a']) });
    expect(changesTo(withKey(registry, { key: keys.memory, value: JSON.stringify(MEMORY) }))).toEqual({
      objects: new Set(),
      pools: new Set(),
    });
  });

  it('tells the pool of a check', () => {
    const [[id, check] = []] = [...registry.checks].filter(([, { instanceId }]) => instanceId !== '');
    if (id === undefined || check === undefined) throw new Error('no pool has a check');
    const changes = changesTo({ ...registry, checks: new Map(registry.checks).set(id, { ...check, status: 'critical' }) });
    expect(changes === 'all' ? [] : [...changes.pools]).toEqual([
      [...registry.instances].find(([, list]) => list.some((one) => one.id === check.instanceId))?.[0],
    ]);
  });

  it('takes what it does not know for a change of everything', () => {
    expect(changesTo(withKey(registry, { key: `${keys.memory}-of-tomorrow` as KvEntry['key'], value: '1' }))).toBe('all');
    expect(changesTo({ ...registry, novelty: 1 } as unknown as RegistryState)).toBe('all');
    expect(changesTo({ ...registry, foreignServices: new Set(['theirs']) })).toBe('all');
    const cluster = { ...site.cluster, novelty: 1 } as unknown as World['cluster'];
    expect(whatChanged(look(registry), { ...look(registry), world: { ...site, cluster } })).toBe('all');
    const world = { ...site, novelty: 1 } as unknown as World;
    expect(whatChanged(look(registry), { ...look(registry), world })).toBe('all');
  });
});

describe('isSame', () => {
  it('looks one level deep', () => {
    const one = {};
    expect(isSame([one, 1], [one, 1])).toBe(true);
    expect(isSame(new Map([['a', one]]), new Map([['a', one]]))).toBe(true);
    expect(isSame(new Set([one]), new Set([one]))).toBe(true);
    expect(isSame({ a: one, b: undefined }, { a: one, b: undefined })).toBe(true);
    for (const [a, b] of [
      [[one], [{}]],
      [[1], [1, 2]],
      [{ a: 1 }, { b: 1 }],
      [new Set([1]), [1]],
      [undefined, null],
      [{ a: undefined }, {}],
    ] as const) {
      expect(isSame(a, b)).toBe(false);
    }
  });
});
