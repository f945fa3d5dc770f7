import { canonicalJson } from '../model/hash.ts';
import { MARKS } from '../model/marks.ts';
import { withoutSecrets } from '../model/object-content.ts';
import type { FieldsV1, JsonObject, JsonValue, KubernetesObject, LiveObject } from '../model/objects.ts';
import { matchesKeys, parseKeys } from '../plan/in-step.ts';
import type { DiffLine } from './diff-line.ts';
import { isList, isMapping, shownField } from './shown-values.ts';

/** What is shown in the place of a value of a Secret. */
const SECRET = '(secret)';
const OUR_ANNOTATIONS: ReadonlySet<string> = new Set([MARKS.id, MARKS.spec, MARKS.hash]);

/**
 * What sending an object would change, field by field: what we set against what is there, and what we have set before and do not set any
 * more. Defaults and the fields of others are passed over. Nothing where nobody knows what is there. Values of Secrets are not shown.
 */
export function diffObject(sent: KubernetesObject, live: LiveObject | undefined): readonly DiffLine[] {
  const bare = withoutMarks(sent);
  const isSecret = sent.apiVersion === 'v1' && sent.kind === 'Secret';
  const wanted = isSecret ? withoutSecrets(bare, live?.uid ?? '') : bare;
  if (live !== undefined && live.content === undefined) return [];
  const diff = new ObjectDiff();
  diff.compare({ wanted, was: live === undefined ? undefined : live.content, fields: live?.ourFields, path: '' });
  return diff.lines.map(isSecret ? hideSecret : hideInFields);
}

/**
 * The fields that a plan names of an object that nobody keeps whole, with what they become. What they were is not known. `paths` are as
 * `lostFields` writes them.
 */
export function namedFields(sent: KubernetesObject, paths: readonly string[]): readonly DiffLine[] {
  const isSecret = sent.apiVersion === 'v1' && sent.kind === 'Secret';
  const lines = paths.flatMap((path): readonly DiffLine[] => {
    const found = OURS.test(path) ? undefined : fieldAt(sent as unknown as JsonValue, path, '');
    return found === undefined ? [] : [{ what: found.what, op: 'change', after: found.value }];
  });
  return lines.map(isSecret ? hideSecret : hideInFields);
}

const OURS = new RegExp(
  `^metadata\\.(?:labels|annotations)\\.(?:${[...OUR_ANNOTATIONS, MARKS.ownerLabel, MARKS.managedBy].map((name) => name.replaceAll('.', '\\.')).join('|')})$`,
);

/** The value at a path whose names may hold dots themselves, and what people call that path: items of lists go by their names. */
function fieldAt(
  value: JsonValue | undefined,
  path: string,
  what: string,
): { readonly value: JsonValue; readonly what: string } | undefined {
  if (value === undefined) return undefined;
  if (path === '') return { value, what };
  if (isList(value)) {
    const [start = '', index] = /^\[(\d+)\]\.?/.exec(path) ?? [];
    const item = value[Number(index)];
    return fieldAt(item, path.slice(start.length), `${what}[${(item === undefined ? '' : titleOf(item, [])) || index}]`);
  }
  if (!isMapping(value)) return undefined;
  const name = Object.keys(value)
    .filter((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`))
    .sort((a, b) => b.length - a.length)[0];
  if (name === undefined) return undefined;
  return fieldAt(value[name], path.slice(name.length).replace(/^\./, ''), pathTo(what, name));
}

/** Annotations become tags, and some tags hold what lets somebody in; so do some environment variables. */
const hideInFields = (line: DiffLine): DiffLine => ({
  ...line,
  ...(line.before === undefined ? {} : { before: shownField(line.what, line.before) }),
  ...(line.after === undefined ? {} : { after: shownField(line.what, line.after) }),
});

const hideSecret = (line: DiffLine): DiffLine =>
  /^(?:data|stringData)\b/.test(line.what)
    ? {
        ...line,
        ...(line.before === undefined ? {} : { before: SECRET }),
        ...(line.after === undefined ? {} : { after: SECRET }),
      }
    : line;

/** What a person wrote: without identity, and without what marks it as ours. */
function withoutMarks({ apiVersion: _version, kind: _kind, metadata, ...rest }: KubernetesObject): JsonObject {
  const { name: _name, namespace: _namespace, labels = {}, annotations = {}, ...others } = metadata;
  const meta = {
    ...others,
    ...kept('labels', labels, (key) => key !== MARKS.ownerLabel && key !== MARKS.managedBy),
    ...kept('annotations', annotations, (key) => !OUR_ANNOTATIONS.has(key)),
  };
  return { ...(Object.keys(meta).length === 0 ? {} : { metadata: meta }), ...rest } as JsonObject;
}

function kept(field: string, entries: Readonly<Record<string, string>>, keep: (key: string) => boolean): JsonObject {
  const left = Object.entries(entries).filter(([key]) => keep(key));
  return left.length === 0 ? {} : { [field]: Object.fromEntries(left) };
}

interface Pair {
  readonly wanted: JsonValue | undefined;
  readonly was: JsonValue | undefined;
  /** What of it is ours. */
  readonly fields: FieldsV1 | undefined;
  readonly path: string;
}

class ObjectDiff {
  readonly lines: DiffLine[] = [];

  compare({ wanted, was, fields, path }: Pair): void {
    if (wanted === undefined) {
      this.#gone(was, fields, path);
      return;
    }
    if (isMapping(wanted) && (isMapping(was) || (was === undefined && Object.keys(wanted).length > 0))) {
      this.#mapping(wanted, was ?? {}, { fields, path });
      return;
    }
    const keys = isList(wanted) ? itemKeys(wanted, was, fields) : undefined;
    if (isList(wanted) && keys !== undefined) this.#items({ wanted, was: isList(was) ? was : [], keys }, { fields, path });
    else if (was === undefined) this.lines.push({ what: path, op: 'add', after: wanted });
    else if (!isSame(wanted, was, path)) this.lines.push({ what: path, op: 'change', before: was, after: wanted });
  }

  #mapping(wanted: JsonObject, was: JsonObject, { fields, path }: Pick<Pair, 'fields' | 'path'>): void {
    const ours = Object.keys(fields ?? {}).flatMap((member) => (member.startsWith('f:') ? [member.slice(2)] : []));
    const names = [...Object.keys(wanted), ...ours.filter((name) => !Object.hasOwn(wanted, name))];
    for (const name of names) {
      const at = pathTo(path, name);
      if (isMark(at)) continue;
      this.compare({ wanted: own(wanted, name), was: own(was, name), fields: fields?.[`f:${name}`], path: at });
    }
  }

  #items({ wanted, was, keys }: Items, { fields, path }: Pick<Pair, 'fields' | 'path'>): void {
    const left = [...was];
    for (const item of wanted) {
      const index = left.findIndex(
        (old) => isMapping(old) && isMapping(item) && keys.every((key) => item[key] === undefined || item[key] === old[key]),
      );
      const [old] = index < 0 ? [] : left.splice(index, 1);
      this.compare({ wanted: item, was: old, fields: memberOf(old, fields)?.[1], path: `${path}[${titleOf(old ?? item, keys)}]` });
    }
    for (const old of left)
      if (memberOf(old, fields) !== undefined) this.lines.push({ what: `${path}[${titleOf(old, keys)}]`, op: 'remove', before: old });
  }

  /** What we do not set any more goes, as far as it was ours. */
  #gone(was: JsonValue | undefined, fields: FieldsV1 | undefined, path: string): void {
    if (was === undefined || fields === undefined) return;
    const inner = Object.keys(fields).filter((member) => member.startsWith('f:'));
    // Name and namespace stay, though nobody sets anything else there any more.
    if (isMapping(was) && (inner.length > 0 || path === 'metadata')) this.#mapping({}, was, { fields, path });
    else this.lines.push({ what: path, op: 'remove', before: was });
  }
}

interface Items {
  readonly wanted: readonly JsonValue[];
  readonly was: readonly JsonValue[];
  readonly keys: readonly string[];
}

/** The keys by which the server tells the items of a list apart; else the name, where all have one. Undefined: the list is one value. */
function itemKeys(wanted: readonly JsonValue[], was: JsonValue | undefined, fields: FieldsV1 | undefined): readonly string[] | undefined {
  const [member] = Object.keys(fields ?? {}).filter((name) => name.startsWith('k:'));
  if (member !== undefined) return Object.keys(parseKeys(member));
  const all = [...wanted, ...(isList(was) ? was : [])];
  return all.length > 0 && all.every((item) => isMapping(item) && typeof item['name'] === 'string') ? ['name'] : undefined;
}

const memberOf = (item: JsonValue | undefined, fields: FieldsV1 | undefined): readonly [string, FieldsV1] | undefined =>
  isMapping(item) ? Object.entries(fields ?? {}).find(([name]) => name.startsWith('k:') && matchesKeys(item, parseKeys(name))) : undefined;

/** What a person calls an item: its name, else its keys. */
const titleOf = (item: JsonValue, keys: readonly string[]): string =>
  isMapping(item) ? String(item['name'] ?? keys.flatMap((key) => item[key] ?? []).join('/')) : '';

const pathTo = (path: string, name: string): string =>
  path === '' ? name : `${path}${/^[A-Za-z_][\w-]*$/.test(name) ? `.${name}` : `[${name}]`}`;

const MARK = /^metadata\.(?:labels|annotations)\[(.+)\]$/;
const isMark = (path: string): boolean => {
  const name = MARK.exec(path)?.[1] ?? '';
  return OUR_ANNOTATIONS.has(name) || name === MARKS.ownerLabel || name === MARKS.managedBy;
};

const own = (object: JsonObject, name: string): JsonValue | undefined => (Object.hasOwn(object, name) ? object[name] : undefined);
const isSame = (a: JsonValue, b: JsonValue, path: string): boolean =>
  canonicalJson(a) === canonicalJson(b) || (QUANTITIES.test(path) && quantity(a) !== undefined && quantity(a) === quantity(b));

/** Where Kubernetes takes quantities, which the server writes in a form of its own: `1000m` becomes `1`. */
const QUANTITIES = /\b(?:limits|requests|capacity|hard|sizeLimit|divisor|averageValue|overhead)\b/;
const UNITS: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

function quantity(value: JsonValue): number | undefined {
  const [, number, unit = ''] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-z]{0,2})$/.exec(String(value)) ?? [];
  const factor = UNITS[unit];
  // Rounded: a thousandth of a thousand is not quite one.
  return number === undefined || factor === undefined ? undefined : Number((Number(number) * factor).toPrecision(12));
}
