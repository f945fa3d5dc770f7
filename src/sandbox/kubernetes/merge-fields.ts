import { isDeepStrictEqual } from 'node:util';
import { isFields } from './api-object.ts';
import { ancestorsOf, type FieldPaths, joinPath } from './field-paths.ts';
import { type Child, childrenOf, type FieldType } from './schema.ts';

const any: FieldType = { kind: 'any' };

/** The fields that an applied object claims: its leaves, the items of its lists and maps, and its empty structs. */
export function claimedPaths(type: FieldType, value: unknown, path = ''): FieldPaths {
  const found = new Set<string>();
  for (const child of childrenOf(type, value) ?? []) {
    const at = joinPath(path, child.element);
    const below = claimedPaths(child.type ?? any, child.value, at);
    for (const claimed of below) found.add(claimed);
    const isEmptyStruct = below.size === 0 && !Array.isArray(child.value);
    const isItem = type.kind === 'list' || type.kind === 'map';
    if (isItem || isEmptyStruct || childrenOf(child.type ?? any, child.value) === undefined) found.add(at);
  }
  return found;
}

/** What differs between two objects, as paths; no path is in two of the sets. */
export interface Comparison {
  readonly added: Set<string>;
  readonly modified: Set<string>;
  readonly removed: Set<string>;
}

/** Compares two values of a type. */
export function compareFields(type: FieldType, before: unknown, after: unknown): Comparison {
  const found: Comparison = { added: new Set(), modified: new Set(), removed: new Set() };
  compareAt(type, { before, after, path: '' }, found);
  return found;
}

function compareAt(type: FieldType, { before, after, path }: { before: unknown; after: unknown; path: string }, found: Comparison): void {
  const old = before === undefined ? [] : childrenOf(type, before);
  const now = after === undefined ? [] : childrenOf(type, after);
  const isLeaf = old === undefined || now === undefined || old.length + now.length === 0;
  if (before === undefined) found.added.add(path);
  else if (after === undefined) found.removed.add(path);
  else if (isLeaf && !isDeepStrictEqual(before, after)) found.modified.add(path);
  if (isLeaf) return;
  const [olds, nows] = [byElement(old), byElement(now)];
  for (const [element, child] of new Map([...olds, ...nows])) {
    const below = { before: olds.get(element)?.value, after: nows.get(element)?.value, path: joinPath(path, element) };
    compareAt(child.type ?? any, below, found);
  }
}

/**
 * `live` with everything that `applied` says laid over it. Items of keyed lists that both have stand in the order of `applied`;
 * what only the live list has keeps its place.
 */
export function mergeFields(type: FieldType, live: unknown, applied: unknown): unknown {
  const old = childrenOf(type, live);
  const now = childrenOf(type, applied);
  if (applied === undefined) return live;
  if (old === undefined || now === undefined) return applied;
  const [olds, nows] = [byElement(old), byElement(now)];
  const order: string[] = [];
  const coming = [...nows.keys()];
  for (const element of olds.keys()) {
    if (!nows.has(element)) order.push(element);
    // The place of a shared item takes the next shared one, after the new ones that stand before it.
    else order.push(...coming.splice(0, 1 + coming.findIndex((next) => olds.has(next))));
  }
  const merged = [...order, ...coming].map((element) => {
    const of = (nows.get(element) ?? olds.get(element))?.type ?? any;
    return { element, value: mergeFields(of, olds.get(element)?.value, nows.get(element)?.value) };
  });
  return assemble(live, merged);
}

/** `value` without what stands at these paths. Containers stay, if empty. */
export function removePaths(type: FieldType, value: unknown, drop: FieldPaths): unknown {
  return removeAt(type, value, { drop, above: ancestorsOf(drop), path: '' });
}

function removeAt(type: FieldType, value: unknown, at: { drop: FieldPaths; above: FieldPaths; path: string }): unknown {
  const children = childrenOf(type, value);
  if (children === undefined) return value;
  const kept = children.flatMap((child) => {
    const path = joinPath(at.path, child.element);
    if (at.drop.has(path)) return [];
    return [{ ...child, value: at.above.has(path) ? removeAt(child.type ?? any, child.value, { ...at, path }) : child.value }];
  });
  return assemble(value, kept);
}

const byElement = (children: readonly Child[]): ReadonlyMap<string, Child> => new Map(children.map((child) => [child.element, child]));

const assemble = (like: unknown, children: readonly { element: string; value: unknown }[]): unknown =>
  isFields(like) ? Object.fromEntries(children.map(({ element, value }) => [element.slice(2), value])) : children.map(({ value }) => value);
