import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../src/core/model/objects.ts';
import { SourceFile } from '../../../../src/core/spec/finding.ts';
import { parseDocuments } from '../../../../src/core/spec/parse-documents.ts';
import { convertDocuments, formOf, objectsOf, pluralOf } from '../../../../src/core/write-spec/convert-spec.ts';
import { formatSpec } from '../../../../src/core/write-spec/format-spec.ts';
import { newSpec } from '../../../../src/core/write-spec/new-spec.ts';
import { writeDocuments } from '../../../../src/core/write-spec/write-documents.ts';
import { decode, objectsOf as decodedObjects } from '../spec/decode.ts';

const FOLDER = new URL('../../../../specs-example/', import.meta.url);
const EXAMPLES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:json|ya?ml)$/.test(name));
const textOf = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const documentsOf = (name: string, text: string): readonly JsonValue[] =>
  parseDocuments(text, new SourceFile(name, text), name.endsWith('.json')).documents.map(({ value }) => value);
const decoded = (name: string, text: string) => decodedObjects(decode(name, new TextEncoder().encode(text)));
const byKey = (objects: readonly object[]): readonly string[] => objects.map((object) => JSON.stringify(object, sortKeys)).sort();
const sortKeys = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const word = fc.oneof(
  fc.constantFrom('yes', '0x10', '1e3', 'null', '~', '012', '# no comment', 'a: b', '- x', ' ', 'ü\n  z\n', '2001-01-01'),
  fc.string(),
);
const configMap = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('ConfigMap'),
  metadata: fc.record({ name, namespace: name }, { requiredKeys: ['name'] }),
  data: fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), word),
});
const deployment = fc.record({ name, image: name, replicas: fc.nat(9) }).map(({ image, ...rest }) => {
  const [first] = newSpec({ ...rest, image, namespace: undefined, port: 80, host: undefined });
  return first as JsonObject;
});
const objects = fc
  .uniqueArray(fc.oneof(configMap, deployment), {
    minLength: 1,
    maxLength: 6,
    selector: ({ kind, metadata }) => JSON.stringify([kind, metadata]),
  })
  .map((all) => all as unknown as readonly JsonObject[]);

describe('convertDocuments', () => {
  it('there and back gives the same objects', () => {
    fc.assert(
      fc.property(objects, fc.option(name, { nil: undefined }), (manifests, namespace) => {
        const [envelope] = convertDocuments(manifests, 'envelope');
        const placed = { ...(namespace === undefined ? {} : { namespace }), ...(envelope as JsonObject) };
        const back = convertDocuments([placed], 'manifests');
        const again = convertDocuments(convertDocuments(back, 'envelope'), 'manifests');
        expect(byKey(again as readonly object[])).toEqual(byKey(back as readonly object[]));
        const expected = manifests.map((object) => {
          const metadata = object['metadata'] as JsonObject;
          return namespace === undefined || 'namespace' in metadata ? object : { ...object, metadata: { ...metadata, namespace } };
        });
        expect(byKey(back as readonly object[])).toEqual(byKey(expected));
      }),
    );
  });

  it('decodes to the same objects in both formats and both syntaxes', () => {
    fc.assert(
      fc.property(objects, fc.constantFrom('json', 'yaml'), fc.constantFrom('envelope', 'manifests'), (manifests, syntax, to) => {
        const file = `a.${syntax}`;
        const text = writeDocuments(convertDocuments(manifests, to), syntax);
        const plain = documentsOf(file, text).flatMap(objectsOf);
        expect(byKey(plain)).toEqual(byKey(manifests));
      }),
    );
  });

  it.each(EXAMPLES)('%s: there and back', (example) => {
    const text = textOf(example);
    const documents = documentsOf(example, text);
    const to = formOf(documents) === 'envelope' ? 'manifests' : 'envelope';
    const there = convertDocuments(documents, to);
    expect(formOf(there)).toBe(to);
    for (const syntax of ['json', 'yaml'] as const)
      expect(byKey(decoded(`a.${syntax}`, writeDocuments(there, syntax)))).toEqual(byKey(decoded(example, text)));
  });

  it('puts the namespace of an envelope into its objects, but not into those of the cluster', () => {
    const specification = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
    ];
    const envelope = { namespace: 'shop', objects: { things: { specification } } };
    expect(convertDocuments([envelope], 'manifests')).toEqual([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' } },
    ]);
  });

  it.each([
    ['Deployment', 'deployments'],
    ['Ingress', 'ingresses'],
    ['NetworkPolicy', 'networkpolicies'],
    ['Gateway', 'gateways'],
    ['Endpoints', 'endpoints'],
  ])('calls several %s %s', (kind, plural) => {
    expect(pluralOf(kind)).toBe(plural);
  });
});

const formatted = (file: string, text: string): string => {
  const result = formatSpec(file, text);
  if (result.kind === 'kept') throw new Error(result.problem.message);
  return result.text;
};

describe('formatSpec', () => {
  it('is idempotent, and keeps the objects', () => {
    fc.assert(
      fc.property(objects, fc.constantFrom('json', 'yaml'), (manifests, syntax) => {
        const file = `a.${syntax}`;
        const text = writeDocuments(manifests, syntax);
        const once = formatted(file, text);
        expect(formatted(file, once)).toBe(once);
        expect(byKey(documentsOf(file, once).flatMap(objectsOf))).toEqual(byKey(manifests));
      }),
    );
  });

  it('orders the fields that people know, and leaves those of the writer', () => {
    const text = `kind: Service
metadata: {annotations: {z: '1', a: '2'}, name: web}
spec:
  ports: [{targetPort: 8080, port: 80, name: http}]
  selector: {app: web}
  type: NodePort
apiVersion: v1
`;
    expect(formatted('a.yaml', text)).toBe(`apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    z: '1'
    a: '2'
spec:
  type: NodePort
  selector:
    app: web
  ports:
    - name: http
      port: 80
      targetPort: 8080
`);
  });

  it('orders an envelope, and the containers in it', () => {
    const text =
      '{"objects":{"pods":{"specification":{"spec":{"containers":[{"image":"i","name":"n"}]},"kind":"Pod","apiVersion":"v1"}}},"id":null}';
    expect(JSON.stringify(JSON.parse(formatted('a.json', text)))).toBe(
      '{"id":null,"objects":{"pods":{"specification":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"n","image":"i"}]}}}}}',
    );
  });

  it.each([
    ['a: # why\n  b: ~\n  c: 1\n', 'comments', 1, 4],
    ['a: "#1"\nb: x#y\nc: |\n  # text\nd: >-\n  x\n  # y\ne:\nf: g\n# why\n', 'comments', 10, 1],
    ['a: &x [1]\nb: *x\n', 'anchors', 1, 4],
    ['a: !!str 1\n', 'tags', 1, 4],
  ])('leaves YAML as it is where something would be lost: %j', (text, what, line, column) => {
    expect(formatSpec('a.yaml', text)).toMatchObject({
      kind: 'kept',
      problem: { code: 'SPEC_NOT_FORMATTED', message: expect.stringContaining(`its ${what} would`), where: { line, column } },
    });
  });

  it('takes no # inside a value for a comment', () => {
    expect(formatted('a.yaml', 'a: "# 1"\nb: |\n  # text\nc: x#y\n')).toBe("a: '# 1'\nb: |\n  # text\nc: x#y\n");
  });

  it('keeps JSON that is called YAML, and what cannot be read', () => {
    expect(formatted('a.yaml', '{"kind": "A"}')).toBe('{\n  "kind": "A"\n}\n');
    expect(formatSpec('a.json', '{"a": 1,}')).toMatchObject({ kind: 'kept', problem: { code: 'SPEC_SYNTAX' } });
  });
});

describe('newSpec', () => {
  it('decodes without a word', () => {
    const made = newSpec({ name: 'web', namespace: 'shop', image: 'web:1', port: 8080, host: 'web.example.com', replicas: 3 });
    expect(decode('web.yaml', new TextEncoder().encode(writeDocuments(made, 'yaml')))).toMatchObject({ kind: 'spec', notes: [] });
    expect(made[1]).toMatchObject({
      metadata: { annotations: { 'traefik.http.routers.web.rule': 'Host(`web.example.com`)' } },
      spec: { type: 'NodePort' },
    });
  });
});
