import { brotliDecompressSync } from 'node:zlib';
import type { JsonObject } from '../../core/model/objects.ts';
import type { SchemaCheck, SchemaViolation } from '../../core/model/schema-check.ts';
import { PACKED_KUBERNETES_SCHEMA } from './packed-kubernetes-schema.ts';
import { SchemaSet } from './schema-set.ts';
import { violationsOf } from './violations-of.ts';

/** The schema of every kind of one release of Kubernetes, as JSON Schema. */
export interface KubernetesSchema {
  /** `1.35.4` */
  readonly version: string;
  /** `apps/v1/Deployment` → its definition. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, JsonObject>>;
}

/** Unpacks the schema that comes with the program. */
export function unpackKubernetesSchema(): KubernetesSchema {
  const text = brotliDecompressSync(Buffer.from(PACKED_KUBERNETES_SCHEMA, 'base64')).toString('utf8');
  return JSON.parse(text) as KubernetesSchema;
}

/**
 * A check of objects against a schema. Metadata and status are left out: both are looked at elsewhere. A kind that the schema lacks is told
 * where its API group is one of `groups`, those of the schema unless given; not in a beta or alpha version, which a cluster may serve when
 * asked.
 */
export function createSchemaCheck(schema: KubernetesSchema, groups: ReadonlySet<string> = groupsOf(schema)): SchemaCheck {
  const definitions = new SchemaSet(schema.definitions);
  return (object) => {
    const id = `${String(object['apiVersion'])}/${String(object['kind'])}`;
    const definition = schema.kinds[id];
    if (definition === undefined) return groups.has(groupOf(id)) ? unknownKind(object, schema) : [];
    return violationsOf(definitions.check(definition, object), object).filter(({ path }) => path[0] !== 'metadata' && path[0] !== 'status');
  };
}

/** The API groups that a schema has kinds of. */
export const groupsOf = ({ kinds }: KubernetesSchema): ReadonlySet<string> => new Set(Object.keys(kinds).map(groupOf));

/** The API group in `group/version/Kind`; empty in `v1/Kind`. */
const groupOf = (id: string): string => (id.split('/').length > 2 ? id.slice(0, id.indexOf('/')) : '');

function unknownKind(object: JsonObject, { kinds, version: release }: KubernetesSchema): readonly SchemaViolation[] {
  const apiVersion = String(object['apiVersion']);
  if (!/(?:^|\/)v\d+$/.test(apiVersion)) return [];
  const known = Object.keys(kinds)
    .filter((id) => id.slice(0, id.lastIndexOf('/')) === apiVersion)
    .map((id) => id.slice(id.lastIndexOf('/') + 1));
  return [{ path: [known.length === 0 ? 'apiVersion' : 'kind'], fault: { kind: 'unknown-kind', known, release } }];
}
