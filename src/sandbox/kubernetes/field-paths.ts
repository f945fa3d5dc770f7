import { type Fields, isFields } from './api-object.ts';
import { elementType, type FieldType } from './schema.ts';

/** A set of field paths, each the elements of FieldsV1 (`f:spec`, `k:{"name":"c"}`) joined into one string. */
export type FieldPaths = ReadonlySet<string>;

// No element holds it: neither field names nor JSON have a raw NUL.
const separator = '\u0000';

/** The path one step below `parent`; the root is the empty path. */
export const joinPath = (parent: string, element: string): string => (parent === '' ? element : parent + separator + element);

export const union = (...sets: readonly FieldPaths[]): FieldPaths => new Set(sets.flatMap((set) => [...set]));
export const difference = (set: FieldPaths, other: FieldPaths): FieldPaths => new Set([...set].filter((path) => !other.has(path)));
export const intersection = (set: FieldPaths, other: FieldPaths): FieldPaths => new Set([...set].filter((path) => other.has(path)));

/** `paths` without a top-level field and all below it. */
export const withoutField = (paths: FieldPaths, field: string): FieldPaths =>
  new Set([...paths].filter((path) => path.split(separator, 1)[0] !== `f:${field}`));

/** Every proper ancestor of the paths. */
export function ancestorsOf(paths: FieldPaths): FieldPaths {
  const found = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf(separator); end > 0; end = path.lastIndexOf(separator, end - 1)) found.add(path.slice(0, end));
  }
  return found;
}

/** The paths and those of their ancestors that are fields of structs: a struct is there as soon as one of its fields is. */
export function withStructs(type: FieldType, paths: FieldPaths): FieldPaths {
  const structs = [...ancestorsOf(paths)].filter((path) => {
    const parents = path.split(separator).slice(0, -1);
    const parent = parents.reduce<FieldType | undefined>((at, element) => at && elementType(at, element), type);
    return parent?.kind === 'struct' || parent?.kind === 'any';
  });
  return union(paths, new Set(structs));
}

/** The paths as FieldsV1. */
export function toFieldsV1(paths: FieldPaths): Fields {
  const root: Fields = {};
  const members = new Set<Fields>();
  // Ancestors sort before what is below them: a member gets its "." when the first path goes through it.
  for (const path of [...paths].sort()) {
    let node = root;
    for (const element of path.split(separator)) {
      if (members.has(node)) node['.'] = {};
      const child = node[element];
      node = node[element] = isFields(child) ? child : {};
    }
    members.add(node);
  }
  return root;
}

/** The paths that a FieldsV1 holds. */
export function fromFieldsV1(fields: Fields, path = ''): FieldPaths {
  const isMember = path !== '' && (Object.keys(fields).length === 0 || '.' in fields);
  const below = Object.entries(fields).filter(([element]) => element !== '.');
  return union(new Set(isMember ? [path] : []), ...below.map(([element, child]) => fromFieldsV1(child as Fields, joinPath(path, element))));
}

/** A path as messages show it: `.spec.template.spec.containers[name="c"].image`. */
export function pathText(path: string): string {
  const elementText = (element: string): string => {
    const body = element.slice(2);
    if (!element.startsWith('k:')) return element.startsWith('v:') ? `[=${body}]` : `.${body}`;
    const keys = Object.entries(JSON.parse(body) as Fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return `[${keys.join(',')}]`;
  };
  return path === '' ? '' : path.split(separator).map(elementText).join('');
}
