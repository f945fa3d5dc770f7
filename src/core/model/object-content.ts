import { hashOf } from './hash.ts';
import type { JsonObject, JsonValue } from './objects.ts';

const LEFT_OUT: ReadonlySet<string> = new Set(['status', 'apiVersion', 'kind']);
/** What the server keeps of an object's life; and a copy of the whole object, its secrets included. */
const LIFE: ReadonlySet<string> = new Set([
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'selfLink',
  'ownerReferences',
]);
const COPY = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The fields of a raw object that a spec could set, for people to see what changes. The values of a Secret are replaced by digests:
 * equal for equal values of the same object, and of no use elsewhere.
 */
export function contentOf(raw: JsonObject): JsonObject {
  const metadata = recordOf(raw['metadata']);
  const { uid } = metadata;
  const { [COPY]: _, ...annotations } = recordOf(metadata['annotations']);
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !LIFE.has(key)));
  const rest = Object.fromEntries(Object.entries(raw).filter(([key]) => !LEFT_OUT.has(key)));
  const content = { ...rest, metadata: { ...kept, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) } };
  return raw['kind'] === 'Secret' ? withoutSecrets(content, String(uid)) : content;
}

const SECRET_FIELDS = ['data', 'stringData'] as const;

/** The same object of kind Secret with digests for its values; `uid` is that of the live object. */
export function withoutSecrets(content: JsonObject, uid: string): JsonObject {
  const hidden = SECRET_FIELDS.flatMap((field): readonly (readonly [string, JsonValue])[] => {
    const values = content[field];
    if (typeof values !== 'object' || values === null) return [];
    return [[field, Object.fromEntries(Object.entries(values).map(([key, value]) => [key, digestOf(uid, key, value)]))]];
  });
  return { ...content, ...Object.fromEntries(hidden) };
}

const digestOf = (uid: string, key: string, value: JsonValue): string => `digest:${hashOf([uid, key, value])}`;

const recordOf = (value: JsonValue | undefined): Readonly<Record<string, JsonValue>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
