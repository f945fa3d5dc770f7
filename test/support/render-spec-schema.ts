import { unpackKubernetesSchema } from '../../src/adapters/schema/kubernetes-schema.ts';
import { ANNOTATION_PREFIX, MARKS, SETTINGS } from '../../src/core/model/marks.ts';
import type { JsonObject, JsonValue } from '../../src/core/model/objects.ts';
import { HEALTH_MODES } from '../../src/core/model/settings.ts';
import { V1_KEYS } from '../../src/core/tags/v1-keys.ts';

/**
 * A JSON Schema of spec files in both formats, from the schema of Kubernetes and the tables of annotations and tags. An object of another kind, or in
 * an old API version, is not looked into. `null` may stand everywhere: it means absent.
 */
export function renderSpecSchema(): string {
  const { version, kinds, definitions } = unpackKubernetesSchema();
  const own: JsonObject = {
    envelope: ENVELOPE,
    manifests: when({ type: 'array' }, { items: ref('manifests') }, ref('manifest')),
    manifest: manifest(kinds),
    annotations: ANNOTATIONS,
  };
  const all = Object.entries({ ...own, ...Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, adapt(name, one)])) });
  const isManifest = { anyOf: [{ type: 'array' }, { required: ['kind'] }, { required: ['apiVersion'] }] };
  const head = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `A spec of poolkeeper: an envelope, or objects of Kubernetes ${version}`,
    ...when(isManifest, ref('manifests'), ref('envelope')),
  };
  // One line for each definition: short, and a change of one shows as one.
  const lines = all.map(([name, definition]) => `    ${JSON.stringify(name)}: ${JSON.stringify(definition)}`);
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "definitions": {\n${lines.join(',\n')}\n  }\n}\n`;
}

const CONDITION = ['if', 'then', 'else'];

/** A schema that goes by a condition. */
const when = (...schemas: readonly JsonValue[]): JsonObject =>
  Object.fromEntries(schemas.map((schema, index) => [CONDITION[index] ?? '', schema]));

const ref = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });

const ENVELOPE: JsonObject = {
  type: 'object',
  required: ['objects'],
  additionalProperties: false,
  properties: {
    id: { type: ['string', 'number', 'null'] },
    namespace: { type: ['string', 'null'], description: 'The namespace of objects that name none.' },
    objects: {
      type: 'object',
      description: 'The objects by their plural kind, such as deployments and services.',
      additionalProperties: {
        type: 'object',
        required: ['specification'],
        additionalProperties: false,
        properties: { specification: ref('manifests') },
      },
    },
  },
};

function manifest(kinds: Readonly<Record<string, string>>): JsonObject {
  const branches = Object.entries(kinds).map(([id, definition]) => {
    const at = id.lastIndexOf('/');
    const properties = { apiVersion: { const: id.slice(0, at) }, kind: { const: id.slice(at + 1) } };
    return when({ properties }, ref(definition));
  });
  const list = when({ properties: { kind: { const: 'List' } } }, { properties: { items: ref('manifests') }, required: ['items'] });
  return {
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { properties: { annotations: ref('annotations') } } },
    allOf: [list, ...branches],
  };
}

const BOOLEAN: JsonObject = { enum: ['true', 'false'] };
const COUNT: JsonObject = { type: 'string', pattern: '^\\d+$' };
const FORMS: Partial<Record<keyof typeof SETTINGS, JsonObject>> = {
  register: BOOLEAN,
  adopt: BOOLEAN,
  recreate: BOOLEAN,
  prune: BOOLEAN,
  health: { enum: HEALTH_MODES },
  minBackends: COUNT,
  drainSeconds: COUNT,
  wave: { type: 'string', pattern: '^-?\\d+$' },
};
const SETTING_FORMS = Object.entries(SETTINGS).map(
  ([name, annotation]) => [annotation, FORMS[name as keyof typeof SETTINGS] ?? { type: 'string' }] as const,
);
const TAG_FORMS = Object.values(V1_KEYS)
  .flat()
  .filter(({ key }) => !key.includes('NAME'))
  .map(
    ({ key, remark }) =>
      [`traefik.${key}`, { type: 'string', ...(remark === undefined ? {} : { description: `For Traefik 3: ${remark}.` }) }] as const,
  );
const KNOWN = [...Object.values(SETTINGS), MARKS.ownerLabel, MARKS.id, MARKS.spec, MARKS.hash].map((key) =>
  key.slice(ANNOTATION_PREFIX.length),
);

const ANNOTATIONS: JsonObject = {
  type: ['object', 'null'],
  properties: Object.fromEntries([...SETTING_FORMS, ...TAG_FORMS]),
  additionalProperties: { type: ['string', 'null'] },
  propertyNames: { pattern: `^(?!${ANNOTATION_PREFIX.replace('.', '\\.')}(?!(?:${KNOWN.join('|')})$))` },
};

/** A definition for editors: null may stand for every value. What the API server writes itself comes from exports, and is not looked into. */
function adapt(name: string, definition: JsonObject): JsonValue {
  const adapted = withNull(definition) as JsonObject;
  return name.endsWith('.ManagedFieldsEntry') ? {} : adapted;
}

function withNull(schema: JsonValue): JsonValue {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema as JsonObject)
      .filter(([key]) => key !== 'keys')
      .map(([key, value]) => {
        if (key === 'type') return [key, [value, 'null'].flat()];
        if (key === 'enum') return [key, [...(value as readonly string[]), null]];
        if (key !== 'properties') return [key, withNull(value)];
        return [key, Object.fromEntries(Object.entries(value as JsonObject).map(([field, inner]) => [field, withNull(inner)]))];
      }),
  );
}
