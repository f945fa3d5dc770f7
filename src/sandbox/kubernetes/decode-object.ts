import { isFields } from './api-object.ts';
import { joinPath, pathText } from './field-paths.ts';
import { childrenOf, elementType, type FieldType } from './schema.ts';

/**
 * A value as the server's own types hold it: without nulls, without fields that the schema does not know, and without empty
 * lists and maps (an empty struct stays: `emptyDir: {}` says something).
 */
export function dropUndeclared(type: FieldType, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => dropUndeclared(elementType(type, 'i:') ?? type, item));
  if (!isFields(value)) return value;
  const kept = Object.entries(value).flatMap(([name, item]) => {
    const of = elementType(type, `f:${name}`);
    if (of === undefined || item === null || item === undefined) return [];
    const decoded = dropUndeclared(of, item);
    const isEmpty = Array.isArray(decoded) ? decoded.length === 0 : of.kind === 'map' && Object.keys(decoded as object).length === 0;
    return isEmpty ? [] : [[name, decoded] as const];
  });
  return Object.fromEntries(kept);
}

/** What an apply refuses before it merges, as the server says it: fields and shapes that the schema does not have. */
export function schemaErrors(type: FieldType, value: unknown, path = ''): readonly string[] {
  const got = `got &{${JSON.stringify(value)}}`;
  const at = pathText(path);
  if (value === null || type.kind === 'any') return [];
  if (type.kind === 'scalar')
    return typeof value === type.of ? [] : [`${at}: expected ${type.of === 'number' ? 'numeric' : type.of}, ${got}`];
  if (type.kind === 'list' && !Array.isArray(value)) return [`${at}: expected list, ${got}`];
  if (type.kind !== 'list' && !isFields(value)) return [`${at}: expected map, ${got}`];
  const children = childrenOf(type, value) ?? [];
  const elements = children.map(({ element }) => element);
  const twice = elements.filter((element, index) => elements.indexOf(element) !== index);
  const inside = children.flatMap((child) => {
    const below = joinPath(path, child.element);
    return child.type === undefined ? [`${pathText(below)}: field not declared in schema`] : schemaErrors(child.type, child.value, below);
  });
  return [...twice.map((element) => `${at}: duplicate entries for key ${pathText(element)}`), ...inside];
}
