import fc from 'fast-check';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { DecodedSpec } from '../../../../src/core/spec/decode-spec.ts';
import { decode, objectsOf } from './decode.ts';

/** Keys that the decoder looks at, so that random documents get past its first checks. */
const KEYS = ['apiVersion', 'kind', 'metadata', 'name', 'namespace', 'labels', 'annotations', 'spec', 'ports', 'items', 'objects', 'x'];
const WORDS = ['v1', 'apps/v1beta1', 'extensions/v1beta1', 'Service', 'Deployment', 'Secret', 'Ingress', 'List', 'a', 'NodePort', '', '7'];

const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constantFrom(...WORDS), fc.integer(), fc.boolean(), fc.constant(null), fc.string()),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...KEYS, 'stringData', 'specification', 'template', 'rules'), fc.string()), tie('value'), {
      maxKeys: 6,
    }),
  ),
}));

/** Something like an object, whose fields may be anything. */
const almostObject = fc.record(
  {
    apiVersion: fc.constantFrom('v1', 'apps/v1', 'apps/v1beta1', 'extensions/v1beta1', 'networking.k8s.io/v1beta1', 'batch/v1'),
    kind: fc.constantFrom('Service', 'Deployment', 'Secret', 'ConfigMap', 'Ingress', 'CronJob', 'PodDisruptionBudget', 'Thing'),
    metadata: fc.oneof(fc.record({ name: fc.constantFrom('a', 'b'), annotations: anything, labels: anything }), anything),
    spec: fc.oneof(fc.dictionary(fc.constantFrom('ports', 'template', 'selector', 'rules', 'type', 'backend'), anything), anything),
    data: anything,
    stringData: anything,
  },
  { requiredKeys: ['apiVersion', 'kind'] },
);

/** A valid object with nulls anywhere below `extra`. */
const customObject = fc.record({
  apiVersion: fc.constant('example.com/v1'),
  kind: fc.constant('Thing'),
  metadata: fc.record({ name: fc.constantFrom('a', 'b', 'c') }),
  extra: fc.jsonValue(),
});

function expectWellFormed(decoded: DecodedSpec, text: string): void {
  const lines = text.split('\n').length;
  const problems = decoded.kind === 'broken' ? decoded.problems : decoded.notes;
  if (decoded.kind === 'broken') expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  else expect(problems.every(({ severity }) => severity !== 'error')).toBe(true);
  for (const { where, message, remedy } of problems) {
    expect(where?.line).toBeGreaterThanOrEqual(1);
    expect(where?.line).toBeLessThanOrEqual(lines);
    expect(where?.column).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
    expect(remedy).not.toBe('');
  }
}

/** The value without nulls, and without keys that are refused. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item)]));
}

const hasNoRefusedPart = (value: unknown): boolean => !/"(?:__proto__|<<)":|[0-9]e\+|[0-9]{16}/.test(JSON.stringify(value));

describe('decodeSpec', () => {
  it('never throws on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('a.json', 'a.yaml'), (bytes, path) => {
        expectWellFormed(decode(path, bytes), new TextDecoder().decode(bytes));
      }),
    );
  });

  it('never throws on text made of the characters of YAML', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab:-?&*!|>%@`#{}[],"\'<~\n \t\\0.='), maxLength: 40 });
    fc.assert(
      fc.property(text, (yaml) => {
        expectWellFormed(decode('a.yaml', yaml), yaml);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws on anything that looks like objects, in JSON and in YAML', () => {
    const document = fc.oneof(almostObject, anything, fc.array(almostObject, { maxLength: 3 }), fc.record({ objects: anything }));
    fc.assert(
      fc.property(document, (value) => {
        const json = JSON.stringify(value, null, 1);
        expectWellFormed(decode('a.json', json), json);
        const yaml = dump(value);
        expectWellFormed(decode('a.yaml', yaml), yaml);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same objects for JSON and for the same text as YAML', () => {
    fc.assert(
      fc.property(almostObject, (value) => {
        const json = JSON.stringify(value, null, 2);
        const plain = (decoded: DecodedSpec) => JSON.stringify(decoded).replaceAll('a.yaml', 'a.json');
        expect(plain(decode('a.yaml', json))).toBe(plain(decode('a.json', json)));
      }),
    );
  });

  it('drops null everywhere and keeps everything else', () => {
    fc.assert(
      fc.property(customObject, (value) => {
        fc.pre(hasNoRefusedPart(value));
        const json = JSON.stringify(value);
        const [object] = objectsOf(decode('a.json', json));
        const expected = withoutNulls(JSON.parse(json)) as { metadata: object };
        expect(object).toEqual({ ...expected, metadata: { ...expected.metadata, namespace: 'default' } });
      }),
    );
  });

  it('finds the same objects whatever the order of keys and documents', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 2 });
    fc.assert(
      fc.property(names, fc.boolean(), (order, reversed) => {
        const document = (name: string): string => {
          const fields = ['apiVersion: v1', 'kind: ConfigMap', `metadata: {name: ${name}}`, 'data: {x: y}'];
          return (reversed ? fields.toReversed() : fields).join('\n');
        };
        const objects = objectsOf(decode('a.yaml', order.map(document).join('\n---\n')));
        const sorted = objectsOf(decode('a.yaml', order.toSorted().map(document).join('\n---\n')));
        expect(objects.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))).toEqual(sorted);
      }),
    );
  });
});
