import { DYNAMIC_DEFAULTS, DYNAMIC_TYPES, type DynamicObject, type DynamicValue } from './dynamic-types.ts';
import { formatGoDuration, parseGoBool, parseGoDuration, parseGoInt } from './go-values.ts';
import { LabelError, type LabelNode } from './label-tree.ts';

export type DynamicTypeName = keyof typeof DYNAMIC_TYPES;

type Scalar = 'string' | 'int' | 'bool' | 'duration';
type Type =
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly isPointer: boolean }
  | { readonly kind: 'struct'; readonly name: DynamicTypeName }
  | { readonly kind: 'list' | 'map'; readonly of: Type }
  | { readonly kind: 'raw' };

interface Field {
  readonly name: string;
  readonly type: Type;
  readonly mayBeEmpty: boolean;
  readonly isClosed: boolean;
  /** One struct under this field's name is the only element of the list. */
  readonly isFirstOfList: boolean;
  readonly isAlwaysShown: boolean;
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>(['string', 'int', 'bool', 'duration']);
const isScalar = (text: string): text is Scalar => SCALARS.has(text);
const isTypeName = (text: string): text is DynamicTypeName => Object.hasOwn(DYNAMIC_TYPES, text);

function readType(text: string): Type {
  if (text.startsWith('[]')) return { kind: 'list', of: readType(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', of: readType(text.slice(2)) };
  const bare = text.replace('*', '');
  if (isScalar(bare)) return { kind: 'scalar', scalar: bare, isPointer: bare !== text };
  return isTypeName(bare) ? { kind: 'struct', name: bare } : { kind: 'raw' };
}

function readField(text: string): readonly [key: string, field: Field] {
  const {
    mark,
    name = '',
    alias,
    shown,
    type = '',
  } = /^(?<mark>[-+]?)(?<name>\w+)(?:=(?<alias>\w+))?(?<shown>!?):(?<type>.+)$/.exec(text)?.groups ?? {};
  const field = {
    name,
    type: readType(type),
    mayBeEmpty: mark === '+',
    isClosed: mark === '-',
    isFirstOfList: alias !== undefined,
    isAlwaysShown: shown === '!',
  };
  return [(alias ?? name).toLowerCase(), field];
}

/** The fields of each struct by the name that labels use, in lower case. */
const FIELDS: ReadonlyMap<DynamicTypeName, ReadonlyMap<string, Field>> = new Map(
  (Object.keys(DYNAMIC_TYPES) as DynamicTypeName[]).map((name) => [
    name,
    new Map(
      DYNAMIC_TYPES[name]
        .split(' ')
        .filter((text) => text !== '')
        .map(readField),
    ),
  ]),
);

type Draft = Record<string, DynamicValue>;

/**
 * Decodes a tree of labels into a struct, as Traefik's paerser does; fields of zero value are left out, as from the API. Throws a
 * `LabelError` for a field that does not exist and for a value of the wrong type. Source: traefik/paerser nodes_metadata.go,
 * element_fill.go.
 */
export function fillLabels(name: DynamicTypeName, root: LabelNode, initial: DynamicObject = {}): DynamicObject {
  checkChildren({ kind: 'struct', name }, root);
  return fillStruct(name, root, initial);
}

/** A new struct with its defaults. */
export const newStruct = (name: DynamicTypeName): DynamicObject => ({ ...DYNAMIC_DEFAULTS[name] });

function checkChildren(type: Type, node: LabelNode): void {
  if (type.kind === 'map' && type.of.kind === 'raw') return;
  for (const child of node.children) checkField(fieldOf(type, child), child);
}

function fieldOf(type: Type, node: LabelNode): Field {
  const fields = type.kind === 'struct' ? FIELDS.get(type.name) : undefined;
  const field = fields?.get(node.name.toLowerCase());
  if (field !== undefined) return field;
  const known = [...(fields?.keys() ?? [])];
  throw new LabelError(`field not found, node: ${node.name}`, { unknown: { field: node.name, known } });
}

function checkField({ type, mayBeEmpty, isClosed, isFirstOfList }: Field, node: LabelNode): void {
  if (node.children.length === 0) {
    if (type.kind !== 'struct' && type.kind !== 'map') return;
    if (!mayBeEmpty && !isClosed) throw new LabelError(`${node.name} cannot be a standalone element`);
    return;
  }
  if (type.kind === 'struct') checkChildren(type, node);
  else if (type.kind === 'list' && isFirstOfList) checkChildren(type.of, node);
  else if (type.kind === 'list' || (type.kind === 'map' && type.of.kind !== 'raw')) {
    // The elements of a map of plain values are not looked into.
    const isOpaque = type.kind === 'map' && type.of.kind === 'scalar';
    if (!isOpaque) for (const child of node.children) checkChildren(type.of, child);
  } else throw new LabelError(`invalid node ${node.name}`);
}

/** A struct that may stand alone, but with another word than `true`, is off with all that stands under it. */
function isOff({ mayBeEmpty, isClosed, type }: Field, { value }: LabelNode): boolean {
  const mayBeOff = mayBeEmpty && (type.kind === 'struct' || type.kind === 'map');
  return isClosed || (mayBeOff && value !== '' && value.toLowerCase() !== 'true');
}

function fillStruct(name: DynamicTypeName, node: LabelNode, initial: DynamicObject): DynamicObject {
  const struct: Draft = { ...initial };
  for (const child of node.children) {
    const field = fieldOf({ kind: 'struct', name }, child);
    if (isOff(field, child)) continue;
    const value = fillField(field, child, struct[field.name]);
    if (value === undefined) delete struct[field.name];
    else struct[field.name] = value;
  }
  for (const field of FIELDS.get(name)?.values() ?? []) {
    if (field.isAlwaysShown && field.type.kind === 'scalar' && !field.type.isPointer) struct[field.name] ??= false;
  }
  return struct;
}

function fillField({ type, isFirstOfList }: Field, node: LabelNode, current: DynamicValue | undefined): DynamicValue | undefined {
  if (type.kind !== 'list' || !isFirstOfList) return fillValue(type, node, current);
  if (node.children.length === 0) throw new LabelError(`invalid slice: node ${node.name}`);
  return [fillValue(type.of, node, undefined) ?? {}];
}

/** Undefined for a zero value. */
function fillValue(type: Type, node: LabelNode, current: DynamicValue | undefined): DynamicValue | undefined {
  switch (type.kind) {
    case 'scalar':
      return fillScalar(type, node.value);
    case 'struct':
      return fillStruct(type.name, node, (current as DynamicObject | undefined) ?? newStruct(type.name));
    case 'list':
      return fillList(type.of, node) ?? current;
    case 'map':
      return fillMap(type.of, node);
    default:
      return node.value;
  }
}

function fillScalar(
  { scalar, isPointer }: { readonly scalar: Scalar; readonly isPointer: boolean },
  text: string,
): DynamicValue | undefined {
  const value = scalarOf(scalar, text);
  if (value === undefined) throw new LabelError(`${JSON.stringify(text)} is no ${scalar}`);
  const isZero = value === '' || value === 0 || value === false || (scalar === 'duration' && value === '0s');
  return isZero && !isPointer ? undefined : value;
}

function scalarOf(scalar: Scalar, text: string): string | number | boolean | undefined {
  if (scalar === 'string') return text;
  if (scalar === 'bool') return parseGoBool(text);
  if (scalar === 'int') return parseGoInt(text) === undefined ? undefined : Number(text);
  const duration = parseGoDuration(text);
  return duration === undefined ? undefined : formatGoDuration(duration);
}

function fillList(of: Type, node: LabelNode): DynamicValue | undefined {
  if (of.kind === 'struct') return node.children.map((child) => fillStruct(of.name, child, newStruct(of.name)));
  // What stands by number in a list of texts is not read.
  if (node.value === '') return undefined;
  return node.value.split(',').map((item) => item.trim());
}

function fillMap(of: Type, node: LabelNode): DynamicObject {
  const map: Draft = {};
  for (const child of node.children) {
    if (of.kind === 'scalar' && of.scalar === 'string') Object.assign(map, dotted(child.name, child));
    else if (of.kind === 'map' && of.of.kind === 'raw')
      map[child.name] = Object.assign({}, ...child.children.map(rawField)) as DynamicObject;
    else map[child.name] = fillValue(of, child, undefined) ?? zeroOf(of);
  }
  return map;
}

const zeroOf = (type: Type): DynamicValue => (type.kind === 'scalar' && type.scalar === 'int' ? 0 : '');

/** A key of a map of texts may hold dots. */
function dotted(key: string, node: LabelNode): DynamicObject {
  if (node.children.length === 0) return { [key]: node.value };
  return Object.assign({}, ...node.children.map((child) => dotted(`${key}.${child.name}`, child))) as DynamicObject;
}

/** An option of a plugin. One whose own name stands again under it is spread, which is a quirk of Traefik's. */
function rawField(node: LabelNode): DynamicObject {
  if (node.children.length === 0) return { [node.name]: node.value };
  const value = rawValue(node);
  const isSpread = !isList(node) && Object.hasOwn(value as DynamicObject, node.name);
  return isSpread ? (value as DynamicObject) : { [node.name]: value };
}

const isList = (node: LabelNode): boolean => /^\[.*\]$/.test(node.children[0]?.name ?? '');

function rawValue(node: LabelNode): DynamicValue {
  if (node.children.length === 0) return node.value;
  if (isList(node)) return node.children.map(rawValue);
  return Object.fromEntries(node.children.map((child) => [child.name, rawValue(child)]));
}
