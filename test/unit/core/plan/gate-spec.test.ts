import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDependencies } from '../../../../src/core/desired/dependencies.ts';
import type { ObjectKey } from '../../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND, groupKind, NAMESPACE_KIND, nodeName } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  endpoints,
  keys,
  liveOf,
  node,
  service,
  spec,
  specSet,
  unavailable,
  world,
} from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const dependsOn = (on: string, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'poolkeeper.dev/depends-on': on } },
});
const DB = spec('base/db.yaml', deployment('db'));
const WEB = spec('web.yaml', dependsOn('base/db.yaml', deployment('web')), service('web'));
const site = (...specs: readonly Spec[]): World =>
  world({ specs: complete(specSet(specs)), endpoints: [endpoints('default/web'), endpoints('default/db')] });
const withSpecs = (base: World, ...specs: readonly Spec[]): World => ({ ...base, specs: complete(specSet(specs)) });

function seen(base: World, name: string, more: Partial<LiveObject>): World {
  const all = new Map(snapshotValue(base.cluster.objects.get(DEPLOYMENT_KIND) ?? complete(new Map<ObjectKey, LiveObject>())));
  const key = `apps/Deployment/default/${name}` as ObjectKey;
  const live = all.get(key);
  if (live !== undefined) all.set(key, { ...live, ...more });
  return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, [DEPLOYMENT_KIND, complete(all)]]) } };
}
const ROLLING = { generation: 1, status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 1 } };

const applied = ({ actions }: ModelPlan): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'apply-object' ? [action.key] : []));
const planOf = (plan: ModelPlan, id: string): ModelPlan['guarded']['plans'][number] | undefined =>
  plan.guarded.plans.find((one) => one.spec === id);
const waits = (plan: ModelPlan, id: string): readonly string[] => (planOf(plan, id)?.waiting ?? []).map(({ what }) => what);

describe('a spec that depends on another', () => {
  it('waits whole until the other is in step', () => {
    const start = site(DB, WEB);
    const first = planWorld(start);
    expect(applied(first)).toEqual(['apps/Deployment/default/db']);
    expect(waits(first, 'web.yaml')).toEqual(['waits for base/db.yaml: Deployment default/db: it does not exist yet']);
    expect(applied(planWorld(applyToWorld(start, first.actions)))).toEqual(['apps/Deployment/default/web', '/Service/default/web']);
    expect(settle(start).last.actions).toEqual([]);
  });

  it('waits until the other is healthy, with the words of its health', () => {
    const rolling = seen(withSpecs(settle(site(DB)).world, DB, WEB), 'db', ROLLING);
    const plan = planWorld(rolling);
    expect(applied(plan)).toEqual([]);
    expect(waits(plan, 'web.yaml')).toEqual([expect.stringMatching(/^waits for base\/db\.yaml: Deployment default\/db: .*1 of 2/)]);
  });

  it.each<readonly [string, (base: World) => World, RegExp]>([
    [
      'is to change',
      (base) => withSpecs(base, spec('base/db.yaml', deployment('db', { replicas: 3 })), WEB),
      /its change is not applied yet$/,
    ],
    [
      'is broken',
      (base) => ({ ...base, specs: complete(specSet([WEB], { broken: { 'base/db.yaml': [problem('SPEC_SYNTAX', 'what')] } })) }),
      /^waits for base\/db\.yaml: it is broken$/,
    ],
    [
      'is set aside',
      () => withSpecs(settle(site(spec('other.yaml', deployment('db')))).world, spec('other.yaml', deployment('db')), DB, WEB),
      /^waits for base\/db\.yaml: it is set aside$/,
    ],
    [
      'cannot be seen',
      (base) => ({ ...base, cluster: { ...base.cluster, objects: new Map([[DEPLOYMENT_KIND, unavailable()]]) } }),
      /^waits for base\/db\.yaml: Deployment default\/db: no answer$/,
    ],
  ])('waits while the other %s', (_, change, words) => {
    const plan = planWorld(change(withSpecs(settle(site(DB)).world, DB, WEB)));
    expect(waits(plan, 'web.yaml').join()).toMatch(words);
    expect(applied(plan).filter((key) => key.endsWith('/web'))).toEqual([]);
  });

  it('waits for nothing once all of its own is in step', () => {
    const plan = planWorld(seen(settle(site(DB, WEB)).world, 'db', ROLLING));
    expect(waits(plan, 'web.yaml')).toEqual([]);
    expect(planOf(plan, 'web.yaml')?.problems).toEqual([]);
  });

  it('repairs no drift while it waits', () => {
    const drifted = seen(seen(settle(site(DB, WEB)).world, 'db', ROLLING), 'web', { ourFields: {} });
    expect(applied(planWorld(drifted))).toEqual([]);
  });

  it('follows its nodes and takes pools out all the same', () => {
    const rest = seen(settle(site(DB, WEB)).world, 'db', ROLLING);
    const changed = spec('web.yaml', dependsOn('base/db.yaml', deployment('web', { replicas: 9 })), service('web'));
    const fewer = { ...rest.cluster, nodes: complete([node('n1'), node('n2'), node('n3', { deleting: true })]) };
    const plan = planWorld({ ...withSpecs(rest, DB, changed), cluster: fewer });
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['register-pool']);
    expect(plan.context.decisions.get(keys.pool('web'))?.backends.map((one) => one.node)).toEqual([nodeName('n1'), nodeName('n2')]);
    const others = ['x', 'y', 'z'].map((name) => spec(`${name}.yaml`, deployment(name), service(name)));
    const more = settle({ ...site(DB, WEB, ...others) }).world;
    const gone = planWorld(seen(withSpecs(more, DB, ...others), 'db', ROLLING));
    expect(gone.actions.map(({ kind }) => kind)).toEqual(['deregister-pool']);
  });

  it('keeps serving as the live Service says while its change waits', () => {
    const rest = seen(settle(site(DB, WEB)).world, 'db', ROLLING);
    const inner = spec('web.yaml', dependsOn('base/db.yaml', deployment('web')), service('web', { spec: { type: 'ClusterIP' } }));
    const plan = planWorld(withSpecs(rest, DB, inner));
    expect(plan.actions).toEqual([]);
    expect(planOf(plan, 'web.yaml')?.unapplied).toEqual(['/Service/default/web']);
  });

  it('is refused when the other does not exist, with the one that may be meant', () => {
    const plan = planWorld(site(DB, spec('web.yaml', dependsOn('base/bd.yaml', deployment('web')))));
    expect(planOf(plan, 'web.yaml')?.problems).toEqual([
      {
        code: 'SPEC_DEPENDENCY_MISSING',
        severity: 'error',
        next: 'fix-spec',
        message: 'web.yaml depends on base/bd.yaml, which does not exist',
        remedy: 'Did you mean "base/db.yaml"?',
        where: { file: 'web.yaml', line: 1, column: 1, path: '' },
      },
    ]);
    expect(applied(plan)).toEqual(['apps/Deployment/default/db']);
  });

  it('knows a file by the end of its path', () => {
    const { problems } = readDependencies(specSet([DB, spec('web.yaml', dependsOn('db.yaml', deployment('web')))]));
    expect(problems.get(keys.spec('web.yaml'))?.[0]?.remedy).toBe('Did you mean "base/db.yaml"?');
  });

  it('is told, also when nothing of it is to change', () => {
    const rest = settle(site(DB, spec('web.yaml', deployment('web')))).world;
    const lost = settle(withSpecs(rest, DB, spec('web.yaml', dependsOn('gone.yaml', deployment('web'))))).last;
    expect(planOf(lost, 'web.yaml')?.problems.map(({ code }) => code)).toEqual(['SPEC_DEPENDENCY_MISSING']);
  });

  it.each<readonly [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    ['itself', { a: 'a' }, { a: 'a → a' }],
    ['one that depends on it', { a: 'b', b: 'a' }, { a: 'a → b → a', b: 'b → a → b' }],
    ['a longer way round', { a: 'b', b: 'c', c: 'a', d: 'a' }, { a: 'a → b → c → a', b: 'b → c → a → b', c: 'c → a → b → c' }],
    ['several, by the shortest', { a: 'b,c', b: 'c', c: 'a' }, { a: 'a → c → a', b: 'b → c → a → b', c: 'c → a → c' }],
    ['nobody in a circle', { a: 'b,c', b: 'd', c: 'd', d: 'e', e: '' }, {}],
  ])('is refused when it depends on %s', (_, edges, circles) => {
    const specs = Object.entries(edges).map(([id, on]) => spec(id, on === '' ? deployment(id) : dependsOn(on, deployment(id))));
    const plan = planWorld(site(...specs));
    const told = plan.guarded.plans.flatMap((one) =>
      one.problems.filter(({ code }) => code === 'SPEC_DEPENDENCY_CYCLE').map(({ message }) => [one.spec, message.split(': ')[1]]),
    );
    expect(Object.fromEntries(told)).toEqual(circles);
    expect(applied(plan).filter((key) => circles[key.slice(-1)] !== undefined)).toEqual([]);
  });
});

describe('any dependencies', () => {
  it('come to rest without a circle, and each spec only after those it depends on', () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const names = [...'abcdefgh'];
        const below = (i: number): readonly string[] => pairs.flatMap(([x, y]) => (x === i && y < i ? [names[y] ?? ''] : []));
        const specs = names.map((id, i) => spec(id, below(i).length === 0 ? deployment(id) : dependsOn(below(i).join(), deployment(id))));
        const done = new Set<string>();
        let now = site(...specs);
        for (let round = 0; round <= names.length && done.size < names.length; round++) {
          const plan = planWorld(now);
          for (const key of applied(plan)) {
            const id = key.slice(-1);
            expect(below(names.indexOf(id)).every((on) => done.has(on))).toBe(true);
          }
          for (const key of applied(plan)) done.add(key.slice(-1));
          now = applyToWorld(now, plan.actions);
        }
        expect([...done].sort()).toEqual(names);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a circle that closes through a namespace', () => {
  const prod: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } };
  const inProd = (name: string): KubernetesObject => {
    const object = deployment(name);
    return { ...object, metadata: { ...object.metadata, namespace: 'prod' } };
  };
  /** `a` waits for `b`, an object of which needs the namespace of `a`. */
  const A = spec('a.yaml', dependsOn('b.yaml', deployment('a')), prod);
  const known = (base: World, ...objects: readonly LiveObject[]): World => {
    const all = complete<ReadonlyMap<ObjectKey, LiveObject>>(new Map(objects.map((one) => [one.key, one])));
    return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, [NAMESPACE_KIND, all]]) } };
  };
  const told = (plan: ModelPlan, id: string): readonly string[] =>
    (planOf(plan, id)?.problems ?? []).map(({ code, message }) => `${code} ${message}`);

  it('is named, with what is missing, and is none when the namespace is there', () => {
    const base = known(site(A, spec('b.yaml', inProd('b'))));
    const plan = planWorld(base);
    expect(applied(plan)).toEqual([]);
    expect(told(plan, 'a.yaml')).toEqual([
      'SPEC_DEPENDENCY_CYCLE a.yaml depends on itself: a.yaml → b.yaml → a.yaml; Deployment prod/b waits for Namespace prod of a.yaml',
    ]);
    const there = planWorld(known(base, liveOf(prod)));
    expect(told(there, 'a.yaml')).toEqual([]);
    expect(applied(there)).toEqual(['apps/Deployment/prod/b']);
  });

  it('is found over other specs, too', () => {
    const plan = planWorld(
      known(site(A, spec('b.yaml', dependsOn('c.yaml', deployment('b'))), spec('c.yaml', inProd('c')), spec('d.yaml', deployment('d')))),
    );
    expect(told(plan, 'a.yaml')).toEqual([expect.stringContaining('a.yaml → b.yaml → c.yaml → a.yaml; Deployment prod/c waits for')]);
    expect(applied(plan)).toEqual(['apps/Deployment/default/d']);
  });

  it('is none where the namespace can come first', () => {
    const base = known(site(spec('a.yaml', dependsOn('b.yaml', deployment('a'))), spec('b.yaml', inProd('b')), spec('c.yaml', prod)));
    const plan = planWorld(base);
    expect(told(plan, 'a.yaml')).toEqual([]);
    expect(applied(plan)).toEqual(['/Namespace//prod']);
  });
});

const CLAIM_KIND = groupKind('', 'PersistentVolumeClaim');

describe('a claim that is not bound', () => {
  const claim: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' } };
  const inWave1: KubernetesObject = {
    ...deployment('web'),
    metadata: { ...deployment('web').metadata, annotations: { 'poolkeeper.dev/wave': '1' } },
  };
  const withPhase = (phase: string): World => {
    // The kind is watched: another claim is there already.
    const other = liveOf({ ...claim, metadata: { ...claim.metadata, name: 'other' } });
    const { world: base } = settle(world({ specs: complete(specSet([spec('db.yaml', claim)])), objects: [other] }));
    const claims = snapshotValue(base.cluster.objects.get(CLAIM_KIND) ?? complete<ReadonlyMap<ObjectKey, LiveObject>>(new Map()));
    const all = new Map([...(claims ?? [])].map(([key, live]) => [key, { ...live, status: { phase } }]));
    const objects = new Map([...base.cluster.objects, [CLAIM_KIND, complete<ReadonlyMap<ObjectKey, LiveObject>>(all)] as const]);
    return withSpecs({ ...base, cluster: { ...base.cluster, objects } }, spec('db.yaml', claim, inWave1));
  };

  it('holds no wave up: its storage class may bind it only when a pod wants it; one that has lost its volume does', () => {
    expect(applied(planWorld(withPhase('Pending')))).toEqual(['apps/Deployment/default/web']);
    expect(waits(planWorld(withPhase('Pending')), 'db.yaml')).toContain(
      'PersistentVolumeClaim default/data: the claim is not bound to a volume yet',
    );
    expect(applied(planWorld(withPhase('Lost')))).toEqual([]);
  });
});
