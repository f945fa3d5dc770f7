import type { JsonObject, JsonValue } from '../model/objects.ts';

/** The value when it is a mapping. */
export const asObject = (value: JsonValue | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !isList(value) ? value : undefined;

/** The value when it is a list. */
export const asList = (value: JsonValue | undefined): readonly JsonValue[] | undefined =>
  value !== undefined && isList(value) ? value : undefined;

/** The value at a path of keys; undefined when something on the way is missing or no mapping. */
export function valueAt(object: JsonObject, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const key of keys) {
    const mapping = asObject(value);
    value = mapping !== undefined && Object.hasOwn(mapping, key) ? mapping[key] : undefined;
  }
  return value;
}

/** A copy with the value at a path of keys replaced by `change` of it; the same object where the path leads nowhere. */
export function changeAt(object: JsonObject, keys: readonly string[], change: (value: JsonValue) => JsonValue): JsonObject {
  const [key, ...rest] = keys;
  const inner = key === undefined || !Object.hasOwn(object, key) ? undefined : object[key];
  if (key === undefined || inner === undefined) return object;
  if (rest.length === 0) return { ...object, [key]: change(inner) };
  const mapping = asObject(inner);
  return mapping === undefined ? object : { ...object, [key]: changeAt(mapping, rest, change) };
}

/** A copy without some keys. */
export function without(object: JsonObject, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

/** What a value is, in a word for people; never the value itself, which may be a secret. */
export function typeName(value: JsonValue): string {
  if (value === null) return 'null';
  if (isList(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}

/** The remedy for a text where a mapping or a list should be: `name:web` without a space is a text. */
export const spaceRemedy = (value: JsonValue | undefined): { readonly remedy?: string } =>
  typeof value === 'string' && /^[A-Za-z][\w.-]*:[^\s/]/.test(value) ? { remedy: 'Put a space after the ":".' } : {};

// `Array.isArray` alone does not narrow a readonly array away.
const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
