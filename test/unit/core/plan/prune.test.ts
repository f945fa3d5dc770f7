import { describe, expect, it } from 'vitest';
import { mayRecreate } from '../../../../src/core/desired/recreations.ts';
import type { GroupKind, ObjectKey } from '../../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND, kindOf, specId } from '../../../../src/core/model/ids.ts';
import type { Memory } from '../../../../src/core/model/memory.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { SpecSet } from '../../../../src/core/model/spec-set.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { buildReport } from '../../../../src/core/report/build-report.ts';
import type { SpecReport } from '../../../../src/core/report/run-report.ts';
import { HiddenText } from '../../../../src/core/spec/hidden-text.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  node,
  owned,
  service,
  spec,
  specSet,
  unavailable,
  world,
} from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const app = (name: string, file = name): Spec => spec(`${file}.yaml`, deployment(name), service(name));
const OTHERS = NAMES.slice(1).map((name) => app(name));
const kept = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, 'poolkeeper.dev/prune': 'false' } },
});
const settled = (...specs: readonly Spec[]): World =>
  settle(world({ specs: complete(specSet(specs)), endpoints: NAMES.map((name) => endpoints(`default/${name}`)) })).world;
const withSpecs = (base: World, specs: readonly Spec[], more: Parameters<typeof specSet>[1] = {}): World => ({
  ...base,
  specs: complete(specSet(specs, more)),
});

/** The same world, one Deployment otherwise. */
function seen(base: World, name: string, more: Partial<LiveObject>): World {
  const all = new Map(snapshotValue(base.cluster.objects.get(DEPLOYMENT_KIND) ?? complete(new Map<ObjectKey, LiveObject>())));
  const key = `apps/Deployment/default/${name}` as ObjectKey;
  const live = all.get(key);
  if (live !== undefined) all.set(key, { ...live, ...more });
  return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, [DEPLOYMENT_KIND, complete(all)]]) } };
}

const brief = (plan: ModelPlan): readonly string[] =>
  plan.actions.map((action) => {
    if (action.kind === 'apply-object' || action.kind === 'delete-object') return `${action.kind} ${action.key}`;
    return action.kind === 'write-kv' ? 'write-kv' : `${action.kind} ${action.pool}`;
  });
const planOf = (plan: ModelPlan, id: string): ModelPlan['guarded']['plans'][number] | undefined =>
  plan.guarded.plans.find((one) => one.spec === id);
function reported({ context, guarded, nodes }: ModelPlan, id: string): SpecReport | undefined {
  const moment = { startedAtMs: NOW_MS, endedAtMs: NOW_MS, passes: 1, trigger: [], latencies: [], problems: [] };
  const leader = { consul: true, kubernetes: true };
  return buildReport({ context, plans: guarded.plans, others: nodes, outcomes: [], leader, ...moment }).specs.find((one) => one.id === id);
}

describe('what leaves a file', () => {
  it('is left alone when the file is only renamed, but for the mark of its file', () => {
    const base = settled(app('a'), ...OTHERS);
    const renamed = withSpecs(base, [app('a', 'new/a'), ...OTHERS]);
    expect(brief(planWorld(renamed))).toEqual([
      'apply-object apps/Deployment/default/a',
      'apply-object /Service/default/a',
      'register-pool default/a',
    ]);
    const { world: rest, last } = settle(renamed);
    expect(snapshotValue(rest.cluster.services)?.get('/Service/default/a' as ObjectKey)?.annotations['poolkeeper.dev/spec']).toBe(
      'new/a.yaml',
    );
    expect([...last.context.desired.specs.keys()]).not.toContain('a.yaml');
    expect(snapshotValue(rest.registry)?.instances.get(keys.pool('a'))).toHaveLength(3);
  });

  it('is left alone when the renamed file has a typo, until that is mended', () => {
    const base = settled(app('a'), ...OTHERS);
    const broken = { 'new/a.yaml': [problem('SPEC_SYNTAX', 'a brace is missing')] };
    const plan = planWorld(withSpecs(base, OTHERS, { broken }));
    expect(brief(plan)).toEqual([]);
    expect(new Set(plan.guarded.holds.map(({ spec: id, reason }) => `${id} ${reason.code}`))).toEqual(
      new Set(['a.yaml BROKEN_SPEC_MAY_OWN']),
    );
    expect(brief(planWorld(withSpecs(base, [app('a', 'new/a'), ...OTHERS])))).not.toContainEqual(expect.stringMatching(/^de/));
  });

  it('is left alone when it moves to another file, and carries its mark from then on', () => {
    const both = settled(spec('a.yaml', deployment('a'), service('a')), ...OTHERS);
    const moved = withSpecs(both, [
      spec('a.yaml', deployment('a')),
      spec('b.yaml', deployment('b'), service('b'), service('a')),
      ...OTHERS.slice(1),
    ]);
    expect(brief(planWorld(moved))).toEqual(['apply-object /Service/default/a', 'register-pool default/a']);
    const rest = settle(moved).world;
    expect(snapshotValue(rest.cluster.services)?.get('/Service/default/a' as ObjectKey)?.annotations['poolkeeper.dev/spec']).toBe('b.yaml');
  });

  it.each<readonly [string, Parameters<typeof specSet>[1], string]>([
    ['names it', { brokenTexts: new Map([[specId('moved.yaml'), new HiddenText('kind: deployment\nmetadata: { name: a')]]) }, 'moved.yaml'],
    ['could not be read', { brokenTexts: new Map() }, 'moved.yaml'],
  ])('stays when it may have moved to a file that is broken and %s', (_, more, file) => {
    const moved = withSpecs(settled(app('a'), ...OTHERS), [spec('a.yaml', service('a')), ...OTHERS], {
      broken: { [file]: [problem('SPEC_SYNTAX', 'a brace is missing')] },
      ...more,
    });
    const plan = planWorld(moved);
    expect(brief(plan)).toEqual([]);
    expect(reported(plan, 'a.yaml')).toMatchObject({
      state: 'held',
      holds: [{ what: 'Deployment default/a', reason: { code: 'BROKEN_SPEC_MAY_OWN' } }],
    });
    expect(plan.guarded.holds[0]?.reason.message).toBe('Deployment default/a stays: it may have moved into moved.yaml, which is broken');
    const both = withSpecs(moved, [spec('a.yaml', service('a')), spec('moved.yaml', deployment('a')), ...OTHERS]);
    expect(brief(planWorld(both))).toEqual(['apply-object apps/Deployment/default/a']);
  });

  it('keeps its pool when a Service may have moved to a broken file', () => {
    const moved = withSpecs(settled(app('a'), ...OTHERS), [spec('a.yaml', deployment('a')), ...OTHERS], {
      broken: { 'moved.yaml': [problem('SPEC_SYNTAX', 'a brace is missing')] },
      brokenTexts: new Map([[specId('moved.yaml'), new HiddenText('{"name": "a"')]]),
    });
    expect(brief(planWorld(moved))).toEqual([]);
    const fewer: World = { ...moved, cluster: { ...moved.cluster, nodes: complete([node('n1'), node('n2')]) } };
    expect(snapshotValue(settle(fewer).world.registry)?.instances.get(keys.pool('a'))).toHaveLength(2);
  });

  it('is pruned while another file is broken that does not name it', () => {
    const dropped = withSpecs(settled(app('api'), ...OTHERS), [spec('api.yaml', service('api')), ...OTHERS], {
      broken: { 'old.yaml': [problem('SPEC_SYNTAX', 'a brace is missing')] },
      brokenTexts: new Map([[specId('old.yaml'), new HiddenText('kind: deployment\nmetadata: { name: shop')]]),
    });
    expect(brief(planWorld(dropped))).toEqual(['delete-object apps/Deployment/default/api']);
  });

  it('is pruned when the file stays without it', () => {
    expect(brief(planWorld(withSpecs(settled(app('a'), ...OTHERS), [spec('a.yaml', service('a')), ...OTHERS])))).toEqual([
      'delete-object apps/Deployment/default/a',
    ]);
  });
});

describe('a delete that did not get through', () => {
  const dropped = (base: World): World => withSpecs(base, [spec('a.yaml', service('a')), ...OTHERS]);

  it('is tried again, on the word of the first grant', () => {
    const base = dropped(settled(app('a'), ...OTHERS));
    const first = planWorld(base);
    const nowMs = NOW_MS + 3_600_000;
    const again = planWorld(base, { memory: first.guarded.memory, nowMs });
    expect(brief(again)).toEqual(brief(first));
    // The guard counts what left, and that is when it gets through.
    const granted = Object.keys(first.guarded.memory.removals).map((key) => [key, { atMs: nowMs }]);
    expect(again.guarded.memory.removals).toEqual(Object.fromEntries(granted));
  });

  it('is told with its finalizers while the object goes, and counts until it has gone', () => {
    const base = dropped(settled(app('a'), ...OTHERS));
    const { memory } = planWorld(base).guarded;
    const plan = planWorld(seen(base, 'a', { deleting: true, finalizers: ['example.com/backup', 'foregroundDeletion'] }), { memory });
    expect(brief(plan)).toEqual([]);
    expect(reported(plan, 'a.yaml')).toMatchObject({
      state: 'leaving',
      waiting: [
        { leg: 'kubernetes', what: 'Deployment default/a is still being deleted (finalizers: example.com/backup, foregroundDeletion)' },
      ],
    });
    expect(plan.guarded.memory.removals).toEqual(memory.removals);
    expect(plan.guarded.holds).toEqual([]);
    const gone = planWorld(applyToWorld(base, [{ ...deleteOf('a') }]), { memory: plan.guarded.memory, nowMs: NOW_MS + 1000 });
    expect(gone.guarded.memory.removals).toEqual(memory.removals);
  });

  it('counts against the limit while finalizers hold its object', () => {
    const base = settled(app('a'), ...OTHERS);
    const two = withSpecs(base, [spec('a.yaml', service('a')), spec('b.yaml', service('b')), ...OTHERS.slice(1)]);
    const { memory } = planWorld(two).guarded;
    const going = seen(seen(two, 'a', { deleting: true }), 'b', { deleting: true });
    const third = withSpecs(going, [...['a', 'b', 'c'].map((name) => spec(`${name}.yaml`, service(name))), ...OTHERS.slice(2)]);
    // Whether or not a run saw them in between.
    const between = planWorld(going, { memory }).guarded.memory;
    for (const known of [memory, between]) {
      expect(planWorld(third, { memory: known }).guarded.holds.map(({ what, reason }) => [what, reason.code])).toEqual([
        ['Deployment default/c', 'REMOVAL_LIMIT'],
      ]);
    }
  });

  it('of somebody else is told, and is no removal of ours', () => {
    const plan = planWorld(seen(dropped(settled(app('a'), ...OTHERS)), 'a', { deleting: true }));
    expect(planOf(plan, 'a.yaml')?.removals).toEqual([]);
    expect(reported(plan, 'a.yaml')?.state).toBe('waiting');
  });

  const deleteOf = (
    name: string,
  ): { kind: 'delete-object'; key: ObjectKey; apiVersion: string; uid: string; resourceVersion: string; why: string } => ({
    kind: 'delete-object',
    key: `apps/Deployment/default/${name}` as ObjectKey,
    apiVersion: 'apps/v1',
    uid: 'u',
    resourceVersion: '1',
    why: 'gone',
  });
});

describe('a namespace that no spec contains any more', () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } };

  it('stays, and its spec does not leave for ever', () => {
    const base = settled(...OTHERS);
    const mine = owned(namespace, 'gone.yaml');
    const objects = new Map([...base.cluster.objects, ['/Namespace' as GroupKind, complete(new Map([[mine.key, mine]]))]]);
    const plan = planWorld({ ...base, cluster: { ...base.cluster, objects } });
    expect(brief(plan)).toEqual([]);
    expect(reported(plan, 'gone.yaml')).toMatchObject({
      state: 'in-step',
      problems: [{ code: 'PRUNE_DISABLED', message: 'Namespace prod stays: namespaces are never deleted; no spec contains it any more' }],
    });
  });
});

describe('what takes more with it than itself', () => {
  const claim: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' } };
  const volume: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk' } };
  const definition: KubernetesObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
  };
  const alone = (live: LiveObject): World => {
    const base = settled(...OTHERS);
    const objects = new Map([...base.cluster.objects, [kindOf(live.key), complete(new Map([[live.key, live]]))]]);
    return { ...base, cluster: { ...base.cluster, objects } };
  };
  const letGo = (object: KubernetesObject): KubernetesObject => ({
    ...object,
    metadata: { ...object.metadata, annotations: { 'poolkeeper.dev/prune': 'true' } },
  });

  it.each([
    [claim, 'PersistentVolumeClaim default/data stays: its data would go with it'],
    [volume, 'PersistentVolume disk stays: its data would go with it'],
    [definition, 'CustomResourceDefinition widgets.example.com stays: all objects of its kind would go with it'],
  ])('stays, is told, and goes only when it says so itself', (object, told) => {
    const plan = planWorld(alone(owned(object, 'gone.yaml')));
    expect(brief(plan)).toEqual([]);
    expect(plan.context.desired.owned.objects).toBe(8);
    expect(reported(plan, 'gone.yaml')).toMatchObject({
      state: 'in-step',
      problems: [
        {
          code: 'PRUNE_DISABLED',
          message: `${told}, and its annotation poolkeeper.dev/prune does not say "true"; no spec contains it any more`,
        },
      ],
    });
    expect(brief(planWorld(alone(owned(letGo(object), 'gone.yaml'))))).toEqual([expect.stringMatching(/^delete-object /)]);
  });

  it('is created again where its spec says so, but for a definition', () => {
    const recreate = { 'poolkeeper.dev/recreate': 'true' };
    const wish = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { ...object.metadata, annotations: recreate } });
    expect(mayRecreate(wish(claim), owned(claim, 'a.yaml'), 'poolkeeper')).toBe(true);
    expect(mayRecreate(wish(definition), owned(definition, 'a.yaml'), 'poolkeeper')).toBe(false);
    expect(mayRecreate(wish(definition), owned(letGo(definition), 'a.yaml'), 'poolkeeper')).toBe(true);
  });
});

describe('poolkeeper.dev/prune: "false"', () => {
  const base = settled(spec('a.yaml', kept(deployment('a')), kept(service('a'))), ...OTHERS);
  const gone = withSpecs(base, OTHERS);

  it('keeps the object when its file goes, and says so in a note', () => {
    const plan = planWorld(gone);
    expect(brief(plan)).toEqual([]);
    expect(reported(plan, 'a.yaml')).toMatchObject({ state: 'in-step', holds: [], waiting: [] });
    expect(reported(plan, 'a.yaml')?.problems.map(({ code, severity, message }) => [code, severity, message])).toEqual([
      [
        'PRUNE_DISABLED',
        'note',
        'Deployment default/a stays: its annotation poolkeeper.dev/prune says "false"; no spec contains it any more',
      ],
      ['PRUNE_DISABLED', 'note', 'Service default/a stays: its annotation poolkeeper.dev/prune says "false"; no spec contains it any more'],
    ]);
  });

  it('is no removal to the guard, neither planned nor granted, nor of what could be removed', () => {
    const plan = planWorld(gone);
    expect(planOf(plan, 'a.yaml')?.removals).toEqual([]);
    expect(plan.guarded.memory.removals).toEqual({});
    expect(plan.context.desired.owned.objects).toBe(8);
  });

  it('keeps the pool of a Service, which goes on following its nodes', () => {
    const fewer: World = { ...gone, cluster: { ...gone.cluster, nodes: complete([node('n1'), node('n2')]) } };
    expect(
      snapshotValue(settle(fewer).world.registry)
        ?.instances.get(keys.pool('a'))
        ?.map((one) => one.node),
    ).toEqual(['n1', 'n2']);
  });

  it('keeps an object that a file drops', () => {
    const dropped = withSpecs(base, [spec('a.yaml', kept(service('a'))), ...OTHERS]);
    expect(brief(planWorld(dropped))).toEqual([]);
    expect(reported(settle(dropped).last, 'a.yaml')).toMatchObject({ state: 'in-step', problems: [{ code: 'PRUNE_DISABLED' }] });
  });

  it('lets go of what does not carry it', () => {
    const mixed = settled(spec('a.yaml', kept(deployment('a')), service('a'), deployment('x')), ...OTHERS);
    const plan = planWorld(withSpecs(mixed, OTHERS));
    expect(planOf(plan, 'a.yaml')?.removals.map(({ title }) => title)).toEqual([
      'pool default/a',
      'Deployment default/x',
      'Service default/a',
    ]);
    expect(reported(plan, 'a.yaml')?.state).toBe('leaving');
  });

  it('is read from the live object: whoever sets it there keeps it, whoever takes it off there lets it go', () => {
    const plain = withSpecs(settled(spec('a.yaml', deployment('a')), ...OTHERS), OTHERS);
    const live = snapshotValue(plain.cluster.objects.get(DEPLOYMENT_KIND) ?? complete(new Map<ObjectKey, LiveObject>()))?.get(
      'apps/Deployment/default/a' as ObjectKey,
    );
    expect(brief(planWorld(plain))).toEqual(['delete-object apps/Deployment/default/a']);
    const annotations = { ...live?.annotations, 'poolkeeper.dev/prune': 'false' };
    expect(brief(planWorld(seen(plain, 'a', { annotations })))).toEqual([]);
    expect(brief(planWorld(seen(plain, 'a', { annotations: { ...annotations, 'poolkeeper.dev/prune': 'true' } })))).toHaveLength(1);
  });

  it('gives the object back to a spec that contains it again, under any name', () => {
    const back = settle(withSpecs(gone, [app('a', 'new'), ...OTHERS])).world;
    expect(brief(planWorld(withSpecs(back, [spec('new.yaml', service('a')), ...OTHERS])))).toEqual([
      'delete-object apps/Deployment/default/a',
    ]);
  });

  it.each<readonly [string, World]>([
    ['Git cannot be read', { ...gone, specs: unavailable<SpecSet>() }],
    ['its file is broken', withSpecs(base, OTHERS, { broken: { 'a.yaml': [problem('SPEC_SYNTAX', 'what')] } })],
  ])('is not told of while %s', (_, one) => {
    const memory: Memory = MEMORY;
    expect(planOf(planWorld(one, { memory }), 'a.yaml')?.problems.map(({ code }) => code)).not.toContain('PRUNE_DISABLED');
  });
});
