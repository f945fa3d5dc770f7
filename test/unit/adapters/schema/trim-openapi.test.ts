import { describe, expect, it } from 'vitest';
import { createSchemaCheck } from '../../../../src/adapters/schema/kubernetes-schema.ts';
import { type OpenApiDocument, trimOpenApi } from '../../../../src/adapters/schema/trim-openapi.ts';
import type { JsonObject } from '../../../../src/core/model/objects.ts';

const REF = { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] };
const META = { properties: { name: { type: 'string' } }, type: 'object' };

/** The document of a definition whose `spec` has these properties, as the API server publishes it. */
const custom = (properties: object, more: object = {}): OpenApiDocument =>
  ({
    components: {
      schemas: {
        'com.example.v1.Thing': {
          type: 'object',
          properties: {
            apiVersion: { type: 'string' },
            kind: { type: 'string' },
            metadata: REF,
            spec: { type: 'object', properties, ...more },
            status: { type: 'object', properties: { ready: { type: 'boolean' } } },
          },
          'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Thing' }],
        },
        'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': META,
      },
    },
  }) as OpenApiDocument;

/** `path: fault` of everything that a schema finds in a thing of this spec. */
function words(document: OpenApiDocument, spec: JsonObject): readonly string[] {
  const check = createSchemaCheck(trimOpenApi([document], '1.40.0'));
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec };
  return check(object).map(({ path, fault }) => `${path.join('.')}: ${fault.kind}${'title' in fault ? ` of ${fault.title}` : ''}`);
}

describe('the trimmed schema of a custom kind', () => {
  it('refuses unknown fields on every level, and calls each part by its field', () => {
    const document = custom({
      size: { type: 'integer' },
      store: { type: 'object', properties: { path: { type: 'string' } } },
      rules: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
    });
    expect(words(document, { size: 1, store: { path: '/a' }, rules: [{ name: 'a' }] })).toEqual([]);
    expect(words(document, { sizee: 1, store: { pth: '/a' }, rules: [{ nme: 'a' }] })).toEqual([
      'spec.sizee: unknown-field of spec',
      'spec.store.pth: unknown-field of store',
      'spec.rules.0.nme: unknown-field of rules',
    ]);
  });

  it('keeps unknown fields where the definition does, and looks at the known ones', () => {
    const document = custom({ size: { type: 'integer' } }, { 'x-kubernetes-preserve-unknown-fields': true });
    expect(words(document, { any: { thing: [1] } })).toEqual([]);
    expect(words(document, { any: 1, size: 'big' })).toEqual(['spec.size: wrong-type']);
    const inner = custom({ any: { 'x-kubernetes-preserve-unknown-fields': true, oneOf: [{ required: ['a'] }] } });
    expect(words(inner, { any: [{ b: 1 }] })).toEqual([]);
  });

  it('takes a mapping without fields for an empty one, as the API server does', () => {
    const document = custom({ none: { type: 'object' }, labels: { type: 'object', additionalProperties: { type: 'string' } } });
    expect(words(document, { none: {}, labels: { a: 'b' } })).toEqual([]);
    expect(words(document, { none: { a: 1 }, labels: { a: 1 } })).toEqual([
      'spec.none.a: unknown-field of none',
      'spec.labels.a: wrong-type',
    ]);
    expect(words(custom({ any: { type: 'object', additionalProperties: true } }), { any: { a: 1 } })).toEqual([]);
  });

  it('takes a number or a text where either may stand', () => {
    const document = custom({ port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } });
    expect(words(document, { port: 80 })).toEqual([]);
    expect(words(document, { port: 'http' })).toEqual([]);
    expect(words(document, { port: true })).toEqual(['spec.port: wrong-type']);
  });

  it('misses no field that has a default', () => {
    const document = custom({ on: { type: 'boolean', default: false }, name: { type: 'string' } }, { required: ['on', 'name'] });
    expect(words(document, {})).toEqual(['spec.name: missing-field of spec']);
  });

  it('keeps to the fields where values are judged beside them', () => {
    const document = custom({ a: { type: 'string' } }, { allOf: [{ required: ['a'] }], oneOf: [{ required: ['a'] }] });
    expect(words(document, { b: 'c' })).toEqual(['spec.b: unknown-field of spec']);
  });

  it('tells items apart by their keys', () => {
    const items = { type: 'object', properties: { name: { type: 'string' }, on: { type: 'string', default: 'a' } } };
    const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'on'] };
    expect(words(custom({ list }), { list: [{ name: 'a' }, { name: 'a', on: 'a' }, { name: 'a', on: 'b' }] })).toEqual([
      'spec.list.1: repeated-item',
    ]);
  });

  it('passes over kinds and versions that a definition may be about to bring, and tells of those of Kubernetes', () => {
    const check = createSchemaCheck(trimOpenApi([custom({})], '1.40.0'), new Set(['apps']));
    const kinds = ['example.com/v1/Thingy', 'example.com/v2/Thing', 'apps/v3/Deployment'];
    const found = kinds.map((id) => {
      const slash = id.lastIndexOf('/');
      return check({ apiVersion: id.slice(0, slash), kind: id.slice(slash + 1) }).map(({ fault }) => fault);
    });
    expect(found).toEqual([[], [], [{ kind: 'unknown-kind', known: [], servedIn: [], all: ['Thing'], release: '1.40.0' }]]);
  });
});
