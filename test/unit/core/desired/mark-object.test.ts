import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markObject } from '../../../../src/core/desired/mark-object.ts';
import { ownershipOf } from '../../../../src/core/desired/ownership.ts';
import type { KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import { deployment, keys, liveOf, POLICY, service } from '../../../support/builders.ts';

const FILE = keys.spec('web.json');
const mark = (object: KubernetesObject, live?: LiveObject): KubernetesObject => markObject(object, FILE, POLICY.owner, live);
const hashIn = (object: KubernetesObject): string | undefined => object.metadata.annotations?.['poolkeeper.dev/hash'];
const managedBy = (object: KubernetesObject): string | undefined => object.metadata.labels?.['app.kubernetes.io/managed-by'];
const liveWith = (labels: Readonly<Record<string, string>>): LiveObject => liveOf(service('web'), { labels });

describe('markObject', () => {
  it('says whose it is and where it comes from, and keeps everything else', () => {
    const marked = mark(service('web'));
    expect(marked.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'poolkeeper', 'poolkeeper.dev/owner': 'poolkeeper' });
    expect(marked.metadata.annotations).toEqual({
      ...service('web').metadata.annotations,
      'poolkeeper.dev/id': 'poolkeeper//Service/default/web',
      'poolkeeper.dev/spec': 'web.json',
      'poolkeeper.dev/hash': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(marked['spec']).toEqual(service('web')['spec']);
    expect(ownershipOf(liveOf(marked), POLICY.owner)).toBe('owned');
  });

  it('does not mark the template of a workload, whose pods would inherit the marks', () => {
    const template = { metadata: { labels: { app: 'web' } } };
    expect(mark(deployment('web', { template }))['spec']).toEqual({ template });
  });

  it.each<readonly [string, KubernetesObject, LiveObject | undefined, string | undefined]>([
    ['nobody has it', service('web'), undefined, 'poolkeeper'],
    ['the live object has none', service('web'), liveWith({}), 'poolkeeper'],
    ['the live object has ours', service('web'), liveWith({ 'app.kubernetes.io/managed-by': 'poolkeeper' }), 'poolkeeper'],
    ['the live object has that of another tool', service('web'), liveWith({ 'app.kubernetes.io/managed-by': 'Helm' }), undefined],
    [
      'the live object has what we alone hold, since the spec said so before or its owner was replaced',
      service('web'),
      liveOf({ ...service('web'), metadata: { name: 'web', labels: { 'app.kubernetes.io/managed-by': 'Helm' } } }),
      'poolkeeper',
    ],
    [
      'the spec says something itself',
      { ...service('web'), metadata: { name: 'web', labels: { 'app.kubernetes.io/managed-by': 'us' } } },
      liveWith({ 'app.kubernetes.io/managed-by': 'Helm' }),
      'us',
    ],
  ])('writes app.kubernetes.io/managed-by where %s', (_name, object, live, expected) => {
    expect(managedBy(mark(object, live))).toBe(expected);
  });

  it('gives one hash for one content, whatever the order of its keys, and another one for each change', () => {
    const shuffled = { spec: service('web')['spec'], metadata: service('web').metadata, kind: 'Service', apiVersion: 'v1' };
    expect(hashIn(mark(shuffled))).toBe(hashIn(mark(service('web'))));
    const variants = [
      mark(service('web')),
      mark(service('web', { annotations: { tags: 'x' } })),
      mark(service('web', { spec: { type: 'ClusterIP' } })),
      mark(service('web', { namespace: 'prod' })),
      mark(service('api')),
      markObject(service('web'), keys.spec('moved.json'), POLICY.owner, undefined),
      markObject(service('web'), FILE, 'other', undefined),
    ];
    expect(new Set(variants.map(hashIn)).size).toBe(variants.length);
  });

  it('gives the same again for what it has marked, as an export of a live object would', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string()), (labels) => {
        const object = { ...service('web'), metadata: { ...service('web').metadata, labels } };
        expect(mark(object, liveOf(mark(object)))).toEqual(mark(object));
      }),
    );
  });
});
