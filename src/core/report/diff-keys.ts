import type { KvWrite } from '../model/action.ts';
import { kvFlags } from '../model/consul-names.ts';
import { canonicalJson } from '../model/hash.ts';
import type { JsonValue } from '../model/objects.ts';
import type { KvEntry } from '../model/registration.ts';
import type { PlanContext } from '../plan/context.ts';
import type { DiffLine } from './diff-line.ts';
import { isMapping, parseMapping, shownField, shownValue } from './shown-values.ts';

/**
 * What writes to Consul's KV store change: of values that hold JSON the fields that differ, else the whole value. An entry that only becomes
 * ours keeps its value, and no line tells of it. What somebody else wrote is not repeated.
 */
export function diffKeys(writes: readonly KvWrite[], { registry, policy }: PlanContext): readonly DiffLine[] {
  const flags = kvFlags(policy.owner, policy.cluster);
  const isKept = (entry: KvEntry): boolean => entry.flags === flags && entry.digest === undefined;
  return writes.flatMap(({ key, value }) => {
    const entry = registry?.kv.get(key);
    const what = `key ${key}`;
    const before = entry !== undefined && isKept(entry) ? { before: shownText(entry.value) } : {};
    if (value === undefined) return [{ what, op: 'remove' as const, ...before }];
    if (entry === undefined) return [{ what, op: 'add' as const, after: shownText(value) }];
    return isKept(entry) ? changedKey(what, entry.value, value) : [{ what, op: 'change' as const, after: shownText(value) }];
  });
}

/** A JSON value as such, any other as text. */
const shownText = (text: string): JsonValue => shownValue(parseMapping(text) ?? text);

function changedKey(what: string, stored: string, value: string): readonly DiffLine[] {
  const [was, is] = [parseMapping(stored), parseMapping(value)];
  if (was !== undefined && is !== undefined) return diffFields(was, is, '').map((line) => ({ ...line, what: `${what}: ${line.what}` }));
  return stored === value ? [] : [{ what, op: 'change', before: shownText(stored), after: shownText(value) }];
}

/** The fields of two values that differ. Lists of mappings of the same length are told item by item, any other list as a whole. */
function diffFields(was: JsonValue | undefined, is: JsonValue | undefined, path: string): readonly DiffLine[] {
  if (was !== undefined && is !== undefined && canonicalJson(was) === canonicalJson(is)) return [];
  const [before, after] = [opened(was), opened(is)];
  if (isMapping(before) && isMapping(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => diffFields(before[name], after[name], joined(path, name)));
  }
  if (areItems(before) && areItems(after) && before.length === after.length) {
    return before.flatMap((item, i) => diffFields(item, after[i], `${path}[${titleOf(item, after[i]) ?? i}]`));
  }
  const shown = (value: JsonValue | undefined): JsonValue | undefined => (value === undefined ? undefined : shownField(path, value));
  const [old, next] = [shown(was), shown(is)];
  const op = old === undefined ? 'add' : next === undefined ? 'remove' : 'change';
  return [{ what: path, op, ...(old === undefined ? {} : { before: old }), ...(next === undefined ? {} : { after: next }) }];
}

/** The JSON that an annotation holds as text, too, is told by its fields. */
const opened = (value: JsonValue | undefined): JsonValue | undefined =>
  typeof value === 'string' ? (parseMapping(value) ?? value) : value;

/** The name of an item that stays the same one. */
const titleOf = (was: JsonValue, is: JsonValue | undefined): string | undefined => {
  const [before, after] = [was, is].map((item) => (isMapping(item) ? item['name'] : undefined));
  return typeof before === 'string' && before === after ? before : undefined;
};

const joined = (path: string, name: string): string => {
  if (path === '') return name;
  return /^[A-Za-z_][\w-]*$/.test(name) ? `${path}.${name}` : `${path}[${name}]`;
};

const areItems = (value: JsonValue | undefined): value is readonly JsonValue[] =>
  Array.isArray(value) && value.length > 0 && value.every(isMapping);
