import { type Fields, isFields } from './api-object.ts';
import { schemaTable } from './schema-table.ts';

/** How a value is merged and owned. `atomic` values are replaced and owned as a whole. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly of: 'string' | 'number' | 'boolean' }
  | { readonly kind: 'any' }
  | { readonly kind: 'struct'; readonly name: string; readonly atomic: boolean }
  | { readonly kind: 'map'; readonly element: FieldType; readonly atomic: boolean }
  | { readonly kind: 'list'; readonly element: FieldType; readonly atomic: boolean; readonly keys: readonly string[] };

interface StructField {
  readonly type: FieldType;
  /** The server's own type has it even if nobody wrote it. */
  readonly always: boolean;
}

/** One step down from a value that is merged piece by piece. */
export interface Child {
  /** The path element of FieldsV1: `f:<field>`, `k:{<keys>}` or `v:<value>`. */
  readonly element: string;
  readonly value: unknown;
  /** Undefined for a field that the struct does not have. */
  readonly type: FieldType | undefined;
}

const any: FieldType = { kind: 'any' };
const fieldPattern = /^(?<name>\w+)(?<shape>=?\{\}|\[[\w,]*\])?(?<of>[:=]\w+|[#?*])?(?<always>!)?$/;
const structs: ReadonlyMap<string, ReadonlyMap<string, StructField>> = new Map(
  Object.entries(schemaTable).map(([name, fields]) => [name, new Map(fields.split(' ').map(parseField))]),
);

/** The type of a whole object of this kind. */
export const typeOfKind = (kind: string): FieldType => ({ kind: 'struct', name: kind, atomic: false });

/** The pieces of a value, or undefined when it is owned as a whole: a scalar, an atomic list or map, or of another shape. */
export function childrenOf(type: FieldType, value: unknown): readonly Child[] | undefined {
  if (type.kind === 'scalar' || (type.kind !== 'any' && type.atomic)) return undefined;
  if (type.kind !== 'list') return isFields(value) ? Object.entries(value).map(([name, item]) => fieldOf(type, name, item)) : undefined;
  if (!Array.isArray(value)) return undefined;
  return value.map((item: unknown) => ({ element: itemElement(type.keys, item), value: item, type: type.element }));
}

/** The type one step down; undefined for a field that the struct does not have. */
export function elementType(type: FieldType, element: string): FieldType | undefined {
  if (type.kind === 'struct') return structs.get(type.name)?.get(element.slice(2))?.type;
  return type.kind === 'map' || type.kind === 'list' ? type.element : any;
}

/** The least object of a type: what is always there. A new object is compared with it. */
export function zeroOf(type: FieldType): Fields | readonly [] {
  if (type.kind === 'list') return [];
  const fields = type.kind === 'struct' ? [...(structs.get(type.name) ?? [])] : [];
  return Object.fromEntries(fields.filter(([, field]) => field.always).map(([name, field]) => [name, zeroOf(field.type)]));
}

function fieldOf(type: FieldType, name: string, value: unknown): Child {
  const element = `f:${name}`;
  return { element, value, type: elementType(type, element) };
}

function itemElement(keys: readonly string[], item: unknown): string {
  if (keys.length === 0) return `v:${JSON.stringify(item)}`;
  // The one default among the key fields of the table is that of `protocol`.
  const fields = { ...(keys.includes('protocol') ? { protocol: 'TCP' } : {}), ...(isFields(item) ? item : {}) } as Fields;
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, fields[key]])))}`;
}

function parseField(text: string): [string, StructField] {
  const groups = fieldPattern.exec(text)?.groups;
  if (groups?.['name'] === undefined) throw new Error(`the schema table has an unreadable field ${text}`);
  const { name, shape = '', of = '' } = groups;
  const always = groups['always'] !== undefined;
  const element = parseType(of);
  if (shape.endsWith('{}')) return [name, { type: { kind: 'map', element, atomic: shape === '={}' }, always }];
  const keys = shape === '[v]' ? [] : shape.slice(1, -1).split(',');
  return [name, { type: shape === '' ? element : { kind: 'list', element, atomic: shape === '[]', keys }, always }];
}

function parseType(of: string): FieldType {
  if (of === '*') return any;
  if (of === '' || of === '#' || of === '?') return { kind: 'scalar', of: of === '' ? 'string' : of === '#' ? 'number' : 'boolean' };
  return { kind: 'struct', name: of.slice(1), atomic: of.startsWith('=') };
}
