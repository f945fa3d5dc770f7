import { describe, expect, it } from 'vitest';
import { fits, prepareAction } from '../../../../src/adapters/consul/pack-actions.ts';
import type { Action, WriteKv } from '../../../../src/core/model/action.ts';
import { drainingPrefix } from '../../../../src/core/model/consul-names.ts';
import type { KvKey, ObjectKey, PoolKey } from '../../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND, specId } from '../../../../src/core/model/ids.ts';
import type { LiveObject } from '../../../../src/core/model/objects.ts';
import type { KvEntry } from '../../../../src/core/model/registration.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { parseApproval } from '../../../../src/core/plan/approvals.ts';
import { whySuccessorFirst } from '../../../../src/core/plan/await-successor.ts';
import { forgetDrained } from '../../../../src/core/plan/plan-removals.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  owned,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const app = (name: string): ReturnType<typeof spec> => spec(`${name}.json`, deployment(name), service(name));
const settled = (): World =>
  settle(world({ specs: complete(specSet(NAMES.map(app))), endpoints: NAMES.map((name) => endpoints(`default/${name}`)) })).world;
const withSpecs = (base: World, ...specs: Parameters<typeof specSet>[0]): World => ({ ...base, specs: complete(specSet(specs)) });
const brief = (actions: readonly Action[]): readonly string[] =>
  actions.map((action) => {
    if (action.kind === 'apply-object' || action.kind === 'delete-object') return `${action.kind} ${action.key}`;
    return action.kind === 'write-kv' ? `write-kv ${action.writes[0]?.key}` : `${action.kind} ${action.pool}`;
  });

describe('drains that are over', () => {
  it('are forgotten each for itself: 200 at once are more than one transaction holds', () => {
    const base = settled();
    const state = snapshotValue(base.registry) ?? EMPTY_REGISTRY;
    const gone = Array.from({ length: 200 }, (_, i) => keys.draining(`default/gone-${i}`));
    const entries = [...gone, keys.draining('default/a')].map(
      (key) => [key, { key, value: '{}', flags: keys.flags, modifyIndex: 4 }] as const,
    );
    const { context } = planWorld({ ...base, registry: complete({ ...state, kv: new Map<KvKey, KvEntry>([...state.kv, ...entries]) }) });
    const actions = forgetDrained(context, drainingPrefix('kubernetes', 'c1'));
    const all = actions.map((action, index) => prepareAction(action as WriteKv, index, keys.flags));
    expect(all.every((one) => fits([one], state.limits))).toBe(true);
    expect(all.flatMap(({ writes }) => writes)).toEqual(gone.map((key) => ({ kind: 'remove-key', key, modifyIndex: 4 })));
  });
});

describe('a Service that its spec renames', () => {
  const appliedAtMs = 1_000_000;
  /** The new one is applied, and has pods that are ready or not. */
  function renamed(ready: number): World {
    const specs = [...NAMES.filter((name) => name !== 'a').map(app), spec('a.json', deployment('a'), service('new'))];
    const before = withSpecs(settled(), ...specs);
    const { cluster, ...rest } = applyToWorld(before, planWorld(before).actions);
    const all = new Map([
      ...(snapshotValue(cluster.endpoints) ?? []),
      ['default/new' as PoolKey, endpoints('default/new', ready)] as const,
    ]);
    const stamped = [...(snapshotValue(cluster.services) ?? [])].map(([key, live]) => [key, { ...live, appliedAtMs }] as const);
    return { ...rest, cluster: { ...cluster, services: complete(new Map(stamped)), endpoints: complete(all) } };
  }
  const poolActions = (base: World, nowMs = appliedAtMs): readonly string[] =>
    brief(planWorld(base, { nowMs }).actions).filter((line) => line.includes('register-pool'));

  it('goes on until the new one is in Consul', () => {
    const waiting = renamed(0);
    expect(poolActions(waiting)).toEqual([]);
    const plan = planWorld(waiting, { nowMs: appliedAtMs }).guarded.plans.find((one) => one.spec === 'a.json');
    expect(plan?.waiting.map(({ what }) => what)).toContain('pool default/a goes on until pool default/new of its spec is in Consul');
    const ready = renamed(1);
    const first = planWorld(ready, { nowMs: appliedAtMs }).actions;
    expect(brief(first).filter((line) => line.includes('register-pool'))).toEqual(['register-pool default/new']);
    expect(poolActions(applyToWorld(ready, first))).toEqual(['deregister-pool default/a']);
  });

  it('goes on also where the clock of the API server is a minute off', () => {
    expect(poolActions(renamed(0), appliedAtMs - 60_000)).toEqual([]);
    expect(poolActions(renamed(0), appliedAtMs + 60_000)).toEqual([]);
  });

  it('goes on although another new one, before it in order, never gets ready', () => {
    const base = renamed(0);
    const live = [...(snapshotValue(base.cluster.services) ?? [])];
    const older = live.map(
      ([key, one]) => [key, one.name === 'new' ? { ...one, appliedAtMs: appliedAtMs - POLICY.maxWaitMs } : one] as const,
    );
    const second = { ...owned(service('zz'), 'a.json'), appliedAtMs };
    const services = complete(new Map([...older, [second.key, second] as const]));
    const file = spec('a.json', deployment('a'), service('new'), service('zz'));
    const specs = [...NAMES.filter((name) => name !== 'a').map(app), file];
    const { context } = planWorld(withSpecs({ ...base, cluster: { ...base.cluster, services } }, ...specs), { nowMs: appliedAtMs });
    const wanted = context.desired.specs.get(specId('a.json'));
    if (wanted === undefined) throw new Error('there is no spec a.json');
    expect(whySuccessorFirst('default/a' as PoolKey, wanted, context)?.what).toContain('until pool default/zz');
  });

  it('goes at once when somebody has deleted its Service: the NodePort is closed', () => {
    const base = renamed(0);
    const services = new Map([...(snapshotValue(base.cluster.services) ?? [])].filter(([, { name }]) => name !== 'a'));
    const without = { ...base, cluster: { ...base.cluster, services: complete(services) } };
    expect(poolActions(without)).toEqual(['deregister-pool default/a']);
  });

  it('goes at last when the new one never gets ready', () => {
    expect(poolActions(renamed(0), appliedAtMs + POLICY.maxWaitMs)).toEqual(['deregister-pool default/a']);
  });
});

describe('leaving', () => {
  it('takes an object that a file no longer holds, while the rest stays', () => {
    const { actions, guarded } = planWorld(
      withSpecs(settled(), ...NAMES.filter((name) => name !== 'a').map(app), spec('a.json', service('a'))),
    );
    expect(brief(actions)).toEqual(['delete-object apps/Deployment/default/a']);
    expect(guarded.plans[0]?.removals.map(({ title }) => title)).toEqual(['Deployment default/a']);
  });

  it('deletes with uid and version', () => {
    const { actions } = planWorld(withSpecs(settled(), ...NAMES.slice(1).map(app), spec('a.json', service('a'))));
    expect(actions[0]).toMatchObject({ uid: 'uid-apps/Deployment/default/a', resourceVersion: '1', apiVersion: 'apps/v1' });
  });

  it('never deletes a Namespace: what strangers keep in it would go too', () => {
    const namespace = owned({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } }, 'gone.json');
    const base = settled();
    const objects = new Map([
      ...base.cluster.objects,
      ['/Namespace' as typeof DEPLOYMENT_KIND, complete(new Map([[namespace.key, namespace]]))],
    ]);
    expect(planWorld({ ...base, cluster: { ...base.cluster, objects } }).actions).toEqual([]);
  });

  it('leaves an object alone that is being deleted already', () => {
    const base = withSpecs(settled(), ...NAMES.slice(1).map(app), spec('a.json', service('a')));
    const deployments = snapshotValue(base.cluster.objects.get(DEPLOYMENT_KIND) ?? unavailable<ReadonlyMap<ObjectKey, LiveObject>>());
    const going = new Map([...(deployments ?? [])].map(([key, live]) => [key, { ...live, deleting: true }]));
    const actions = planWorld({ ...base, cluster: { ...base.cluster, objects: new Map([[DEPLOYMENT_KIND, complete(going)]]) } }).actions;
    expect(brief(actions)).toEqual([]);
  });

  it('keeps every object of a spec while the kind of one of them is stale', () => {
    const base = withSpecs(settled(), ...NAMES.slice(1).map(app));
    const objects = new Map([...base.cluster.objects].map(([kind, snapshot]) => [kind, stale(snapshotValue(snapshot) ?? new Map())]));
    const plan = planWorld({ ...base, cluster: { ...base.cluster, objects } });
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.holds.map(({ what, reason }) => [what, reason.code])).toEqual([['Deployment default/a', 'SNAPSHOT_NOT_COMPLETE']]);
  });

  it('takes a pool out whose Service says so, and leaves its objects', () => {
    const quiet = spec('a.json', deployment('a'), service('a', { annotations: { 'poolkeeper.dev/register': 'false' } }));
    const first = settle(withSpecs(settled(), ...NAMES.slice(1).map(app), quiet)).world;
    expect(snapshotValue(first.registry)?.instances.has(keys.pool('a'))).toBe(false);
    expect(snapshotValue(first.cluster.services)?.size).toBe(5);
    const back = settle(withSpecs(first, ...NAMES.map(app))).world;
    expect(snapshotValue(back.registry)?.instances.get(keys.pool('a'))).toHaveLength(3);
    expect(snapshotValue(back.registry)?.kv.has(keys.draining('default/a'))).toBe(false);
  });

  it('drains a Service before it changes its type', () => {
    const inner = spec('a.json', deployment('a'), service('a', { spec: { type: 'ClusterIP' } }));
    const changed = withSpecs(settled(), ...NAMES.slice(1).map(app), inner);
    const first = planWorld(changed);
    expect(brief(first.actions)).toEqual(['deregister-pool default/a']);
    expect(first.guarded.plans[0]?.waiting.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^NodePort \d+ drains before the Service changes its type$/),
    ]);
    const out = applyToWorld(changed, first.actions);
    const { memory } = first.guarded;
    expect(brief(planWorld(out, { memory, nowMs: NOW_MS + 29_999 }).actions)).toEqual([]);
    expect(brief(planWorld(out, { memory, nowMs: NOW_MS + 30_000 }).actions)).toEqual(['apply-object /Service/default/a']);
  });

  it('waits as long as the Service asks', () => {
    const slow = (name: string): ReturnType<typeof spec> =>
      spec(`${name}.json`, deployment(name), service(name, { annotations: { 'poolkeeper.dev/drain-seconds': '100' } }));
    const base = settle(withSpecs(settled(), ...NAMES.slice(1).map(app), slow('a'))).world;
    const gone = withSpecs(base, ...NAMES.slice(1).map(app));
    const first = planWorld(gone);
    const out = applyToWorld(gone, first.actions);
    const { memory } = first.guarded;
    const waiting = planWorld(out, { memory, nowMs: NOW_MS + 119_999 });
    expect(waiting.actions).toEqual([]);
    expect(waiting.guarded.plans[0]?.waiting).toMatchObject([{ untilMs: NOW_MS + 120_000 }]);
    expect(planWorld(out, { memory, nowMs: NOW_MS + 120_000 }).actions).toHaveLength(2);
  });

  it('takes a pool out that has neither Service nor spec', () => {
    const base = settled();
    const services = new Map([...(snapshotValue(base.cluster.services) ?? [])].filter(([key]) => !key.endsWith('/a')));
    const gone: World = {
      ...withSpecs(base, ...NAMES.slice(1).map(app), spec('a.json', deployment('a'))),
      cluster: { ...base.cluster, services: complete(services) },
    };
    expect(brief(planWorld(gone).actions)).toEqual(['deregister-pool default/a']);
  });

  it('keeps a pool registered whose Service was deleted by hand, and makes the Service again', () => {
    const base = settled();
    const services = new Map([...(snapshotValue(base.cluster.services) ?? [])].filter(([key]) => !key.endsWith('/a')));
    expect(brief(planWorld({ ...base, cluster: { ...base.cluster, services: complete(services) } }).actions)).toEqual([
      'apply-object /Service/default/a',
    ]);
  });

  it('does not touch what a set-aside spec holds', () => {
    const thief = spec('z.json', service('a'), deployment('z'));
    const before = settle(withSpecs(settled(), ...NAMES.map(app), spec('z.json', deployment('z')))).world;
    expect(brief(planWorld(withSpecs(before, ...NAMES.map(app), thief)).actions)).toEqual([]);
  });
});

describe('approvals', () => {
  it.each<readonly [string, number]>([
    ['3', 3],
    [' 12 ', 12],
    ['0', 0],
    ['', 0],
    ['-1', 0],
    ['1.5', 0],
    ['3 pools', 0],
    ['١', 0],
    ['1234567', 0],
  ])('reads %o as %i', (text, count) => {
    expect(parseApproval(text)).toBe(count);
  });

  const gone = (...trailers: readonly (readonly string[])[]): World => {
    const commits = trailers.map((allowRemoval, i) => ({
      revision: `c${i}` as never,
      author: 'A',
      committedAtMs: 0,
      subject: 's',
      allowRemoval,
    }));
    return { ...settled(), specs: complete(specSet([app('a')], { commits })) };
  };
  const out = (base: World, memory = MEMORY): number =>
    planWorld(base, { memory }).actions.filter(({ kind }) => kind === 'deregister-pool').length;

  it('of several commits add up, the oldest being used first', () => {
    const plan = planWorld(gone(['3'], [], ['2']));
    expect(plan.guarded.memory.spent).toEqual({ c2: 2, c0: 2 });
    expect(Object.values(plan.guarded.memory.removals)[0]?.approvedBy).toBe('c2, c0');
  });

  it('of one commit do not add up', () => {
    expect(out(gone(['2', '2']))).toBe(0);
    expect(out(gone(['2', '4']))).toBe(4);
  });

  it('are worth what is left of them', () => {
    expect(out(gone(['4']), { ...MEMORY, spent: { c0: 1 } })).toBe(0);
    expect(out(gone(['5']), { ...MEMORY, spent: { c0: 1 } })).toBe(4);
  });

  it('that do not suffice stay unspent', () => {
    const plan = planWorld(gone(['3']));
    expect([plan.guarded.memory.spent, plan.guarded.holds.length > 0]).toEqual([{}, true]);
  });

  it('count pools, and objects that go without one', () => {
    const base = settle(
      withSpecs(
        settled(),
        ...NAMES.map(app),
        spec('x.json', deployment('x')),
        spec('y.json', deployment('y')),
        spec('z.json', deployment('z')),
      ),
    ).world;
    const commits = (budget: string): World => ({
      ...base,
      specs: complete(
        specSet(NAMES.slice(1).map(app), {
          commits: [{ revision: 'c0' as never, author: 'A', committedAtMs: 0, subject: 's', allowRemoval: [budget] }],
        }),
      ),
    });
    expect(planWorld(commits('3')).actions).toEqual([]);
    expect([...brief(planWorld(commits('4')).actions)].sort()).toEqual([
      'delete-object apps/Deployment/default/x',
      'delete-object apps/Deployment/default/y',
      'delete-object apps/Deployment/default/z',
      'deregister-pool default/a',
    ]);
  });

  it('approve nothing on the word of a stale Git', () => {
    const base = gone(['4']);
    expect(out({ ...base, specs: stale(snapshotValue(base.specs) ?? specSet([])) })).toBe(0);
  });
});
