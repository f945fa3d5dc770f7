import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import { textDigest } from '../../../../src/core/model/hash.ts';
import { type GroupKind, type KvKey, kindOf, kvKey, type ObjectKey } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { KvEntry, RegistryState } from '../../../../src/core/model/registration.ts';
import { type Snapshot, snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import { forgetSpecifications } from '../../../../src/core/plan/plan-specifications.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  liveOf,
  NOW_MS,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const PREFIX = 'kubernetes/specifications/default/web/';
const web = (...objects: readonly KubernetesObject[]) => spec('web.json', ...objects);
const app = (replicas = 2) => web(deployment('web', { replicas }), service('web'));
const start = (of = app()): World => world({ specs: complete(specSet([of])), endpoints: [endpoints('default/web')] });
const commit = (base: World, of = app()): World => ({ ...base, specs: complete(specSet([of])) });
const stateOf = (base: World): RegistryState => snapshotValue(base.registry) ?? EMPTY_REGISTRY;
const stored = (base: World): ReadonlyMap<string, KvEntry> =>
  new Map(
    [...stateOf(base).kv.values()].flatMap((entry) => (entry.key.startsWith(PREFIX) ? [[entry.key.slice(PREFIX.length), entry]] : [])),
  );
const history = (base: World): readonly string[] => [...stored(base).keys()].filter((name) => name.includes('_')).sort();
const replicasIn = (entry: KvEntry | undefined): unknown =>
  JSON.parse(entry?.value ?? '{}').objects.deployments.specification.spec.replicas;
const withKv = (base: World, change: (kv: Map<KvKey, KvEntry>) => void): World => {
  const kv = new Map(stateOf(base).kv);
  change(kv);
  return { ...base, registry: complete({ ...stateOf(base), kv }) };
};
const put = (base: World, name: string, more: Partial<KvEntry> = {}): World =>
  withKv(base, (kv) =>
    kv.set(kvKey(PREFIX + name), { key: kvKey(PREFIX + name), value: '{}', flags: keys.flags, modifyIndex: 3, ...more }),
  );

/** The world with an object of someone else in it. */
function withStranger(base: World, object: KubernetesObject): World {
  const { ourFields: _none, ...live } = liveOf(object);
  return withKind(base, kindOf(live.key), live);
}

function withKind(base: World, kind: string, ...objects: readonly LiveObject[]): World {
  const found: readonly [GroupKind, Snapshot<ReadonlyMap<ObjectKey, LiveObject>>] = [
    kind as GroupKind,
    complete(new Map(objects.map((live) => [live.key, live]))),
  ];
  return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, found]) } };
}

describe('what is recorded of a pool', () => {
  it('is the envelope of the ancestor with Deployments and Services only, once everything else is done', () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'web', namespace: 'default' },
      stringData: { password: 'hidden' },
    };
    const objects = [deployment('web'), deployment('worker'), service('web')];
    const { world: after } = settle(withKind(start(web(...objects, secret)), '/Secret'));
    const [id = ''] = history(after);
    expect(id).toMatch(/^\d{16}_[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([...stored(after).keys()].sort()).toEqual([id, 'deployed', 'latest']);
    const value = stored(after).get('latest')?.value ?? '';
    expect(JSON.parse(value)).toEqual({
      id,
      namespace: 'default',
      objects: {
        deployments: { specification: { apiVersion: 'v1', kind: 'List', items: [deployment('web'), deployment('worker')] } },
        services: { specification: service('web') },
      },
    });
    expect([...stored(after).values()].map((entry) => entry.value)).toEqual([value, value, value]);
  });

  it('is written in one action of its own, and nothing is while the content stays', () => {
    let base = start();
    const records: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const plan = planWorld(base, { nowMs: NOW_MS + i });
      if (plan.records.length > 0) expect(plan.actions).toEqual([]);
      records.push(...plan.records);
      base = applyToWorld(base, [...plan.nodes, ...plan.actions, ...plan.records]);
    }
    expect(records).toHaveLength(1);
    const shuffled = web(service('web'), deployment('web', { replicas: 2 }));
    expect(planWorld(commit(base, shuffled), { nowMs: NOW_MS + 99_000 }).records).toEqual([]);
  });

  it('is not worked out again because an entry of another pool has changed', () => {
    const base = settle(start()).world;
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    planWorld(base, { memos });
    const first = memos.plans.specifications.get(keys.pool('web'))?.result;
    const other = kvKey('kubernetes/specifications/default/other/latest');
    const entry = { key: other, value: '{}', flags: 0, modifyIndex: 9 };
    planWorld(
      withKv(base, (kv) => kv.set(other, entry)),
      { memos },
    );
    expect(first).toBeDefined();
    expect(memos.plans.specifications.get(keys.pool('web'))?.result).toBe(first);
  });

  it('is nothing where the catalog alone counts, or for a Service that makes no pool', () => {
    const policy: Policy = { ...POLICY, registration: 'catalog' };
    expect(stored(settle(start(), { policy }).world).size).toBe(0);
    const inside = start(web(deployment('web'), service('web', { spec: { type: 'ClusterIP' } })));
    expect(stored(settle(inside).world).size).toBe(0);
  });

  it('tells apart what is wanted and what is deployed while an object is refused', () => {
    const base = settle(start()).world;
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'taken', namespace: 'default' } };
    const refused = web(deployment('web', { replicas: 3 }), service('web'), config);
    const wanted = settle(withStranger(commit(base, refused), config)).world;
    expect([replicasIn(stored(wanted).get('latest')), replicasIn(stored(wanted).get('deployed'))]).toEqual([3, 2]);
  });
});

describe('the history of a pool', () => {
  const afterChanges = (count: number): World => {
    let base = settle(start()).world;
    for (let i = 1; i <= count; i++) base = settle(commit(base, app(2 + i)), { nowMs: NOW_MS + i * 60_000 }).world;
    return base;
  };

  it('keeps the five newest by string sort', () => {
    const base = afterChanges(7);
    expect(history(base).map((name) => replicasIn(stored(base).get(name)))).toEqual([5, 6, 7, 8, 9]);
    expect(stored(base).get('latest')?.value).toBe(stored(base).get(history(base).at(-1) ?? '')?.value);
  });

  it('lets go first what comes first by string, though it is the newest by number', () => {
    const after = settle(put(afterChanges(4), '10000000000000000_x')).world;
    expect(history(after).map((name) => replicasIn(stored(after).get(name)))).toEqual([2, 3, 4, 5, 6]);
  });

  it('is written once, and left alone after that, beside a key that is no entry of it', () => {
    const base = settle(put(afterChanges(3), 'zz-backup')).world;
    expect(history(base)).toHaveLength(4);
    expect([...stored(base).keys()]).toContain('zz-backup');
    expect(planWorld(base, { nowMs: NOW_MS + 900_000 }).records).toEqual([]);
  });

  it('holds a content that comes back twice, the second time as the newest', () => {
    const base = settle(commit(afterChanges(1), app(2)), { nowMs: NOW_MS }).world;
    expect(history(base).map((name) => replicasIn(stored(base).get(name)))).toEqual([2, 3, 2]);
    expect(history(base)).toEqual([...history(base)].sort());
  });

  it('writes no second entry when a kill came between the entries', () => {
    const base = settle(start()).world;
    const half = withKv(base, (kv) => kv.delete(kvKey(`${PREFIX}latest`)));
    expect(planWorld(half, { nowMs: NOW_MS + 60_000 }).records.flatMap(({ writes }) => writes.map(({ key }) => key))).toEqual([
      `${PREFIX}latest`,
    ]);
  });

  it('puts back what someone changed in `latest`, by what was read', () => {
    const base = put(settle(start()).world, 'latest', { modifyIndex: 42 });
    expect(planWorld(base).records.flatMap(({ writes }) => writes)).toMatchObject([{ key: `${PREFIX}latest`, modifyIndex: 42 }]);
  });

  it('is told from digests where the values are not kept', () => {
    const base = settle(start()).world;
    const short = withKv(base, (kv) => {
      for (const [key, entry] of kv) if (key.startsWith(PREFIX)) kv.set(key, { ...entry, value: '', digest: textDigest(entry.value) });
    });
    expect(planWorld(short).records).toEqual([]);
    const other = put(short, 'latest', { value: '', digest: textDigest('other') });
    expect(planWorld(other).records).toHaveLength(1);
  });
});

describe('entries of someone else', () => {
  const OLD = '1500000000000000_00000000-0000-4000-8000-000000000000';
  const theirs = (): World => put(put(start(), 'latest', { flags: 0 }), OLD, { flags: 0 });

  it('are left alone and reported', () => {
    const { world: after, last } = settle(theirs());
    expect(last.guarded.plans[0]?.problems.map(({ code }) => code)).toEqual(['CONSUL_KEY_TAKEN']);
    expect([...stored(after).keys()].sort()).toEqual([OLD, 'latest']);
  });

  it('are taken over where that is allowed, and count in the history', () => {
    const policy: Policy = { ...POLICY, allowAdopt: true };
    let base = theirs();
    for (let i = 1; i < 6; i++) base = put(base, `150000000000000${i}_x`, { flags: 0 });
    const after = settle(base, { policy }).world;
    expect(history(after)).toHaveLength(5);
    expect(history(after)[0]).toBe('1500000000000002_x');
    expect(stored(after).get('latest')?.flags).toBe(keys.flags);
  });

  it('in the history neither count nor go', () => {
    let base = start();
    for (let i = 1; i < 7; i++) base = put(base, `150000000000000${i}_x`, { flags: 0 });
    expect(history(settle(base).world)).toHaveLength(7);
  });
});

describe('what is recorded of a pool that is gone', () => {
  const gone = (): World => ({ ...world({}), registry: put(settle(start()).world, 'theirs', { flags: 0 }).registry });

  it('goes, but for the entries of others', () => {
    const [action, ...rest] = forgetSpecifications(planWorld(gone()).context);
    expect(rest).toEqual([]);
    expect(action?.writes.map(({ value }) => value)).toEqual([undefined, undefined, undefined]);
    expect([...stored(applyToWorld(gone(), action === undefined ? [] : [action])).keys()]).toEqual(['theirs']);
  });

  it.each([
    ['a spec still holds the Service', () => start()],
    ['the Service still runs', () => ({ ...settle(start()).world, specs: complete(specSet([])) })],
    ['Git does not answer', () => ({ ...world({}), specs: stale(specSet([])) })],
    ['a broken file may hold it', () => world({ specs: complete(specSet([], { broken: { 'x.json': [problem('SPEC_SYNTAX', 'x')] } })) })],
  ])('stays while %s', (_name, base) => {
    expect(forgetSpecifications(planWorld({ ...base(), registry: gone().registry }).context)).toEqual([]);
  });
});

describe('long values', () => {
  const long = (bytes: number) => service('web', { annotations: { note: 'x'.repeat(bytes) } });
  const problemsOf = (base: World): readonly string[] =>
    settle(base).last.guarded.plans.flatMap(({ problems }) => problems.map(({ code, message }) => `${code} ${message}`));

  it('are told before they are written, and the rest of the spec goes on', () => {
    const problems = problemsOf(start(web(deployment('web'), long(400_000))));
    expect(problems.map((text) => text.slice(0, 80))).toEqual([
      'CONSUL_VALUE_TOO_LARGE the key kubernetes/deployments/default/web is not written',
      'CONSUL_VALUE_TOO_LARGE the key kubernetes/specifications/default/web/latest is n',
    ]);
    const { world: after } = settle(start(web(deployment('web'), long(400_000))));
    expect(stateOf(after).instances.has(keys.pool('web'))).toBe(true);
    expect(stateOf(after).kv.has(keys.deployments('default/web'))).toBe(false);
  });

  it('go one by one where a transaction cannot hold all of them', () => {
    let base = start(web(deployment('web'), long(200_000)));
    for (let i = 0; i < 2; i++) base = applyToWorld(base, [...planWorld(base).nodes, ...planWorld(base).actions]);
    const { records } = planWorld(base);
    expect(records.map(({ writes }) => writes.length)).toEqual([1, 1, 1]);
    const { world: after, last } = settle(base);
    expect([stored(after).size, last.records]).toEqual([3, []]);
  });

  it('of `deployments/` that plugins cannot take are warned of, as long as they stand', () => {
    const limit = 'CONSUL_ARGUMENT_LIMIT the value of kubernetes/deployments/default/web takes';
    const problems = problemsOf(start(web(deployment('web'), long(131_072))));
    expect(problems.map((text) => text.slice(0, limit.length))).toEqual([limit]);
    expect(problems[0]).toContain('less than 131072');
    expect(problemsOf(start(web(deployment('web'), long(100_000))))).toEqual([]);
  });
});
