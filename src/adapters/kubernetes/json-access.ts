/** A JSON object whose members are not known yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The value as an object; anything else is an empty one, so that reading a missing branch yields undefined. */
export const asRecord = (value: unknown): JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : {};

/** The value as an array; anything else is an empty one. */
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The value as a string; anything else is the empty one. */
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The string members of an object, as labels and annotations are. */
export function asTextMap(value: unknown): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(asRecord(value))) if (typeof text === 'string') texts[key] = text;
  return texts;
}

/** Milliseconds since the epoch of an RFC 3339 time, 0 when there is none. */
export function asTimeMs(value: unknown): number {
  const ms = Date.parse(asText(value));
  return Number.isNaN(ms) ? 0 : ms;
}

/** Freezes a plain value with all that it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
