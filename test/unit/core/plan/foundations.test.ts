import { describe, expect, it } from 'vitest';
import type { GroupKind, ObjectKey } from '../../../../src/core/model/ids.ts';
import { groupKind, NAMESPACE_KIND } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import { keyOfObject } from '../../../../src/core/model/objects.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { definedKind } from '../../../../src/core/plan/foundations.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { complete, deployment, liveOf, NOW_MS, spec, specSet, stale, unavailable, world } from '../../../support/builders.ts';
import { planWorld } from '../../../support/model-world.ts';

type Objects = Snapshot<ReadonlyMap<ObjectKey, LiveObject>>;
const DEFINITIONS = groupKind('apiextensions.k8s.io', 'CustomResourceDefinition');
const WIDGETS = groupKind('example.com', 'Widget');
const DEFINITION: KubernetesObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: { group: 'example.com', names: { plural: 'widgets', kind: 'Widget' } },
};
const WIDGET: KubernetesObject = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'web', namespace: 'default' } };
const NAMESPACE: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } };
const INSIDE: KubernetesObject = { ...deployment('web'), metadata: { name: 'web', namespace: 'prod' } };

const UNSERVED: Objects = { kind: 'unavailable', reason: problem('KUBERNETES_UNKNOWN_KIND', 'not served'), sinceMs: NOW_MS };
const GONE: Objects = {
  ...stale<ReadonlyMap<ObjectKey, LiveObject>>(new Map()),
  reason: problem('KUBERNETES_UNKNOWN_KIND', 'not served'),
} as Objects;
const holding = (...objects: readonly KubernetesObject[]): Objects =>
  complete(new Map(objects.map((object) => [keyOfObject(object), liveOf(object)])));

interface Planned {
  readonly applies: readonly string[];
  readonly waits: readonly string[];
  readonly codes: readonly string[];
}

/** What is applied, waited for and refused. */
function planned(specs: readonly Spec[], kinds: Readonly<Record<string, Objects>>, live: readonly LiveObject[] = []): Planned {
  const base: World = world({ specs: complete(specSet(specs)), objects: live, nodes: [] });
  const objects = new Map<GroupKind, Objects>([...base.cluster.objects, ...(Object.entries(kinds) as [GroupKind, Objects][])]);
  const { guarded, actions } = planWorld({ ...base, cluster: { ...base.cluster, objects } });
  return {
    applies: actions.flatMap((action) => (action.kind === 'apply-object' ? [action.object.kind] : [])),
    waits: guarded.plans.flatMap(({ waiting }) => waiting.map(({ what }) => what)),
    codes: guarded.plans.flatMap(({ problems }) => problems.map(({ code }) => code)),
  };
}

const BOTH = spec('both.yaml', WIDGET, DEFINITION);
const WAITS = ['Widget default/web waits for CustomResourceDefinition widgets.example.com, which defines its kind'];

describe('an object of a kind that a spec defines', () => {
  it.each<readonly [string, Objects]>([
    ['has never been served', UNSERVED],
    ['was served before', GONE],
    ['is thought to be served still', holding()],
  ])('waits for the definition when its kind %s', (_, widgets) => {
    expect(planned([BOTH], { [DEFINITIONS]: holding(), [WIDGETS]: widgets })).toEqual({
      applies: ['CustomResourceDefinition'],
      waits: WAITS,
      codes: [],
    });
  });

  it('waits as long as the kind is not served, also for a definition in another spec', () => {
    const apart = [spec('a.yaml', WIDGET), spec('b.yaml', DEFINITION)];
    expect(planned(apart, { [DEFINITIONS]: holding(), [WIDGETS]: UNSERVED })).toEqual({
      applies: ['CustomResourceDefinition'],
      waits: WAITS,
      codes: [],
    });
    expect(planned(apart, { [DEFINITIONS]: holding(DEFINITION), [WIDGETS]: UNSERVED }).waits).toEqual(WAITS);
  });

  it('is applied once the kind is served', () => {
    expect(
      planned([spec('a.yaml', WIDGET), spec('b.yaml', DEFINITION)], { [DEFINITIONS]: holding(DEFINITION), [WIDGETS]: holding() }),
    ).toMatchObject({
      waits: [],
      applies: expect.arrayContaining(['Widget']),
    });
  });

  it('does not wait when nobody can tell whether the definition is there', () => {
    expect(planned([BOTH], { [DEFINITIONS]: unavailable(), [WIDGETS]: holding() }).waits).toEqual([]);
  });

  it('is refused when nobody defines its kind', () => {
    expect(planned([spec('a.yaml', WIDGET)], { [WIDGETS]: UNSERVED })).toEqual({
      applies: [],
      waits: [],
      codes: ['KUBERNETES_UNKNOWN_KIND'],
    });
  });
});

describe('an object in a namespace that a spec holds', () => {
  const specs = [spec('web.yaml', INSIDE, NAMESPACE)];

  it('waits for the namespace', () => {
    expect(planned(specs, { [NAMESPACE_KIND]: holding() })).toEqual({
      applies: ['Namespace'],
      waits: ['Deployment prod/web waits for Namespace prod'],
      codes: [],
    });
  });

  it.each<readonly [string, readonly Spec[], Objects, readonly LiveObject[]]>([
    ['the namespace is there', specs, holding(NAMESPACE), []],
    ['namespaces cannot be seen', specs, unavailable(), []],
    ['no spec holds the namespace', [spec('web.yaml', INSIDE)], holding(), []],
    ['it is there itself', specs, holding(), [liveOf(INSIDE)]],
  ])('does not wait when %s', (_, some, namespaces, live) => {
    expect(planned(some, { [NAMESPACE_KIND]: namespaces }, live).waits).toEqual([]);
  });
});

it('definedKind tells the kind of definitions only', () => {
  expect(definedKind(DEFINITION)).toBe(WIDGETS);
  expect(definedKind(WIDGET)).toBeUndefined();
});
