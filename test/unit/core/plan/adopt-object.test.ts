import { describe, expect, it } from 'vitest';
import type { FieldManager, FieldsV1, KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import { adoptionChanges, managersToTake, whyNotAdopt } from '../../../../src/core/plan/adopt-object.ts';
import { heldFields } from '../../../../src/core/plan/held-fields.ts';
import { deployment, liveOf, POLICY } from '../../../support/builders.ts';

const manager = (name: string, fields: FieldsV1): FieldManager => ({
  name,
  operation: 'Update',
  subresource: '',
  ownsReplicas: false,
  fields,
});
function stranger(...managers: readonly FieldManager[]): LiveObject {
  const { ourFields: _none, ...live } = liveOf(deployment('web'), { managers });
  return live;
}
const adopting = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { 'poolkeeper.dev/adopt': 'true' } },
});

describe('heldFields', () => {
  const containers = [{ name: 'main', image: 'a' }];
  const object = { ...deployment('web', { template: { containers }, args: ['a'], ports: [{ port: 80 }] }), finalizers: ['x'] };

  it.each<readonly [string, FieldsV1, readonly (readonly [string, boolean])[]]>([
    ['a scalar', { 'f:kind': {} }, [['kind', true]]],
    ['a field that the spec has not got, as one', { 'f:spec': { 'f:strategy': { 'f:type': {} } } }, [['spec.strategy', false]]],
    ['an atomic list', { 'f:spec': { 'f:args': {} } }, [['spec.args', true]]],
    [
      'items by their keys',
      {
        'f:spec': {
          'f:template': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {} }, 'k:{"name":"b"}': { '.': {}, 'f:x': {} } } },
        },
      },
      [
        ['spec.template.containers[0].image', true],
        ['spec.template.containers[name=b]', false],
      ],
    ],
    [
      'items whose other keys have defaults',
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } } } },
      [['spec.ports[0].port', true]],
    ],
    [
      'members of a set',
      { 'f:finalizers': { 'v:"x"': {}, 'v:"y"': {} } },
      [
        ['finalizers["x"]', true],
        ['finalizers["y"]', false],
      ],
    ],
    ['a field called like a member of every object', { 'f:constructor': {} }, [['constructor', false]]],
  ])('tells %s', (_name, fields, held) => {
    expect(heldFields(fields, object).map(({ path, wanted }) => [path, wanted])).toEqual(held);
  });
});

describe('a stranger', () => {
  it('is refused with its managers and the fields that both set', () => {
    const replicas = manager('flux', { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } });
    expect(whyNotAdopt(deployment('web'), stranger(replicas, manager('ops', {})), POLICY)?.message).toBe(
      'Deployment default/web exists already and belongs to flux, ops; both set spec.replicas',
    );
  });

  it('is refused too when no field clashes, and when nobody is known', () => {
    const quiet = stranger(manager('flux', { 'f:spec': { 'f:paused': {} } }));
    expect(whyNotAdopt(deployment('web'), quiet, POLICY)?.message).toBe('Deployment default/web exists already and belongs to flux');
    expect(whyNotAdopt(deployment('web'), stranger(), POLICY)?.message).toContain('belongs to someone else');
  });

  it('tells at most five fields', () => {
    const spec = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, i]));
    const fields = { 'f:spec': Object.fromEntries(Object.keys(spec).map((key) => [`f:${key}`, {}])) };
    expect(whyNotAdopt(deployment('web', spec), stranger(manager('flux', fields)), POLICY)?.message).toContain('spec.f4, 4 more');
  });

  it('may be adopted by the annotation or by the configuration, unless a controller has it', () => {
    const live = stranger(manager('flux', {}));
    expect(whyNotAdopt(adopting(deployment('web')), live, POLICY)).toBeUndefined();
    expect(whyNotAdopt(deployment('web'), live, { ...POLICY, allowAdopt: true })).toBeUndefined();
    const controlled = { ...live, controlledBy: 'Rollout/web' };
    expect(whyNotAdopt(adopting(deployment('web')), controlled, POLICY)?.message).toContain('is controlled by Rollout/web');
  });

  it('gives up the entries of the configured managers, and what it had before anyone kept any', () => {
    const live = stranger(manager('kubectl', {}), manager('before-first-apply', {}), manager('flux', {}));
    expect(managersToTake(live, 'stranger', POLICY)).toEqual(['kubectl', 'before-first-apply']);
  });

  it('is told with what is no longer set and what both set, 20 fields at most', () => {
    const kubectl = manager('kubectl', { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } });
    const flux = manager('flux', { 'f:spec': { 'f:minReadySeconds': {} } });
    const live = stranger(kubectl, flux);
    expect(adoptionChanges({ sent: deployment('web'), live, taken: ['kubectl'] }, POLICY)).toEqual([
      'taken over from kubectl, flux',
      'spec.paused no longer set (kubectl)',
      'spec.replicas (kubectl)',
    ]);
    const wide = manager('kubectl', Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f:x${i}`, {}])));
    const told = adoptionChanges({ sent: deployment('web'), live: stranger(wide), taken: ['kubectl'] }, POLICY);
    expect([told.length, told.at(-1)]).toEqual([22, '10 more']);
  });
});

it('an object of ours gives up what it had before our first apply, and nothing else', () => {
  const live = { ...liveOf(deployment('web')), managers: [manager('before-first-apply', {}), manager('kubectl', {})] };
  expect(managersToTake(live, 'owned', POLICY)).toEqual(['before-first-apply']);
  expect(managersToTake(live, 'drifted', POLICY)).toEqual(['before-first-apply']);
});
