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
  readonly additionalProperties?: OpenApiSchema;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}
type Schemas = Readonly<Record<string, OpenApiSchema>>;
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
 * descriptions and status, in which unknown fields are refused. `kinds` tells the definition of each `apiVersion/Kind`; `keys` of a
 * list are the fields that its items are told apart by, with their defaults.
 */
export function trimOpenApi(documents: readonly OpenApiDocument[], version: string): string {
  const schemas: Schemas = Object.assign({}, ...documents.map((document) => document.components?.schemas ?? {}));
  const kinds: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    for (const { group, version: apiVersion, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      if (!NEVER_WRITTEN.test(kind)) kinds[`${group === '' ? '' : `${group}/`}${apiVersion}/${kind}`] = name;
    }
  }
  const definitions: Record<string, object> = {};
  const queue = Object.values(kinds);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const schema = schemas[name];
    if (schema === undefined || definitions[shortName(name)] !== undefined) continue;
    const isKind = Object.values(kinds).includes(name);
    definitions[shortName(name)] = { title: name.slice(name.lastIndexOf('.') + 1), ...trim(schema, { schemas, queue, isKind }) };
  }
  return JSON.stringify({
    version,
    kinds: sorted(Object.fromEntries(Object.entries(kinds).map(([kind, name]) => [kind, shortName(name)]))),
    definitions: sorted(definitions),
  });
}

const sorted = <V>(record: Readonly<Record<string, V>>): Readonly<Record<string, V>> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const shortName = (name: string): string => name.replace(/^io\.k8s\./, '');

interface Trimming {
  readonly schemas: Schemas;
  /** Takes the names of the definitions that are referred to. */
  readonly queue: string[];
  readonly isKind?: boolean;
}

function trim(schema: OpenApiSchema, trimming: Trimming): object {
  const { schemas, queue, isKind } = trimming;
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(PREFIX.length);
    if (schemas[name]?.oneOf !== undefined) return trim(schemas[name], trimming);
    queue.push(name);
    return { $ref: `#/definitions/${shortName(name)}` };
  }
  if (schema.allOf?.[0] !== undefined) return trim(schema.allOf[0], trimming);
  if (schema.oneOf !== undefined) return textOrNumber(schema);
  const { type, enum: values, required, properties, items, additionalProperties } = schema;
  const inside = ([key, value]: readonly [string, OpenApiSchema]): readonly [string, object] =>
    isKind === true && key === 'status' ? [key, {}] : [key, trim(value, { schemas, queue })];
  return {
    ...(type === undefined ? {} : { type }),
    ...(values === undefined ? {} : { enum: values }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(inside)), additionalProperties: false }),
    ...(items === undefined ? {} : { items: trim(items, { schemas, queue }), ...keysOf(schema, schemas) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: trim(additionalProperties, { schemas, queue }) }),
  };
}

/** IntOrString and Quantity. */
function textOrNumber({ oneOf = [], format }: OpenApiSchema): object {
  const type = oneOf.map((one) => one.type);
  return format === 'int-or-string' ? { type } : { type, pattern: QUANTITY };
}

function keysOf(schema: OpenApiSchema, schemas: Schemas): object {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined) return {};
  const item = schema.items?.$ref ?? schema.items?.allOf?.[0]?.$ref ?? '';
  const properties = schemas[item.slice(PREFIX.length)]?.properties ?? {};
  return { keys: Object.fromEntries(keys.map((key) => [key, properties[key]?.default ?? null])) };
}
