import { MARKS } from '../model/marks.ts';
import type { FieldsV1, KubernetesObject, LiveObject } from '../model/objects.ts';

/** Whether a live object is what we would send, told without asking the server. */
export type StepVerdict = { readonly kind: 'in-step' } | { readonly kind: 'change' | 'drift'; readonly changes: readonly string[] };

/**
 * Compares a desired object, marks included, with the live one (design section 5): in step when the hash annotation equals
 * the desired hash and our Apply entry still owns every field that we set. Another writer's change takes ownership away, so it
 * shows; a quantity that the server rewrites, defaults, and other managers' fields do not. The walk of FieldsV1 beside the
 * desired object knows three forms of lists: `k:` (matched on the key fields that the item has), `v:` sets, and atomic ones.
 */
export function judgeStep(desired: KubernetesObject, live: LiveObject): StepVerdict {
  const lost = lostFields(desired, live.ourFields);
  const wantedHash = desired.metadata.annotations?.[MARKS.hash];
  if (live.annotations[MARKS.hash] !== wantedHash) return { kind: 'change', changes: lost.length === 0 ? ['content'] : lost };
  return lost.length === 0 ? { kind: 'in-step' } : { kind: 'drift', changes: lost };
}

/** The paths that we set and do not own any more; at most 20 are told. */
export function lostFields(desired: KubernetesObject, ours: FieldsV1 | undefined): readonly string[] {
  const lost: string[] = [];
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = desired;
  const { name: _name, namespace: _namespace, ...meta } = metadata;
  walkMap(rest, ours ?? {}, '', lost);
  walkMap(meta, ours?.['f:metadata'] ?? {}, 'metadata', lost);
  return lost.slice(0, 20);
}

function walk(value: unknown, fields: FieldsV1 | undefined, path: string, lost: string[]): void {
  if (fields === undefined) {
    if (!ownsNothing(value)) lost.push(path);
    return;
  }
  if (isAtomic(fields) || value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) walkList(value, fields, path, lost);
  else walkMap(value as Readonly<Record<string, unknown>>, fields, path, lost);
}

/** A member without children stands for the whole value: a scalar, or a list or map that is replaced as one. */
const isAtomic = (fields: FieldsV1): boolean => Object.keys(fields).every((key) => key === '.');

/**
 * An empty keyed list is in no one's fields, an empty map or atomic list is in ours (structured-merge-diff, toFieldSet). Which
 * lists are keyed only the server knows, so an empty list is never missed; `emptyDir: {}` or `podSelector: {}` is.
 */
function ownsNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  const children = Object.values(value);
  return Array.isArray(value) ? children.length === 0 : children.length > 0 && children.every(ownsNothing);
}

function walkMap(value: Readonly<Record<string, unknown>>, fields: FieldsV1, path: string, lost: string[]): void {
  for (const [key, child] of Object.entries(value)) {
    walk(child, fields[`f:${key}`], path === '' ? key : `${path}.${key}`, lost);
  }
}

function walkList(value: readonly unknown[], fields: FieldsV1, path: string, lost: string[]): void {
  const entries = Object.entries(fields);
  const keyed = entries.flatMap(([key, child]) => (key.startsWith('k:') ? [{ keys: parseKeys(key), child }] : []));
  value.forEach((item, i) => {
    const at = `${path}[${i}]`;
    if (keyed.length > 0 && typeof item === 'object' && item !== null) {
      const object = item as Readonly<Record<string, unknown>>;
      walk(item, keyed.find(({ keys }) => matchesKeys(object, keys))?.child, at, lost);
    } else if (fields[`v:${JSON.stringify(item)}`] === undefined) lost.push(at);
  });
}

function parseKeys(key: string): Readonly<Record<string, unknown>> {
  return JSON.parse(key.slice(2)) as Readonly<Record<string, unknown>>;
}

/** Key fields that the item leaves out take part by their defaults, which only the server knows: they match anything. */
function matchesKeys(item: Readonly<Record<string, unknown>>, keys: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(keys).every(([name, value]) => item[name] === undefined || item[name] === value);
}
