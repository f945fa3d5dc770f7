/**
 * A value of plain data, Maps, Sets and numbers that JSON lacks, as JSON: what JSON cannot say stands under a key that begins with `$`.
 * An object that has such a key of its own is written as its entries.
 */
export function writeValue(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return { $map: [...value].map(([key, item]) => [writeValue(key), writeValue(item)]) };
  if (value instanceof Set) return { $set: [...value].map(writeValue) };
  if (Array.isArray(value)) return value.map(writeValue);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]): [string, unknown] => [key, writeValue(item)]);
  return entries.some(([key]) => key.startsWith('$') || key === '__proto__') ? { $entries: entries } : Object.fromEntries(entries);
}

/** What `writeValue` wrote. Throws TypeError where it is something else. */
export function readValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(readValue);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith('$') === true) return readSpecial(first[0], first[1]);
  return Object.fromEntries(entries.map(([key, item]) => [key, readValue(item)]));
}

function readSpecial(key: string, value: unknown): unknown {
  if (key === '$number') return Number(value);
  if (key === '$map') return new Map(pairsOf(value).map(([name, item]) => [readValue(name), readValue(item)]));
  if (key === '$set') return new Set(listOf(value).map(readValue));
  if (key === '$entries') return Object.fromEntries(pairsOf(value).map(([name, item]) => [String(name), readValue(item)]));
  throw new TypeError(`no value is written under ${key}`);
}

const listOf = (value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw new TypeError('a list is expected');
  return value;
};

const pairsOf = (value: unknown): readonly (readonly unknown[])[] => listOf(value).map((pair) => listOf(pair));
