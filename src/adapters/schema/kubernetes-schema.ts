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
 * where its API group is one of `groups`, those of the schema unless given, or has no dot, which only those of Kubernetes itself are without;
 * not in a beta or alpha version, which a cluster may serve when asked. `kinds` are those that may have been meant.
 */
export function createSchemaCheck(
  schema: KubernetesSchema,
  groups: ReadonlySet<string> = groupsOf(schema),
  kinds = schema.kinds,
): SchemaCheck {
  const versions = memo(() => versionsOf(kinds));
  const definitions = new SchemaSet(schema.definitions);
  return (object) => {
    const id = `${String(object['apiVersion'])}/${String(object['kind'])}`;
    const definition = schema.kinds[id];
    if (definition === undefined) {
      return groups.has(groupOf(id)) || !groupOf(id).includes('.') ? unknownKind(object, schema, versions()) : [];
    }
    return violationsOf(definitions.check(definition, object), object).filter(({ path }) => path[0] !== 'metadata' && path[0] !== 'status');
  };
}

/** The API groups that a schema has kinds of. */
export const groupsOf = ({ kinds }: KubernetesSchema): ReadonlySet<string> => new Set(Object.keys(kinds).map(groupOf));

/** The API group in `group/version/Kind`; empty in `v1/Kind`. */
const groupOf = (id: string): string => (id.split('/').length > 2 ? id.slice(0, id.indexOf('/')) : '');

/** Kinds, and the API versions that have them, best first. */
type Versions = ReadonlyMap<string, readonly string[]>;

function versionsOf(kinds: KubernetesSchema['kinds']): Versions {
  const versions = new Map<string, string[]>();
  for (const id of Object.keys(kinds).sort(byStability)) {
    const slash = id.lastIndexOf('/');
    const kind = id.slice(slash + 1);
    versions.set(kind, [...(versions.get(kind) ?? []), id.slice(0, slash)]);
  }
  return versions;
}

/** Stable versions first, the newest of them before the others. */
function byStability(a: string, b: string): number {
  const rank = (id: string): readonly [unstable: number, newest: number] => {
    const [, number = '0', more = ''] = /(?:^|\/)v(\d+)((?:alpha|beta)\d+)?\//.exec(id) ?? [];
    return [more === '' ? 0 : 1, -Number(number)];
  };
  const [unstable, newest] = rank(a);
  const [otherUnstable, otherNewest] = rank(b);
  return unstable - otherUnstable || newest - otherNewest;
}

function unknownKind(object: JsonObject, { kinds, version: release }: KubernetesSchema, versions: Versions): readonly SchemaViolation[] {
  const apiVersion = object['apiVersion'] === undefined ? '' : String(object['apiVersion']);
  const kind = String(object['kind']);
  const servedIn = versions.get(kind) ?? [];
  if (apiVersion !== '' && !/(?:^|\/)v\d+$/.test(apiVersion)) return [];
  if (apiVersion === '' && servedIn.length === 0) return [];
  const known = Object.keys(kinds)
    .filter((id) => id.slice(0, id.lastIndexOf('/')) === apiVersion)
    .map((id) => id.slice(id.lastIndexOf('/') + 1));
  const path = [known.length === 0 || servedIn.length > 0 ? 'apiVersion' : 'kind'];
  return [{ path, fault: { kind: 'unknown-kind', known, release, servedIn, all: [...versions.keys()] } }];
}

/** Worked out when it is first asked for. */
function memo<T>(work: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: work() };
    return known.value;
  };
}
