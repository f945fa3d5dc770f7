import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { GroupKind, ObjectKey, SpecId } from '../model/ids.ts';
import { groupKind, groupKindOf, kindOf, objectTitle, splitObjectKey } from '../model/ids.ts';
import type { JsonObject, Spec, SpecObject } from '../model/objects.ts';
import { keyOfObject } from '../model/objects.ts';
import type { SpecSet } from '../model/spec-set.ts';
import type { KindScope } from '../model/world.ts';

const DEFINITION_KIND = groupKind('apiextensions.k8s.io', 'CustomResourceDefinition');

/** What the API server has told of scopes; see ClusterState. */
export type Scopes = ReadonlyMap<GroupKind, KindScope>;

/** The last result, and each spec's, for as long as what they were made from is the very same. Only saves work. */
export interface ScopeMemo {
  last?: { readonly set: SpecSet; readonly scopes: Scopes; readonly result: SpecSet };
  specs: ReadonlyMap<SpecId, { readonly spec: Spec; readonly settled: Spec }>;
}

/** An empty memo; keep one for the life of the daemon. */
export const newScopeMemo = (): ScopeMemo => ({ specs: new Map() });

/**
 * The specs with the objects of cluster-scoped custom kinds in no namespace. Decoding knows the scopes of built-in kinds only and
 * puts every other object into the default namespace. A scope is known from the API server, else from the CustomResourceDefinition
 * in one of the specs, so that a definition and its first objects may come in one commit; of other kinds nothing is changed. Like
 * kubectl and the API server it passes over a namespace that was written. The very same value while nothing changes.
 */
export function settleScopes(set: SpecSet, scopes: Scopes, memo: ScopeMemo): SpecSet {
  if (memo.last?.set === set && memo.last.scopes === scopes) return memo.last.result;
  const clusterScoped = findClusterScoped(set, scopes);
  const result = clusterScoped.size === 0 ? set : settle(set, clusterScoped, memo);
  memo.last = { set, scopes, result };
  return result;
}

function findClusterScoped(set: SpecSet, scopes: Scopes): ReadonlySet<GroupKind> {
  const found = new Set<GroupKind>();
  for (const [kind, scope] of scopes) if (scope === 'Cluster') found.add(kind);
  for (const { objects } of set.specs.values()) {
    for (const { key, object } of objects) {
      const spec = kindOf(key) === DEFINITION_KIND ? (object['spec'] as JsonObject | undefined) : undefined;
      if (spec?.['scope'] !== 'Cluster') continue;
      const kind = groupKind(String(spec['group']), String((spec['names'] as JsonObject | undefined)?.['kind']));
      if (!scopes.has(kind)) found.add(kind);
    }
  }
  return found;
}

function settle(set: SpecSet, clusterScoped: ReadonlySet<GroupKind>, memo: ScopeMemo): SpecSet {
  const specs = new Map<SpecId, Spec>();
  const broken = new Map(set.broken);
  const settled = new Map<SpecId, { readonly spec: Spec; readonly settled: Spec }>();
  let changed = false;
  for (const [id, spec] of set.specs) {
    const next = settleSpec(spec, clusterScoped);
    const known = memo.specs.get(id);
    const kept = known?.spec === spec && sameKeys(known.settled, next) ? known.settled : next;
    settled.set(id, { spec, settled: kept });
    if (kept !== spec) changed = true;
    const twice = kept === spec ? [] : duplicates(kept);
    if (twice.length === 0) specs.set(id, kept);
    else broken.set(id, twice);
  }
  memo.specs = settled;
  const lastGood =
    set.lastGood === undefined ? {} : { lastGood: new Map([...set.lastGood].map(([id, spec]) => [id, settleSpec(spec, clusterScoped)])) };
  return changed ? { ...set, specs, broken, ...lastGood } : { ...set, ...lastGood };
}

function settleSpec(spec: Spec, clusterScoped: ReadonlySet<GroupKind>): Spec {
  if (!spec.objects.some((one) => isMisplaced(one, clusterScoped))) return spec;
  return { ...spec, objects: spec.objects.map((one) => (isMisplaced(one, clusterScoped) ? withoutNamespace(one) : one)) };
}

const isMisplaced = ({ key, object }: SpecObject, clusterScoped: ReadonlySet<GroupKind>): boolean =>
  clusterScoped.has(groupKindOf(object.apiVersion, object.kind)) && splitObjectKey(key).namespace !== '';

function withoutNamespace(one: SpecObject): SpecObject {
  const { namespace: _none, ...metadata } = one.object.metadata;
  const object = { ...one.object, metadata: { ...metadata, name: one.object.metadata.name } };
  return { ...one, key: keyOfObject(object), object };
}

const sameKeys = (a: Spec, b: Spec): boolean =>
  a.objects.length === b.objects.length && a.objects.every(({ key }, i) => key === b.objects[i]?.key);

/** Two objects that differed in a namespace which they do not have are one. */
function duplicates({ id, objects }: Spec): readonly Problem[] {
  const first = new Map<ObjectKey, SpecObject>();
  return objects.flatMap((one) => {
    const earlier = first.get(one.key);
    if (earlier === undefined) {
      first.set(one.key, one);
      return [];
    }
    const message = `${objectTitle(one.key)} stands in this file twice, first in line ${earlier.where.line}: its kind belongs to no namespace`;
    return [problem('SPEC_DUPLICATE_OBJECT', message, { where: { file: id, ...one.where } })];
  });
}
