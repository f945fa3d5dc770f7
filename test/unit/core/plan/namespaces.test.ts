import { describe, expect, it } from 'vitest';
import type { GroupKind, ObjectKey } from '../../../../src/core/model/ids.ts';
import { NAMESPACE_KIND } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { namespacesToLookUp, planNamespaces } from '../../../../src/core/plan/create-namespaces.ts';
import { problem } from '../../../../src/shared/problem.ts';
import {
  complete,
  deployment,
  liveOf,
  owned,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import { FakeSite } from '../../../support/fake-ports.ts';
import { planWorld } from '../../../support/model-world.ts';

const CREATING: Policy = { ...POLICY, createNamespaces: true };
type Objects = Snapshot<ReadonlyMap<ObjectKey, LiveObject>>;
const namespace = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const within = (name: string, object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: name },
});
const keyed = (...objects: readonly LiveObject[]): Objects => complete(new Map(objects.map((object) => [object.key, object])));

function site(specs: readonly Spec[], namespaces: Objects, objects: readonly LiveObject[] = []): World {
  const base = world({ specs: complete(specSet(specs)), objects });
  const all = new Map<GroupKind, Objects>([...base.cluster.objects, [NAMESPACE_KIND, namespaces]]);
  return { ...base, cluster: { ...base.cluster, objects: all } };
}

const WEB = spec('web.yaml', within('prod', deployment('web')), within('prod', service('web')));
const plan = (base: World, policy = CREATING): ReturnType<typeof planNamespaces> => {
  const { guarded, context } = planWorld(base, { policy });
  return planNamespaces(guarded.plans, context);
};

describe('a namespace that a spec uses and that does not exist', () => {
  it('is created, marked as managed but not as ours', () => {
    expect(plan(site([WEB], keyed()))).toEqual([
      {
        kind: 'apply-object',
        key: '/Namespace//prod',
        object: {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: 'prod', labels: { 'app.kubernetes.io/managed-by': 'poolkeeper' } },
        },
        why: 'create',
        changes: ['for web.yaml'],
      },
    ]);
  });

  it('is created once for all specs, in the order of names', () => {
    const others = [spec('a.yaml', within('prod', deployment('a'))), spec('b.yaml', within('dev', deployment('b')))];
    const made = plan(site([WEB, ...others], keyed()));
    expect(made.map(({ key, changes }) => [key, changes])).toEqual([
      ['/Namespace//dev', ['for b.yaml']],
      ['/Namespace//prod', ['for a.yaml and 1 more']],
    ]);
  });

  it.each<readonly [string, World, Policy]>([
    ['the option is off', site([WEB], keyed()), POLICY],
    ['it exists', site([WEB], keyed(liveOf(namespace('prod')))), CREATING],
    ['it is being deleted', site([WEB], keyed(liveOf(namespace('prod'), { deleting: true }))), CREATING],
    ['a spec holds it', site([WEB, spec('base.yaml', namespace('prod'))], keyed()), CREATING],
    ['something lives in it', site([WEB], keyed(), [liveOf(within('prod', deployment('strange')))]), CREATING],
    ['namespaces cannot be seen', site([WEB], unavailable()), CREATING],
    ['the answer is stale', site([WEB], stale(new Map())), CREATING],
    ['the object belongs to the cluster', site([spec('base.yaml', namespace('prod'))], keyed()), CREATING],
  ])('is not created when %s', (_, base, policy) => {
    expect(plan(base, policy)).toEqual([]);
  });

  it('is not created for what waits, or is refused', () => {
    const annotations = { 'poolkeeper.dev/depends-on': 'base.yaml' };
    const web = within('prod', deployment('web'));
    const waiting = spec('web.yaml', { ...web, metadata: { ...web.metadata, annotations } });
    const made = keyed(liveOf(namespace('default')));
    expect(plan(site([spec('base.yaml', deployment('db')), waiting], made))).toEqual([]);
    const { ourFields: _, ...stranger } = liveOf(deployment('db'));
    expect(plan(site([spec('mixed.yaml', deployment('db'), web)], made, [stranger]))).toEqual([]);
  });

  it('is never deleted, and counts for nothing', () => {
    const mine = owned(namespace('prod'), 'gone.yaml');
    const { guarded, context } = planWorld(site([], keyed(mine)));
    expect([guarded.plans[0]?.removals, context.desired.owned.objects]).toEqual([[], 0]);
    expect(guarded.plans[0]?.problems.map(({ code, severity }) => [code, severity])).toEqual([['PRUNE_DISABLED', 'note']]);
  });
});

describe('the namespaces that are looked up', () => {
  const { cluster } = site([], keyed(), [liveOf(within('prod', deployment('web'))), liveOf(within('prod', service('web')))]);

  it('are those in which something is not there yet', () => {
    const more = spec('more.yaml', within('dev', deployment('x')), within('test', service('y')), namespace('other'));
    expect(namespacesToLookUp([WEB, more], cluster, CREATING)).toEqual(
      new Map([
        ['/Namespace//dev', 'v1'],
        ['/Namespace//test', 'v1'],
      ]),
    );
  });

  it('are none at rest, and none without the option', () => {
    expect(namespacesToLookUp([WEB], cluster, CREATING).size).toBe(0);
    expect(namespacesToLookUp([WEB], world({}).cluster, POLICY).size).toBe(0);
  });
});

describe('a run that creates namespaces', () => {
  it('makes them before anything else, and tells it of no spec', async () => {
    const run = new FakeSite(site([WEB], keyed()));
    const { outcomes } = await run.run({ policy: CREATING });
    expect(run.takeJournal().slice(0, 2)).toEqual(['apply-object /Namespace//prod', 'apply-object apps/Deployment/prod/web']);
    expect(outcomes[0]).toMatchObject({ spec: '', result: 'done' });
    expect(run.prepared[0]).toMatchObject({
      kinds: expect.arrayContaining(['/Namespace']),
      claims: expect.arrayContaining(['/Namespace//prod']),
    });
  });

  it('lets a spec try that needs one which could not be made, and others go on', async () => {
    const run = new FakeSite(site([WEB, spec('db.yaml', deployment('db'))], keyed()));
    run.refuse = (action) =>
      action.kind === 'apply-object' && action.key === '/Namespace//prod' ? problem('KUBERNETES_FORBIDDEN', 'no') : undefined;
    const { outcomes } = await run.run({ policy: CREATING });
    expect(outcomes.filter(({ result }) => result === 'done').map(({ action }) => ('key' in action ? action.key : ''))).toContain(
      'apps/Deployment/default/db',
    );
  });
});
