import { describe, expect, it } from 'vitest';
import type { Memory } from '../../../../src/core/model/memory.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { specState } from '../../../../src/core/report/spec-state.ts';
import { commit, complete, deployment, endpoints, MEMORY, NOW_MS, node, service, spec, specSet, world } from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const web = (image = 'web:1') => spec('web.json', deployment('web', { image }), service('web'));
const shop = (image = 'shop:1') => spec('shop.json', deployment('shop', { image }), service('shop'));
const pods = ['web', 'shop'].map((name) => endpoints(`default/${name}`));
const settled = settle(world({ specs: complete(specSet([web(), shop()])), endpoints: pods }), {}, 8).world;
const suspended = (one: Memory['suspended'] = { 'web.json': { atMs: 1 } }): Memory => ({ ...MEMORY, suspended: one });
const withSpecs = (...specs: readonly ReturnType<typeof spec>[]): World => ({ ...settled, specs: complete(specSet(specs)) });
const what = (plan: ModelPlan): readonly string[] =>
  plan.actions.map((action) => (action.kind === 'apply-object' ? action.key : action.kind)).sort();
const planOf = (plan: ModelPlan, id: string) => plan.guarded.plans.find((one) => one.spec === id);

describe('a spec that is suspended', () => {
  it('is not applied, while the others are', () => {
    const changed = withSpecs(web('web:2'), shop('shop:2'));
    expect(what(planWorld(changed))).toEqual(['apps/Deployment/default/shop', 'apps/Deployment/default/web']);
    const plan = planWorld(changed, { memory: suspended() });
    expect(what(plan)).toEqual(['apps/Deployment/default/shop']);
    const own = planOf(plan, 'web.json');
    expect(own).toMatchObject({ standing: 'suspended', waiting: [{ what: 'suspended' }] });
    if (own !== undefined) expect(specState({ plan: own, open: [], problems: [], world: changed })).toBe('suspended');
  });

  it('is not deleted when its file goes, nor what the file drops, and both are when it is resumed', () => {
    for (const left of [withSpecs(shop()), withSpecs(spec('web.json', deployment('web', { image: 'web:1' })), shop())]) {
      const plan = planWorld(left, { memory: suspended() });
      expect([what(plan), plan.guarded.holds]).toEqual([[], []]);
      expect(plan.context.views.get('default/web' as never)?.leaving).toBeUndefined();
      expect(what(planWorld(left))).toEqual(['deregister-pool']);
    }
  });

  it('comes back into traffic when it is suspended amid its removal, which nothing has granted any more then', () => {
    const left = withSpecs(shop());
    const first = planWorld(left);
    const draining = { ...applyToWorld(left, first.actions), specs: left.specs };
    const memory: Memory = { ...first.guarded.memory, ...suspended(), removals: first.guarded.memory.removals };
    const plan = planWorld(draining, { memory, nowMs: NOW_MS + 1 });
    expect(what(plan)).toEqual(['register-pool']);
    const back = { ...applyToWorld(draining, plan.actions), specs: left.specs };
    expect(planWorld(back, { memory: plan.guarded.memory, nowMs: NOW_MS + 2 }).guarded.memory.removals).toEqual({});
  });

  it('lets nothing pass for applied that would be held', () => {
    const plan = planWorld(withSpecs(shop()), { memory: suspended() });
    expect(plan.guarded.memory.appliedRevision).toBe('r1');
    expect(planWorld(withSpecs(web('web:2'), shop()), { memory: suspended() }).guarded.memory.appliedRevision).toBe('r2');
    // A trailer that came with the removal still counts when it is resumed.
    const all = { ...MEMORY, suspendedAll: { atMs: 1 } };
    const none: World = { ...settled, specs: complete(specSet([], { commits: [commit('c9', '2')] })) };
    const held = planWorld(none, { memory: all }).guarded.memory;
    const { suspendedAll: _gone, ...resumed } = held;
    expect(what(planWorld(none, { memory: resumed }))).toEqual(['deregister-pool', 'deregister-pool']);
  });

  it('keeps its pool by what runs: annotations of the file wait, nodes come and go', () => {
    const tagged = spec('web.json', deployment('web'), service('web', { annotations: { 'traefik.enable': 'true' } }));
    expect(what(planWorld(withSpecs(tagged, shop()), { memory: suspended() }))).toEqual([]);
    const without = spec('web.json', deployment('web'), service('web', { annotations: { 'poolkeeper.dev/register': 'false' } }));
    expect(what(planWorld(withSpecs(without, shop()), { memory: suspended() }))).toEqual([]);
    const more: World = { ...settled, cluster: { ...settled.cluster, nodes: complete([node('n1'), node('n8'), node('n9')]) } };
    const memory = suspended({ 'web.json': { atMs: 1 }, 'shop.json': { atMs: 1 } });
    expect(what(planWorld(more, { memory }))).toEqual(['register-pool', 'register-pool']);
  });

  it('is left alone although it has drifted, and applied again when it is resumed', () => {
    const file = withSpecs(web('web:2'), shop());
    const memory = suspended();
    expect(what(planWorld(file, { memory }))).toEqual([]);
    const { suspended: _none, ...resumed } = planWorld(file, { memory }).guarded.memory;
    const plan = planWorld(file, { memory: resumed });
    expect(what(plan)).toEqual(['apps/Deployment/default/web']);
    expect(what(planWorld({ ...applyToWorld(file, plan.actions), specs: file.specs }, { memory: plan.guarded.memory }))).toEqual([]);
  });

  it('is resumed by itself at its time, which the plan waits for', () => {
    const memory = suspended({ 'web.json': { atMs: 1, untilMs: NOW_MS + 10, reason: 'tests by hand' } });
    const before = planWorld(withSpecs(web('web:2'), shop()), { memory });
    expect(planOf(before, 'web.json')?.waiting).toEqual([
      { leg: 'kubernetes', what: 'suspended: tests by hand', on: undefined, untilMs: NOW_MS + 10 },
    ]);
    const after = planWorld(withSpecs(web('web:2'), shop()), { memory, nowMs: NOW_MS + 10 });
    expect(what(after)).toEqual(['apps/Deployment/default/web']);
    expect(after.guarded.memory.suspended).toBeUndefined();
  });

  it('is any spec while all are, those that come included', () => {
    const memory: Memory = { ...MEMORY, suspendedAll: { atMs: 1 } };
    const plan = planWorld(withSpecs(web('web:2'), spec('new.json', deployment('new'))), { memory });
    expect([what(plan), plan.guarded.plans.map(({ standing }) => standing)]).toEqual([[], ['suspended', 'suspended', 'suspended']]);
  });

  it('is broken first of all, and owns what it owned', () => {
    const broken: World = { ...settled, specs: complete({ ...specSet([shop()]), broken: new Map([['web.json' as never, []]]) }) };
    const plan = planWorld(broken, { memory: suspended() });
    expect([what(plan), planOf(plan, 'web.json')?.standing]).toEqual([[], 'broken']);
  });

  it('does not keep another spec from taking over what its file has dropped', () => {
    const moved = withSpecs(shop(), spec('other.json', deployment('web'), service('web')));
    expect(what(planWorld(moved, { memory: suspended() }))).toEqual(
      expect.arrayContaining(['/Service/default/web', 'apps/Deployment/default/web']),
    );
  });

  it.each(['constructor', '__proto__', 'toString'])('is not suspended for being named %s', (id) => {
    const base: World = { ...settled, specs: complete(specSet([spec(id, deployment('x'))])) };
    expect(planOf(planWorld(base, { memory: suspended() }), id)?.standing).toBe('decoded');
  });
});

describe('a spec that depends on one that is suspended', () => {
  const ANNOTATION = { 'poolkeeper.dev/depends-on': 'web.json' };
  const dependent = (image: string) =>
    spec('shop.json', {
      ...deployment('shop', { image }),
      metadata: { namespace: 'default', name: 'shop', annotations: ANNOTATION },
    } as never);

  it('goes on while that is in step, and waits for what of it is not applied', () => {
    const going = withSpecs(web(), dependent('shop:2'));
    expect(planOf(planWorld(going, { memory: suspended() }), 'shop.json')?.waiting.map((one) => one.what)).not.toContainEqual(
      expect.stringContaining('web.json'),
    );
    const waits = withSpecs(web('web:2'), dependent('shop:2'));
    expect(planOf(planWorld(waits, { memory: suspended() }), 'shop.json')?.waiting.map((one) => one.what)).toContainEqual(
      expect.stringMatching(/waits for web\.json: it is suspended, and Deployment default\/web: its change is not applied yet/),
    );
  });
});
