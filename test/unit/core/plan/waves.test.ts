import { describe, expect, it } from 'vitest';
import type { ObjectKey } from '../../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { complete, deployment, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const annotated = (object: KubernetesObject, annotations: Record<string, string>): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } },
});
const inWave = (wave: number, object: KubernetesObject): KubernetesObject => annotated(object, { 'poolkeeper.dev/wave': String(wave) });
const site = (...objects: readonly KubernetesObject[]): World =>
  world({
    specs: complete(specSet([spec('shop.yaml', ...objects)])),
    endpoints: ['web', 'x', 'y', 'z'].map((name) => endpoints(`default/${name}`)),
  });
const withSpec = (base: World, ...objects: readonly KubernetesObject[]): World => ({ ...base, specs: site(...objects).specs });

/** The same world, its Deployment `name` otherwise. */
function seen(base: World, name: string, more: Partial<LiveObject>): World {
  const snapshot = base.cluster.objects.get(DEPLOYMENT_KIND);
  const all = new Map(snapshot === undefined ? [] : (snapshotValue(snapshot) ?? []));
  const key = `apps/Deployment/default/${name}` as ObjectKey;
  const live = all.get(key);
  if (live !== undefined) all.set(key, { ...live, ...more });
  return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, [DEPLOYMENT_KIND, complete(all)]]) } };
}
const ROLLING = { generation: 1, status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 1 } };
const READY = { generation: 1, status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 } };

const written = ({ actions }: ModelPlan): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'apply-object' || action.kind === 'delete-object' ? [action.key] : []));
const waits = ({ guarded }: ModelPlan): readonly string[] => guarded.plans.flatMap((one) => one.waiting.map(({ what }) => what));
const waveWaits = (plan: ModelPlan): readonly string[] => waits(plan).filter((what) => what.startsWith('wave'));

describe('waves', () => {
  const three = [inWave(7, deployment('last')), deployment('db'), inWave(-1, deployment('first')), inWave(1, service('web'))];

  it('are applied from low to high, each once the one below is in step', () => {
    const order: string[][] = [];
    let now = site(...three);
    for (let i = 0; i < 4; i++) {
      const plan = planWorld(now);
      order.push([...written(plan)]);
      now = applyToWorld(now, plan.actions);
    }
    expect(order).toEqual([
      ['apps/Deployment/default/first'],
      ['apps/Deployment/default/db'],
      ['/Service/default/web'],
      ['apps/Deployment/default/last'],
    ]);
  });

  it('say what they wait for, each wave that has something to do once', () => {
    expect(waits(planWorld(site(...three, inWave(7, deployment('last-too')))))).toEqual([
      'wave 0 waits for Deployment default/first of wave -1: it does not exist yet',
      'wave 1 waits for Deployment default/first of wave -1: it does not exist yet',
      'wave 7 waits for Deployment default/first of wave -1: it does not exist yet',
    ]);
  });

  it('wait for health too, and go on when it comes', () => {
    const half = applyToWorld(site(deployment('db'), inWave(1, deployment('web'))), planWorld(site(deployment('db'))).actions);
    const specs = site(deployment('db'), inWave(1, deployment('web'))).specs;
    const rolling = planWorld(seen({ ...half, specs }, 'db', ROLLING));
    expect(written(rolling)).toEqual([]);
    expect(waveWaits(rolling)).toEqual([expect.stringMatching(/^wave 1 waits for Deployment default\/db of wave 0: .*1 of 2/)]);
    const ready = planWorld(seen({ ...half, specs }, 'db', READY));
    expect(written(ready)).toEqual(['apps/Deployment/default/web']);
    expect(waveWaits(ready)).toEqual([]);
  });

  it('do not wait with what is in step already, nor within the wave that is not healthy', () => {
    const rest = settle(site(deployment('db'), deployment('cache'), inWave(1, deployment('web')))).world;
    const rolling = seen(rest, 'db', ROLLING);
    expect(waveWaits(planWorld(rolling))).toEqual([]);
    const changed = withSpec(rolling, deployment('db'), deployment('cache', { replicas: 5 }), inWave(1, deployment('web')));
    expect(written(planWorld(changed))).toEqual(['apps/Deployment/default/cache']);
  });

  it('hold drift repairs back as well', () => {
    const rest = settle(site(deployment('db'), inWave(1, deployment('web')))).world;
    const drifted = seen(seen(rest, 'db', ROLLING), 'web', { ourFields: {} });
    expect(written(planWorld(drifted))).toEqual([]);
    expect(written(planWorld(seen(drifted, 'db', READY)))).toEqual(['apps/Deployment/default/web']);
  });

  it('wait for an object that is being deleted', () => {
    const rest = settle(site(deployment('db'))).world;
    const going = seen(withSpec(rest, deployment('db'), inWave(1, deployment('web'))), 'db', { deleting: true, finalizers: ['a/b'] });
    expect(waveWaits(planWorld(going))).toEqual([
      'wave 1 waits for Deployment default/db of wave 0: Deployment default/db is still being deleted (finalizers: a/b)',
    ]);
  });

  it('leave the pool of a Service that waits as the live Service says', () => {
    const rest = settle(site(deployment('db'), inWave(1, service('web')))).world;
    const rolling = seen(rest, 'db', ROLLING);
    const inner = inWave(1, service('web', { spec: { type: 'ClusterIP' } }));
    const plan = planWorld(withSpec(rolling, deployment('db'), inner));
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.plans[0]?.removals).toEqual([]);
  });

  it('do not keep a pool in traffic that its Service withdraws', () => {
    const others = ['x', 'y', 'z'].map((name) => service(name));
    const rest = settle(site(deployment('db'), ...others, inWave(1, service('web')))).world;
    const out = inWave(1, service('web', { annotations: { 'poolkeeper.dev/register': 'false' } }));
    const plan = planWorld(withSpec(seen(rest, 'db', ROLLING), deployment('db'), ...others, out));
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['deregister-pool']);
  });

  it('are deleted from high to low, and by kind within one', () => {
    const others = ['a', 'b', 'c'].map((name) => spec(`${name}.yaml`, deployment(name)));
    const leaving = spec(
      'shop.yaml',
      inWave(-1, deployment('first')),
      inWave(2, deployment('last')),
      deployment('db'),
      deployment('cache'),
    );
    const base = world({ specs: complete(specSet([...others, leaving])) });
    const rest = settle(base).world;
    const commits = [{ revision: 'c0' as never, author: 'A', committedAtMs: 0, subject: 's', allowRemoval: ['4'] }];
    expect(written(planWorld({ ...rest, specs: complete(specSet(others, { commits })) }))).toEqual([
      'apps/Deployment/default/last',
      'apps/Deployment/default/db',
      'apps/Deployment/default/cache',
      'apps/Deployment/default/first',
    ]);
  });

  it('count as 0 where someone has written nonsense on a live object', () => {
    const others = ['a', 'b', 'c'].map((name) => spec(`${name}.yaml`, deployment(name)));
    const rest = settle(
      world({ specs: complete(specSet([...others, spec('shop.yaml', inWave(1, deployment('x')), deployment('y'))])) }),
    ).world;
    const key = `apps/Deployment/default/x` as ObjectKey;
    const deployments = rest.cluster.objects.get(DEPLOYMENT_KIND);
    const annotations = { ...(deployments === undefined ? undefined : snapshotValue(deployments))?.get(key)?.annotations };
    const edited = seen(rest, 'x', { annotations: { ...annotations, 'poolkeeper.dev/wave': 'ten' } });
    expect(written(planWorld({ ...edited, specs: complete(specSet(others)) }))).toEqual([
      'apps/Deployment/default/y',
      'apps/Deployment/default/x',
    ]);
  });

  it('come to rest', () => {
    const { last, world: rest } = settle(site(...three));
    expect(last.actions).toEqual([]);
    expect(snapshotValue(rest.registry)?.instances.get(keys.pool('web'))).toHaveLength(3);
  });
});
