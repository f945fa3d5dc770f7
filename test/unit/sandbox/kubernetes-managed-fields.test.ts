import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject, Fields } from '../../../src/sandbox/kubernetes/api-object.ts';
import { schemaErrors } from '../../../src/sandbox/kubernetes/decode-object.ts';
import { fromFieldsV1, joinPath, pathText, toFieldsV1 } from '../../../src/sandbox/kubernetes/field-paths.ts';
import { applyFields, sameButTimes, updateFields, type Writer } from '../../../src/sandbox/kubernetes/managed-fields.ts';
import { typeOfKind } from '../../../src/sandbox/kubernetes/schema.ts';

const by = (manager: string): Writer => ({ manager, subresource: '', time: '2026-01-01T00:00:00Z' });
const apply = (live: ApiObject | undefined, applied: ApiObject, manager = 'us', force = false): ApiObject =>
  applyFields(live, applied, by(manager), force);
const configMap = (data: Fields, metadata: Fields = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', ...metadata },
  data,
});
const service = (ports: readonly Fields[], selector?: Fields): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's' },
  spec: { ports, ...(selector && { selector }) },
});
const deployment = (container: Fields, pod: Fields = {}): ApiObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { template: { spec: { containers: [{ name: 'main', ...container }], ...pod } } },
});
const ownedBy = (object: ApiObject, manager: string, operation = 'Apply'): Fields | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager && entry.operation === operation)?.fieldsV1;
const item = (object: ApiObject): Fields => {
  const spec = object['spec'] as { template: { spec: { containers: Fields[] } } };
  return spec.template.spec.containers[0] ?? {};
};

describe('what an apply owns', () => {
  const inContainer = (fields: Fields): Fields => ({
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:name': {}, ...fields } } } } },
  });
  it.each([
    [
      'entries of a map',
      configMap({ a: '1' }, { labels: { x: 'y' } }),
      { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } },
    ],
    ['items of a set', configMap({}, { finalizers: ['a/b'] }), { 'f:data': {}, 'f:metadata': { 'f:finalizers': { 'v:"a/b"': {} } } }],
    [
      'items of a keyed list, and their fields',
      service([{ port: 80, protocol: 'TCP' }]),
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} } } } },
    ],
    [
      'the default of a key that is left out',
      service([{ port: 80 }]),
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } } } },
    ],
    ['an atomic map as a whole', service([], { app: 'x' }), { 'f:spec': { 'f:selector': {} } }],
    ['an atomic list as a whole', deployment({ args: ['a', 'b'] }), inContainer({ 'f:args': {} })],
    [
      'an atomic struct as a whole',
      deployment({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }),
      inContainer({
        'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:valueFrom': { 'f:secretKeyRef': {} } } },
      }),
    ],
    [
      'an empty struct',
      deployment({}, { securityContext: {} }),
      {
        'f:spec': {
          'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:name': {} } }, 'f:securityContext': {} } },
        },
      },
    ],
  ])('%s', (_, object, fields) => {
    expect(ownedBy(apply(undefined, object), 'us')).toEqual(fields);
  });
});

describe('applying again', () => {
  it('removes what we set before and do not now, and nothing of others', () => {
    const first = apply(apply(undefined, configMap({ a: '1', b: '2' })), configMap({ c: '3' }), 'them');
    const next = apply(first, configMap({ b: '2' }));
    expect(next['data']).toEqual({ b: '2', c: '3' });
  });

  it('keeps a field that somebody else applied too, and gives it to him alone', () => {
    const shared = apply(apply(undefined, configMap({ a: '1' })), configMap({ a: '1' }), 'them');
    const next = apply(shared, configMap({}));
    expect(next['data']).toEqual({ a: '1' });
    expect(ownedBy(next, 'us')).not.toHaveProperty(['f:data', 'f:a']);
    expect(ownedBy(next, 'them')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  it('takes out everything by applying nothing', () => {
    const theirs = apply(undefined, configMap({ a: '1' }), 'them');
    const both = apply(theirs, configMap({ a: '1', b: '2' }, { labels: { x: 'y' } }));
    const { data: _, ...nothing } = configMap({});
    expect(apply(both, nothing as ApiObject)).toEqual(theirs);
  });

  it('removes an item of a keyed list, with what defaults have added to it', () => {
    const live = apply(
      undefined,
      deployment({
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        image: 'x',
      }),
    );
    item(live)['imagePullPolicy'] = 'Always';
    const next = apply(live, deployment({ env: [{ name: 'B', value: '2' }], image: 'x' }));
    expect(item(next)).toEqual({ name: 'main', image: 'x', imagePullPolicy: 'Always', env: [{ name: 'B', value: '2' }] });
  });

  it('moves a value from one item to another at once', () => {
    const first = apply(undefined, service([{ name: 'web', port: 80, protocol: 'TCP', nodePort: 30001 }]));
    const wanted = [
      { name: 'web', port: 80, protocol: 'TCP', nodePort: 30002 },
      { name: 'web-draining', port: 65000, protocol: 'TCP', nodePort: 30001 },
    ];
    expect(apply(first, service(wanted))['spec']).toEqual({ ports: wanted });
  });

  it('puts shared items in the order of the applied list and leaves the others where they are', () => {
    const port = (number: number): Fields => ({ port: number, protocol: 'TCP' });
    const live = apply(undefined, service([port(1), port(2), port(3)]), 'them');
    expect(apply(live, service([port(9), port(3), port(1)]))['spec']).toEqual({ ports: [9, 3, 2, 1].map(port) });
  });

  it('changes nothing when the same is applied twice', () => {
    const value = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(value, value, value, (data, others, labels) => {
        const before = apply(apply(undefined, configMap(others), 'them'), configMap(data, { labels }), 'us', true);
        expect(sameButTimes(before, apply(before, configMap(data, { labels })))).toBe(true);
      }),
    );
  });
});

describe('two writers of one field', () => {
  it('conflict, with a cause for each field, and nothing is changed', () => {
    const live = apply(undefined, deployment({ image: 'a', args: ['1'] }), 'them');
    expect(() => apply(live, deployment({ image: 'b', args: ['2'] }))).toThrow(
      expect.objectContaining({
        code: 409,
        reason: 'Conflict',
        details: {
          causes: ['args', 'image'].map((field) => ({
            reason: 'FieldManagerConflict',
            message: 'conflict with "them"',
            field: `.spec.template.spec.containers[name="main"].${field}`,
          })),
        },
      }),
    );
  });

  it('do not conflict over an equal value', () => {
    const live = apply(undefined, configMap({ a: '1' }), 'them');
    expect(ownedBy(apply(live, configMap({ a: '1' })), 'us')).toEqual({ 'f:data': { 'f:a': {} } });
  });

  it('the one who forces takes the field', () => {
    const live = apply(undefined, configMap({ a: '1', b: '1' }), 'them');
    const next = apply(live, configMap({ a: '2' }), 'us', true);
    expect(ownedBy(next, 'them')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(next['data']).toEqual({ a: '2', b: '1' });
  });
});

describe('an update', () => {
  const live = apply(undefined, configMap({ a: '1', b: '2' }));

  it('takes exactly the fields that it changes', () => {
    const next = updateFields(live, { ...live, data: { a: 'x', b: '2', c: '3' } }, by('kubectl'));
    expect(ownedBy(next, 'us')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(ownedBy(next, 'kubectl', 'Update')).toEqual({ 'f:data': { 'f:a': {}, 'f:c': {} } });
  });

  it('takes away the ownership of what it removes', () => {
    const next = updateFields(live, { ...live, data: { b: '2' } }, by('kubectl'));
    expect(ownedBy(next, 'us')).toEqual({ 'f:data': { 'f:b': {} } });
    expect(ownedBy(next, 'kubectl', 'Update')).toBeUndefined();
  });

  it('through the status owns nothing of the rest', () => {
    const object = { ...apply(undefined, deployment({ image: 'a' })), status: { replicas: 2 } };
    const next = updateFields(apply(undefined, deployment({ image: 'a' })), object, { ...by('ctl'), subresource: 'status' });
    expect(next.metadata.managedFields?.at(-1)).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
  });

  it('may bring owners of its own, and may forget all', () => {
    const entry = {
      manager: 'us',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:b': {} } },
    } as const;
    const moved = updateFields(live, { ...live, metadata: { ...live.metadata, managedFields: [entry] } }, by('us'));
    expect(moved.metadata.managedFields).toEqual([entry]);
    const forgotten = updateFields(live, { ...live, metadata: { ...live.metadata, managedFields: [{} as typeof entry] } }, by('us'));
    expect(forgotten.metadata).not.toHaveProperty('managedFields');
    expect(() => apply(forgotten, configMap({ a: 'x' }))).toThrow('conflict with "before-first-apply"');
  });
});

describe('FieldsV1', () => {
  it('is the same after there and back', () => {
    const element = fc.constantFrom('f:a', 'f:b.c/d', 'k:{"name":"x"}', 'v:"y"');
    const path = fc.array(element, { minLength: 1, maxLength: 4 }).map((elements) => elements.reduce(joinPath, ''));
    fc.assert(
      fc.property(fc.uniqueArray(path), (paths) => {
        expect(fromFieldsV1(toFieldsV1(new Set(paths)))).toEqual(new Set(paths));
      }),
    );
  });

  it('paths are written as the server writes them', () => {
    const path = ['f:spec', 'f:ports', 'k:{"port":80,"protocol":"TCP"}', 'f:nodePort'].reduce(joinPath, '');
    expect(pathText(path)).toBe('.spec.ports[port=80,protocol="TCP"].nodePort');
  });
});

describe('the schema', () => {
  it.each([
    [
      'an unknown field',
      deployment({ imagePullPolicyy: 'x' }),
      '.spec.template.spec.containers[name="main"].imagePullPolicyy: field not declared in schema',
    ],
    [
      'a number for a string',
      deployment({ env: [{ name: 'A', value: 5 }] }),
      '.spec.template.spec.containers[name="main"].env[name="A"].value: expected string, got &{5}',
    ],
    ['a value for a list', service('x' as never), '.spec.ports: expected list, got &{"x"}'],
    [
      'the same item twice',
      service([{ port: 80 }, { port: 80, protocol: 'TCP' }]),
      '.spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    ],
  ])('refuses %s', (_, object, error) => {
    expect(schemaErrors(typeOfKind(object.kind), object)).toEqual([error]);
  });
});
