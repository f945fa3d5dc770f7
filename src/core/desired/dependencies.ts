import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import { byBytes, specId } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { Spec, SpecObject } from '../model/objects.ts';
import type { SpecSet } from '../model/spec-set.ts';
import { nearest } from '../spec/did-you-mean.ts';
import { readSettings } from '../spec/read-settings.ts';

/** Which specs wait for which, by `poolkeeper.dev/depends-on`. */
export interface Dependencies {
  /** The specs that each spec waits for, in byte order. Specs that wait for none are not in it. */
  readonly of: ReadonlyMap<SpecId, readonly SpecId[]>;
  /** Files that do not exist, and circles: nothing of such a spec is applied. */
  readonly problems: ReadonlyMap<SpecId, readonly Problem[]>;
}

const NONE: Dependencies = { of: new Map(), problems: new Map() };

/** Reads what the specs of one commit depend on. A file that is broken exists: it is waited for, not missing. */
export function readDependencies({ specs, broken }: Pick<SpecSet, 'specs' | 'broken'>): Dependencies {
  const named = new Map<SpecId, ReadonlyMap<SpecId, SpecObject>>();
  for (const [id, spec] of specs) {
    const names = namedBy(spec);
    if (names.size > 0) named.set(id, names);
  }
  if (named.size === 0) return NONE;
  const known = new Set<SpecId>([...specs.keys(), ...broken.keys()]);
  const edges = new Map([...named].map(([id, names]) => [id, [...names.keys()].sort(byBytes)] as const));
  const circles = findCircles(edges);
  const problems = new Map<SpecId, readonly Problem[]>();
  for (const [id, names] of named) {
    const missing = [...names].flatMap(([on, by]) => (known.has(on) ? [] : [missingFile(id, on, by, known)]));
    const circle = circles.get(id);
    const all = circle === undefined ? missing : [...missing, circularity(id, circle, names)];
    if (all.length > 0) problems.set(id, all);
  }
  return { of: edges, problems };
}

/** The specs that the objects of a spec name, each with the first object that names it. */
function namedBy(spec: Spec): ReadonlyMap<SpecId, SpecObject> {
  const names = new Map<SpecId, SpecObject>();
  for (const object of spec.objects) {
    const text = object.object.metadata.annotations?.[SETTINGS.dependsOn];
    if (text === undefined) continue;
    for (const path of readSettings({ [SETTINGS.dependsOn]: text }).settings.dependsOn ?? []) {
      const on = specId(path);
      if (!names.has(on)) names.set(on, object);
    }
  }
  return names;
}

function missingFile(id: SpecId, on: SpecId, by: SpecObject, known: ReadonlySet<SpecId>): Problem {
  const meant = [...known].find((other) => other.endsWith(`/${on}`)) ?? nearest(on, known);
  return problem('SPEC_DEPENDENCY_MISSING', `${id} depends on ${on}, which does not exist`, {
    where: { file: id, ...(by.dependsOnWhere ?? by.where) },
    ...(meant === undefined ? {} : { remedy: `Did you mean "${meant}"?` }),
  });
}

function circularity(id: SpecId, circle: readonly SpecId[], names: ReadonlyMap<SpecId, SpecObject>): Problem {
  const by = names.get(circle[1] ?? id);
  return problem('SPEC_DEPENDENCY_CYCLE', `${id} depends on itself: ${circle.join(' → ')}`, {
    ...(by === undefined ? {} : { where: { file: id, ...(by.dependsOnWhere ?? by.where) } }),
  });
}

type Edges = ReadonlyMap<SpecId, readonly SpecId[]>;

/** The specs that depend on themselves, each with a shortest way round, the spec itself at both ends. */
function findCircles(edges: Edges): ReadonlyMap<SpecId, readonly SpecId[]> {
  const circles = new Map<SpecId, readonly SpecId[]>();
  for (const id of withoutTrees(edges)) {
    const circle = wayBack(id, edges);
    if (circle !== undefined) circles.set(id, circle);
  }
  return circles;
}

/** Takes away whatever depends on nothing that is left, again and again: where there is no circle, all of it, in one go. */
function withoutTrees(edges: Edges): ReadonlySet<SpecId> {
  const open = new Map<SpecId, number>();
  const dependents = new Map<SpecId, SpecId[]>();
  for (const [id, on] of edges) {
    const counted = on.filter((other) => edges.has(other));
    open.set(id, counted.length);
    for (const other of counted) dependents.set(other, [...(dependents.get(other) ?? []), id]);
  }
  const free = [...open].flatMap(([id, count]) => (count === 0 ? [id] : []));
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    open.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) free.push(dependent);
    }
  }
  return new Set(open.keys());
}

/** A shortest way from a spec along its dependencies back to itself. */
function wayBack(start: SpecId, edges: Edges): readonly SpecId[] | undefined {
  const cameFrom = new Map<SpecId, SpecId>();
  const queue = [start];
  for (const id of queue) {
    for (const on of edges.get(id) ?? []) {
      if (on === start) return trace(start, id, cameFrom);
      if (cameFrom.has(on)) continue;
      cameFrom.set(on, id);
      queue.push(on);
    }
  }
  return undefined;
}

function trace(start: SpecId, last: SpecId, cameFrom: ReadonlyMap<SpecId, SpecId>): readonly SpecId[] {
  const way = [start];
  for (let id: SpecId | undefined = last; id !== undefined && id !== start; id = cameFrom.get(id)) way.unshift(id);
  return [start, ...way];
}
