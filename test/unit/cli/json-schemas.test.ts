import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const compile = (name: string): ValidateFunction =>
  new Ajv({ strict: false, allErrors: true }).compile(JSON.parse(read(`docs/schema/${name}`)) as object);

/** `pointer keyword` of everything that an editor would underline. */
function underlined(validate: ValidateFunction, value: unknown): readonly string[] {
  return validate(value)
    ? []
    : (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if').map((error) => `${error.instancePath} ${error.keyword}`);
}

describe('the JSON Schema of specs', () => {
  const validate = compile('spec.schema.json');
  const specs = ['specs-example/', 'test/unit/core/spec/fixtures/'].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT))
      .filter((name) => /\.(?:json|ya?ml)$/.test(name))
      .map((name) => folder + name),
  );

  it.each(specs)('takes %s', (path) => {
    for (const document of loadAll(read(path))) expect(underlined(validate, document)).toEqual([]);
  });

  const deployment = (spec: object, metadata: object = {}): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', ...metadata },
    spec: { selector: {}, template: {}, ...spec },
  });

  it.each<[string, unknown, string]>([
    ['a misspelt field', deployment({ replicsa: 1 }), '/spec additionalProperties'],
    ['a wrong type', deployment({ replicas: '1' }), '/spec/replicas type'],
    ['an object of a list', { apiVersion: 'v1', kind: 'List', items: [deployment({ replicas: '1' })] }, '/items/0/spec/replicas type'],
    [
      'an object of an envelope',
      { objects: { deployments: { specification: deployment({ paused: 1 }) } } },
      '/objects/deployments/specification/spec/paused type',
    ],
    ['a misspelt field of an envelope', { object: {}, objects: {} }, ' additionalProperties'],
    ['a misspelt annotation', deployment({}, { annotations: { 'poolkeeper.dev/wav': '1' } }), '/metadata/annotations propertyNames'],
    [
      'the value of an annotation',
      deployment({}, { annotations: { 'poolkeeper.dev/prune': 'yes' } }),
      '/metadata/annotations/poolkeeper.dev~1prune enum',
    ],
  ])('underlines %s', (_, value, expected) => {
    expect(underlined(validate, value)).toContain(expected);
  });

  it('takes null for what is absent, and custom kinds as they are', () => {
    expect(underlined(validate, deployment({ replicas: null, paused: null }, { creationTimestamp: null }))).toEqual([]);
    expect(underlined(validate, [{ apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', metadata: { name: 'a' }, any: 1 }])).toEqual(
      [],
    );
  });
});

describe('the JSON Schema of the configuration', () => {
  const validate = compile('config.schema.json');

  it('takes the example', () => {
    expect(underlined(validate, load(read('deploy/poolkeeper.example.yaml')))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a misspelt option', { git: { rfe: 'main' } }, '/git additionalProperties'],
    ['a misspelt section', { kubernets: {} }, ' additionalProperties'],
    ['no duration', { git: { interval: '30 seconds' } }, '/git/interval pattern'],
    ['no such choice', { registration: 'consul' }, '/registration enum'],
    ['a replica without its URL', { traefik: { api: [{ name: 'a' }] } }, '/traefik/api/0 required'],
  ])('underlines %s', (_, value, expected) => {
    expect(underlined(validate, value)).toContain(expected);
  });
});
