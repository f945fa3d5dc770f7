import type { JsonObject } from '../../core/model/objects.ts';
import type { KubernetesSchema } from './kubernetes-schema.ts';

/** A schema of the API server's OpenAPI documents, as far as it is looked at. */
interface OpenApiSchema {
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}
type Schemas = Readonly<Record<string, OpenApiSchema>>;

/** One document of `/openapi/v3`: that of one API group in one version. */
export interface OpenApiDocument {
  readonly components?: { readonly schemas?: Schemas };
}

const PREFIX = '#/components/schemas/';
/** No person commits these. */
const NEVER_WRITTEN = /List$|^(DeleteOptions|WatchEvent|Status|APIGroup|APIVersions)$/;
// apimachinery pkg/api/resource: a number and a suffix.
const QUANTITY = '^[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\\d+)?$';

/**
 * What is left of the OpenAPI v3 documents of an API server when nothing but the form of objects counts: JSON Schema without
 * descriptions and status, in which unknown fields are refused but where custom kinds keep them. `kinds` tells the definition of each
 * `apiVersion/Kind`; `keys` of a list are the fields that its items are told apart by, with their defaults. Values (patterns, ranges, CEL)
 * are left to the API server.
 */
export function trimOpenApi(documents: readonly OpenApiDocument[], version: string): KubernetesSchema {
  const schemas: Schemas = Object.fromEntries(documents.flatMap((document) => Object.entries(document.components?.schemas ?? {})));
  const kinds: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    for (const { group, version: apiVersion, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      if (!NEVER_WRITTEN.test(kind)) kinds[`${group === '' ? '' : `${group}/`}${apiVersion}/${kind}`] = name;
    }
  }
  const definitions: Record<string, JsonObject> = {};
  const queue = Object.values(kinds);
  const roots = new Set(queue);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const schema = schemas[name];
    if (schema === undefined || definitions[shortName(name)] !== undefined) continue;
    const title = name.slice(name.lastIndexOf('.') + 1);
    const trimming = { schemas, queue, isKind: roots.has(name), isCustom: isCustom(name, schema) };
    definitions[shortName(name)] = { title, ...trim(schema, trimming) };
  }
  return {
    version,
    kinds: sorted(Object.fromEntries(Object.entries(kinds).map(([kind, name]) => [kind, shortName(name)]))),
    definitions: sorted(definitions),
  };
}

const sorted = <V>(record: Readonly<Record<string, V>>): Readonly<Record<string, V>> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const shortName = (name: string): string => name.replace(/^io\.k8s\./, '');

/** Whether a CustomResourceDefinition made it: the API server names those by group, version and kind (apiextensions-apiserver, openapi/builder). */
const isCustom = (name: string, schema: OpenApiSchema): boolean =>
  (schema['x-kubernetes-group-version-kind'] ?? []).some(
    ({ group, version, kind }) => name === [...group.split('.').reverse(), version, kind].join('.'),
  );

interface Trimming {
  readonly schemas: Schemas;
  /** Takes the names of the definitions that are referred to. */
  readonly queue: string[];
  readonly isKind?: boolean;
  /** The schema is a structural one, which stands in one piece instead of in definitions. */
  readonly isCustom?: boolean;
}

function trim(schema: OpenApiSchema, trimming: Trimming): JsonObject {
  const { schemas, queue, isKind, isCustom: custom } = trimming;
  const { $ref = schema.allOf?.[0]?.$ref } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice(PREFIX.length);
    if (schemas[name]?.oneOf !== undefined) return textOrNumber(schemas[name]);
    queue.push(name);
    return { $ref: `#/definitions/${shortName(name)}` };
  }
  if (schema['x-kubernetes-int-or-string'] === true) return { type: ['integer', 'string'] };
  if (schema.oneOf !== undefined && custom !== true) return textOrNumber(schema);
  const { type, enum: values, items } = schema;
  const below: Trimming = { schemas, queue, isCustom: custom === true };
  return {
    ...(type === undefined ? {} : { type }),
    ...(values === undefined || values.length === 0 ? {} : { enum: values }),
    ...requiredOf(schema, custom === true),
    ...fieldsOf(schema, { isKind: isKind === true, below }),
    ...(items === undefined ? {} : { items: trim(items, below), ...keysOf(schema, schemas) }),
  };
}

/** A field of a custom kind that has a default is never missing; the defaults of built-in kinds are those of Go, and fill nothing in. */
function requiredOf({ required, properties = {} }: OpenApiSchema, custom: boolean): JsonObject {
  if (required === undefined) return {};
  return { required: custom ? required.filter((field) => properties[field]?.default === undefined) : required };
}

function fieldsOf(schema: OpenApiSchema, { isKind, below }: { readonly isKind: boolean; readonly below: Trimming }): JsonObject {
  const { properties, additionalProperties: others, type } = schema;
  const inside = ([key, value]: readonly [string, OpenApiSchema]): readonly [string, JsonObject] =>
    isKind && key === 'status' ? [key, {}] : [key, titled(key, trim(value, below))];
  const keepsAll = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const isClosed = !keepsAll && (properties !== undefined || (below.isCustom === true && type === 'object' && !isKind));
  return {
    ...(properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(properties).map(inside)) }),
    ...(isClosed && others === undefined ? { ...(properties === undefined ? { properties: {} } : {}), additionalProperties: false } : {}),
    ...(typeof others === 'object' ? { additionalProperties: trim(others, below) } : {}),
  };
}

/** A part that is no definition of its own is called by its field. */
function titled(key: string, schema: JsonObject): JsonObject {
  if (schema['properties'] !== undefined) return { title: key, ...schema };
  const items = schema['items'] as JsonObject | undefined;
  return items?.['properties'] === undefined ? schema : { ...schema, items: { title: key, ...items } };
}

/** IntOrString and Quantity. */
function textOrNumber({ oneOf = [], format }: OpenApiSchema): JsonObject {
  const type = oneOf.map((one) => one.type ?? 'object');
  return format === 'int-or-string' ? { type } : { type, pattern: QUANTITY };
}

function keysOf(schema: OpenApiSchema, schemas: Schemas): JsonObject {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined) return {};
  const item = schema.items?.$ref ?? schema.items?.allOf?.[0]?.$ref;
  const { properties = {} } = (item === undefined ? schema.items : schemas[item.slice(PREFIX.length)]) ?? {};
  return { keys: Object.fromEntries(keys.map((key) => [key, (properties[key]?.default ?? null) as JsonObject[string]])) };
}
