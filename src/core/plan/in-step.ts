import { canonicalJson } from '../model/hash.ts';
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
  const lost = lostFields(desired, live);
  const wantedHash = desired.metadata.annotations?.[MARKS.hash];
  if (live.annotations[MARKS.hash] !== wantedHash) return { kind: 'change', changes: lost.length === 0 ? ['content'] : lost };
  return lost.length === 0 ? { kind: 'in-step' } : { kind: 'drift', changes: lost };
}

/** The paths that we set and do not own any more; at most 20 are told. */
export function lostFields(
  desired: KubernetesObject,
  { ourFields = {}, managers }: Pick<LiveObject, 'ourFields' | 'managers'>,
): readonly string[] {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = desired;
  const { name: _name, namespace: _namespace, ...meta } = metadata;
  const walk = new Walk(managers.flatMap(({ fields }) => (fields === undefined ? [] : [fields])));
  walk.map(rest, ourFields, undefined);
  walk.map(meta, ourFields['f:metadata'] ?? {}, { up: undefined, name: 'metadata', member: 'f:metadata' });
  return walk.lost.slice(0, 20);
}

/** The last step of a path: as people read it, and as FieldsV1 calls it. */
interface Step {
  readonly up: Step | undefined;
  readonly name: string;
  readonly member: string;
}
const pathOf = ({ up, name }: Step): string => (up === undefined ? name : `${pathOf(up)}${name}`);
const fieldAt = ({ up, member }: Step, fields: FieldsV1): FieldsV1 | undefined =>
  (up === undefined ? fields : fieldAt(up, fields))?.[member];

class Walk {
  readonly lost: string[] = [];
  readonly #others: readonly FieldsV1[];

  constructor(others: readonly FieldsV1[]) {
    this.#others = others;
  }

  map(value: Readonly<Record<string, unknown>>, fields: FieldsV1, up: Step | undefined): void {
    for (const [name, child] of Object.entries(value)) {
      const member = `f:${name}`;
      this.#value(child, fields[member], { up, name: up === undefined ? name : `.${name}`, member });
    }
  }

  #value(value: unknown, fields: FieldsV1 | undefined, at: Step): void {
    if (fields === undefined) {
      if (!ownsNothing(value) || this.#isTakenList(value, at)) this.lost.push(pathOf(at));
    } else if (value === null || typeof value !== 'object' || (isAtomic(fields) && !this.#isEmptied(value, at))) return;
    else if (Array.isArray(value)) this.#list(value, fields, at);
    else this.map(value as Readonly<Record<string, unknown>>, fields, at);
  }

  #list(value: readonly unknown[], fields: FieldsV1, up: Step): void {
    const members = membersOf(value, fields);
    value.forEach((item, i) => {
      const member = members[i];
      this.#value(item, member === undefined ? undefined : fields[member], { up, name: `[${i}]`, member: member ?? '' });
    });
  }

  /**
   * Where a definition keeps unknown fields, a map is a member itself, beside what is in it: when others have taken all of that,
   * it looks like a map that is ours as one. Of such a one nobody else holds a part.
   */
  #isEmptied(value: object, at: Step): boolean {
    const isMap = !Array.isArray(value) && Object.keys(value).length > 0;
    return isMap && this.#others.some((fields) => !isAtomic(fieldAt(at, fields) ?? {}));
  }

  /** An empty list that somebody else holds as a whole: an atomic one, so it was ours. A keyed one would show its items. */
  #isTakenList(value: unknown, at: Step): boolean {
    return Array.isArray(value) && value.length === 0 && this.#others.some((fields) => isLeaf(fieldAt(at, fields)));
  }
}

const isLeaf = (fields: FieldsV1 | undefined): boolean => fields !== undefined && Object.keys(fields).length === 0;

/** A member without children stands for the whole value: a scalar, or a list or map that is replaced as one. */
const isAtomic = (fields: FieldsV1): boolean => Object.keys(fields).every((key) => key === '.');

/**
 * An empty keyed list is in no one's fields, an empty map or atomic list is in ours (structured-merge-diff, toFieldSet). Which
 * lists are keyed only the server knows, so an empty list that nobody holds is not missed; `emptyDir: {}` or `podSelector: {}` is.
 */
function ownsNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  const children = Object.values(value);
  return Array.isArray(value) ? children.length === 0 : children.length > 0 && children.every(ownsNothing);
}

/** The key fields of a `k:` member of FieldsV1. */
export function parseKeys(key: string): Readonly<Record<string, unknown>> {
  return JSON.parse(key.slice(2)) as Readonly<Record<string, unknown>>;
}

/**
 * The member of FieldsV1 that each item of a list is; undefined for what is none. Items that leave out key fields take what those that
 * name all of them have left: of the ports 53 and 53/UDP the first one is not the second, whoever has taken it.
 */
function membersOf(items: readonly unknown[], fields: FieldsV1): readonly (string | undefined)[] {
  const keyed = Object.keys(fields).flatMap((member) => (member.startsWith('k:') ? [{ member, keys: parseKeys(member) }] : []));
  const [first] = keyed;
  if (first === undefined) return items.map((item) => memberOfSet(item, fields));
  const members: (string | undefined)[] = items.map(() => undefined);
  const left = new Set(keyed);
  const isWhole = (item: unknown): boolean => isFields(item) && Object.keys(first.keys).every((name) => item[name] !== undefined);
  for (const whole of [true, false]) {
    for (const [i, item] of items.entries()) {
      if (!isFields(item) || isWhole(item) !== whole) continue;
      const found = keyed.find((one) => left.has(one) && matchesKeys(item, one.keys));
      if (found === undefined) continue;
      left.delete(found);
      members[i] = found.member;
    }
  }
  return members;
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** The `v:` member of an item of a set: most are spelt as we would, and need no search. */
function memberOfSet(item: unknown, fields: FieldsV1): string {
  const spelt = `v:${JSON.stringify(item)}`;
  if (fields[spelt] !== undefined) return spelt;
  return Object.keys(fields).find((member) => member.startsWith('v:') && isMemberOf(member, item)) ?? spelt;
}

/** Whether a `v:` member stands for a value. The API server escapes what JSON need not (`<`, `>`, `&`), and sorts keys. */
export const isMemberOf = (member: string, value: unknown): boolean => canonicalJson(JSON.parse(member.slice(2))) === canonicalJson(value);

/** Key fields that the item leaves out take part by their defaults, which only the server knows: they match anything. */
export function matchesKeys(item: Readonly<Record<string, unknown>>, keys: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(keys).every(([name, value]) => item[name] === undefined || item[name] === value);
}
