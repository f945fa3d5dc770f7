import { describe, expect, it } from 'vitest';
import { markObject } from '../../../../src/core/desired/mark-object.ts';
import type { ApplyObject } from '../../../../src/core/model/action.ts';
import { DEPLOYMENT_KIND, groupKind } from '../../../../src/core/model/ids.ts';
import type { FieldManager, KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { World } from '../../../../src/core/model/world.ts';
import {
  complete,
  deployment,
  keys,
  liveOf,
  node,
  POLICY,
  service,
  spec,
  specSet,
  stale,
  unavailable,
  world,
} from '../../../support/builders.ts';
import type { ModelPlan } from '../../../support/model-world.ts';
import { planWorld } from '../../../support/model-world.ts';

const FILE = keys.spec('web.json');
const KUBECTL: FieldManager = { name: 'kubectl', operation: 'Update', subresource: '', ownsReplicas: false };
/** The object as we have applied it. */
const ours = (object: KubernetesObject, more: Partial<LiveObject> = {}): LiveObject =>
  liveOf(markObject(object, FILE, POLICY.owner, undefined), more);
/** The object as somebody else has made it. */
function theirs(object: KubernetesObject, more: Partial<LiveObject> = {}): LiveObject {
  const { ourFields: _none, ...rest } = liveOf(object, { managers: [KUBECTL], ...more });
  return rest;
}
const site = (objects: readonly KubernetesObject[], live: readonly LiveObject[] = []): World =>
  world({ specs: complete(specSet([spec('web.json', ...objects)])), objects: live, nodes: [node('n1')] });
const applies = (plan: ModelPlan): readonly ApplyObject[] =>
  plan.actions.flatMap((action) => (action.kind === 'apply-object' ? [action] : []));
const codes = (plan: ModelPlan): readonly string[] => plan.guarded.plans.flatMap((one) => one.problems.map(({ code }) => code));
const waits = (plan: ModelPlan): readonly string[] => plan.guarded.plans.flatMap((one) => one.waiting.map(({ what }) => what));
const allowing: Policy = { ...POLICY, allowAdopt: true };

describe('an object of a spec', () => {
  it('is created where there is none, and must not exist then', () => {
    const [apply] = applies(planWorld(site([deployment('web')])));
    expect(apply).toMatchObject({ why: 'create', changes: ['new object'] });
    expect(apply).not.toHaveProperty('existing');
  });

  it('is left alone when it is in step', () => {
    expect(applies(planWorld(site([deployment('web'), service('web')], [ours(deployment('web')), ours(service('web'))])))).toEqual([]);
  });

  it('is changed with its uid, and with its version where the plan relied on its content', () => {
    const changed = applies(
      planWorld(
        site(
          [deployment('web', { replicas: 3 }), service('web', { annotations: { tags: 'x' } })],
          [ours(deployment('web')), ours(service('web'))],
        ),
      ),
    );
    expect(changed.map(({ why, existing }) => [why, existing])).toEqual([
      ['change', { uid: 'uid-apps/Deployment/default/web', resourceVersion: '1', pinVersion: false }],
      ['change', { uid: 'uid-/Service/default/web', resourceVersion: '1', pinVersion: true }],
    ]);
  });

  it('is repaired when a field of ours was taken, and the path is told', () => {
    const live = ours(deployment('web'));
    const { 'f:replicas': _taken, ...fields } = live.ourFields?.['f:spec'] ?? {};
    const [apply] = applies(
      planWorld(
        site(
          [deployment('web', { replicas: 2, paused: false })],
          [
            {
              ...ours(deployment('web', { replicas: 2, paused: false })),
              ourFields: { ...ours(deployment('web', { replicas: 2, paused: false })).ourFields, 'f:spec': { ...fields, 'f:paused': {} } },
            },
          ],
        ),
      ),
    );
    expect(apply).toMatchObject({ why: 'drift', changes: ['spec.replicas'] });
  });

  it('is pinned to its version when the live number of replicas is sent', () => {
    const scaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
    };
    const live = { ...ours(deployment('web')), spec: { replicas: 6 } };
    const base = site([deployment('web'), scaler], [live]);
    const objects: World['cluster']['objects'] = new Map([
      ...base.cluster.objects,
      [groupKind('autoscaling', 'HorizontalPodAutoscaler'), complete(new Map<never, never>())],
    ]);
    const withKind: World = { ...base, cluster: { ...base.cluster, objects } };
    const [apply] = applies(planWorld(withKind)).filter(({ key }) => key.startsWith('apps/'));
    expect([apply?.object['spec'], apply?.existing?.pinVersion]).toEqual([{ replicas: 6 }, true]);
  });

  it('waits while the old one is still being deleted, and says for what', () => {
    const plan = planWorld(site([deployment('web')], [ours(deployment('web'), { deleting: true, finalizers: ['a/b'] })]));
    expect([applies(plan), waits(plan)]).toEqual([[], ['Deployment default/web is still being deleted (finalizers: a/b)']]);
  });

  it.each<readonly [string, World, string]>([
    [
      'unavailable',
      { ...site([deployment('web')]), cluster: { ...site([]).cluster, objects: new Map([[DEPLOYMENT_KIND, unavailable()]]) } },
      'KUBERNETES_UNAVAILABLE',
    ],
    ['not looked up yet', { ...site([deployment('web')]), cluster: { ...site([]).cluster, objects: new Map() } }, 'SNAPSHOT_STALE'],
  ])('is not touched while its kind is %s, and nothing else of the spec is', (_name, base, code) => {
    const both = { ...base, specs: complete(specSet([spec('web.json', deployment('web'), service('web')), spec('b.json', service('b'))])) };
    const plan = planWorld(both);
    expect(applies(plan).map(({ key }) => key)).toEqual(['/Service/default/b']);
    expect(codes(plan)).toEqual([code]);
  });

  it('is changed also while its kind is stale: stale may update', () => {
    const base = site([deployment('web', { replicas: 5 })], [ours(deployment('web'))]);
    const deployments = new Map([[ours(deployment('web')).key, ours(deployment('web'))]]);
    const dim: World = { ...base, cluster: { ...base.cluster, objects: new Map([[DEPLOYMENT_KIND, stale(deployments)]]) } };
    expect(applies(planWorld(dim)).map(({ why }) => why)).toEqual(['change']);
  });
});

describe("a stranger's object", () => {
  const adopting = service('web', { annotations: { 'poolkeeper.dev/adopt': 'true' } });

  it.each<readonly [string, readonly KubernetesObject[], LiveObject, Policy, readonly string[], string | undefined]>([
    ['is refused', [service('web')], theirs(service('web')), POLICY, ['OBJECT_NOT_OURS'], undefined],
    ['is taken over when the spec says so', [adopting], theirs(service('web')), POLICY, [], 'adopt'],
    ['is taken over when the configuration says so', [service('web')], theirs(service('web')), allowing, [], 'adopt'],
    [
      'is never taken from a controller',
      [adopting],
      theirs(service('web'), { controlledBy: 'Application/web' }),
      allowing,
      ['OBJECT_NOT_OURS'],
      undefined,
    ],
    [
      'with all our marks copied onto it is refused',
      [service('web')],
      { ...theirs(service('web')), annotations: ours(service('web')).annotations, labels: ours(service('web')).labels },
      POLICY,
      ['OBJECT_NOT_OURS'],
      undefined,
    ],
  ])('%s', (_name, objects, live, policy, problems, why) => {
    const plan = planWorld(site(objects, [live]), { policy });
    expect(codes(plan)).toEqual(problems);
    expect(applies(plan).map((apply) => apply.why)).toEqual(why === undefined ? [] : [why]);
  });

  it('is pinned to what was seen, and only configured managers are replaced', () => {
    const managers = [KUBECTL, { ...KUBECTL, name: 'helm' }, { ...KUBECTL, name: 'kube-controller-manager', subresource: 'status' }];
    const [apply] = applies(planWorld(site([adopting], [theirs(service('web'), { managers })])));
    expect(apply).toMatchObject({ takeFrom: ['kubectl'], existing: { pinVersion: true }, changes: ['taken over from kubectl, helm'] });
  });

  it('keeps its running number and its NodePort, which the taking over would drop otherwise', () => {
    const fields = {
      'f:spec': { 'f:replicas': {}, 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:nodePort': {} } } },
    };
    const managers = [{ ...KUBECTL, ownsReplicas: true, fields }];
    const unscaled = { ...deployment('web', {}), metadata: { ...adopting.metadata } };
    const spec = { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 31_080 }] };
    const running = [theirs(deployment('web', { replicas: 6 }), { managers }), theirs(service('web', { spec }), { managers })];
    const [scaled, open] = applies(planWorld(site([unscaled, adopting], running)));
    expect([scaled?.why, scaled?.object['spec']]).toEqual(['adopt', { replicas: 6 }]);
    expect(open?.object['spec']).toMatchObject({ ports: [{ port: 80, nodePort: 31_080 }] });
  });

  it('is not registered', () => {
    const plan = planWorld(site([deployment('web')], [theirs(service('web')), ours(deployment('web'))]));
    expect(plan.actions).toEqual([]);
    expect(plan.guarded.plans.flatMap((one) => one.pools)).toEqual([]);
  });
});

it('an object of ours that still holds what it had before the first apply is taken over once more', () => {
  const before = {
    name: 'before-first-apply',
    operation: 'Update' as const,
    subresource: '',
    ownsReplicas: false,
    fields: { 'f:spec': { 'f:paused': {} } },
  };
  const [apply] = applies(planWorld(site([deployment('web')], [ours(deployment('web'), { managers: [before, KUBECTL] })])));
  expect(apply).toMatchObject({ why: 'adopt', takeFrom: ['before-first-apply'], existing: { pinVersion: false } });
  expect(apply?.changes).toContain('spec.paused no longer set (before-first-apply)');
});

it('applies kinds in their order and deletes backwards', () => {
  const all = [
    '/Service',
    'apps/Deployment',
    '/ConfigMap',
    '/Namespace',
    'rbac.authorization.k8s.io/Role',
    '/PersistentVolumeClaim',
    'networking.k8s.io/Ingress',
    'apiextensions.k8s.io/CustomResourceDefinition',
    'example.com/Widget',
  ];
  const objects = all.map((kind) => {
    const [group = '', name = ''] = kind.split('/');
    return {
      apiVersion: group === '' ? 'v1' : `${group}/v1`,
      kind: name,
      metadata: { name: 'x', namespace: 'default' },
      spec: name === 'Service' ? service('x')['spec'] : {},
    };
  });
  const base = site(objects);
  const kinds = new Map(
    all.filter((kind) => kind !== '/Service').map((kind) => [kind as ReturnType<typeof groupKind>, complete(new Map())]),
  );
  const plan = planWorld({ ...base, cluster: { ...base.cluster, objects: kinds } });
  expect(applies(plan).map(({ object }) => object.kind)).toEqual([
    'Namespace',
    'CustomResourceDefinition',
    'Role',
    'ConfigMap',
    'PersistentVolumeClaim',
    'Deployment',
    'Service',
    'Widget',
    'Ingress',
  ]);
});
