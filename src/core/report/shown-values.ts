import type { JsonObject, JsonValue } from '../model/objects.ts';
import { shownAnnotation, shownTag } from '../model/shown-tag.ts';

/** What is shown in the place of a value that may let somebody in. */
export const HIDDEN = '[redacted]';

/** Names of environment variables whose values a plan does not repeat, though they stand in the spec. */
const SECRET_NAME = /pass(?:word|wd|phrase)?\b|passw|secret|token|credential|api_?key|private_?key|access_?key/i;

/** `user:password@` of a URL. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi;

/** `--password=…` and the like, in arguments. */
const SECRET_ARGUMENT = /(--?[\w-]*(?:passw|secret|token|credential|api-?key|private-?key|access-?key)[\w-]*=)\S+/gi;

/**
 * A value as plans show it: of annotations and tags those that hold users, keys or headers are redacted, and so are environment
 * variables that are called like a secret, and the user part of URLs.
 */
export function shownValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replace(USER_INFO, `$1${HIDDEN}@`).replace(SECRET_ARGUMENT, `$1${HIDDEN}`);
  if (isList(value)) return value.map(shownValue);
  if (typeof value !== 'object' || value === null) return value;
  const isSecret = typeof value['name'] === 'string' && SECRET_NAME.test(value['name']);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (isSecret && key === 'value' && typeof inner === 'string') return [key, HIDDEN];
      if (key === 'data' && isMapping(inner)) return [key, shownData(inner)];
      if (key === 'annotations' && isMapping(inner)) return [key, shownAnnotations(inner)];
      if (key === 'tags' && isList(inner)) return [key, shownTags(inner)];
      return [key, shownValue(inner)];
    }),
  );
}

/** The value of a field of this path: `metadata.annotations[x]`, `spec.template.spec.containers[web].env[TOKEN].value`. */
export function shownField(path: string, value: JsonValue): JsonValue {
  const annotation = /(?:^|\.)annotations(?:\.([^[\]]+)|\[(.+)\])$/.exec(path);
  const key = annotation?.[1] ?? annotation?.[2];
  if (key !== undefined && typeof value === 'string') return annotationOf(key, value);
  if (/(?:^|\.)annotations$/.test(path) && isMapping(value)) return shownAnnotations(value);
  if (/(?:^|\.)tags$/.test(path) && isList(value)) return shownTags(value);
  const entry = /^data(?:\.([^[\]]+)|\[(.+)\])$/.exec(path);
  if (SECRET_NAME.test(entry?.[1] ?? entry?.[2] ?? '')) return HIDDEN;
  if (path === 'data' && isMapping(value)) return shownData(value);
  const variable = /\.env\[(.+)\]\.value$/.exec(path)?.[1];
  if (variable !== undefined && SECRET_NAME.test(variable)) return HIDDEN;
  return shownValue(value);
}

/** Of a ConfigMap: what is called like a secret should be one. */
const shownData = (data: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, SECRET_NAME.test(key) ? HIDDEN : shownValue(value)]));

const shownTags = (tags: readonly JsonValue[]): readonly JsonValue[] =>
  tags.map((tag) => (typeof tag === 'string' ? shownTag(tag) : shownValue(tag)));

const shownAnnotations = (all: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, typeof value === 'string' ? annotationOf(key, value) : value]));

/** Some annotations hold JSON with tags in it. */
function annotationOf(key: string, value: string): JsonValue {
  const inner = parseMapping(value);
  return inner === undefined ? shownAnnotation(key, value) : shownValue(inner);
}

/** The JSON object in a text; undefined where there is none. */
export function parseMapping(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isMapping(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);
export const isMapping = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
