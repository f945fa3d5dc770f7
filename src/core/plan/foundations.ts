import type { GroupKind, ObjectKey } from '../model/ids.ts';
import { groupKind, kindOf, NAMESPACE_KIND, objectKey, objectTitle, SERVICE_KIND, splitObjectKey } from '../model/ids.ts';
import type { JsonObject, KubernetesObject, LiveObject } from '../model/objects.ts';
import { kindOfObject } from '../model/objects.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { SpecSet } from '../model/spec-set.ts';
import type { PlanContext } from './context.ts';
import { remember } from './memos.ts';

const DEFINITION_KIND = groupKind('apiextensions.k8s.io', 'CustomResourceDefinition');
const NONE: ReadonlyMap<GroupKind, ObjectKey> = new Map();

type Objects = Snapshot<ReadonlyMap<ObjectKey, LiveObject>>;

/** The kind that a CustomResourceDefinition defines; undefined for every other object. */
export function definedKind(object: KubernetesObject): GroupKind | undefined {
  if (kindOfObject(object) !== DEFINITION_KIND) return undefined;
  const spec = object['spec'] as JsonObject | undefined;
  const names = spec?.['names'] as JsonObject | undefined;
  return groupKind(String(spec?.['group']), String(names?.['kind']));
}

/** The API server has answered that it does not serve this kind. */
const isUnserved = (snapshot: Objects | undefined): boolean =>
  snapshot !== undefined && snapshot.kind !== 'complete' && snapshot.reason.code === 'KUBERNETES_UNKNOWN_KIND';

/**
 * What an object has to wait for, in words: the definition of its kind or its namespace, where a spec holds it and it is not
 * there yet. Undefined when nothing is missing, or nobody is going to make it: then the API server says what is wrong.
 */
export function missingFoundation(key: ObjectKey, context: PlanContext): string | undefined {
  const missing = foundationOf(key, context);
  if (missing === undefined) return undefined;
  const why = kindOf(missing) === DEFINITION_KIND ? ', which defines its kind' : '';
  return `${objectTitle(key)} waits for ${objectTitle(missing)}${why}`;
}

/** The definition or the namespace that an object has to wait for. */
export function foundationOf(key: ObjectKey, context: PlanContext): ObjectKey | undefined {
  const definition = definitionsOf(context).get(kindOf(key));
  if (definition !== undefined && (isMissing(definition, context) || isUnserved(objectsOf(kindOf(key), context)))) return definition;
  const { namespace } = splitObjectKey(key);
  if (namespace === '' || context.desired.live.has(key)) return undefined;
  const needed = objectKey(NAMESPACE_KIND, '', namespace);
  return context.desired.holders.has(needed) && isMissing(needed, context) ? needed : undefined;
}

/** What is known of the objects of a kind. */
export function objectsOf(kind: GroupKind, { world }: PlanContext): Objects | undefined {
  return kind === SERVICE_KIND ? world.cluster.services : world.cluster.objects.get(kind);
}

function isMissing(key: ObjectKey, context: PlanContext): boolean {
  const snapshot = objectsOf(kindOf(key), context);
  return snapshot !== undefined && snapshotValue(snapshot)?.has(key) === false;
}

/** The definitions of the decoded specs, by the kind that each defines. */
function definitionsOf({ world, memos }: PlanContext): ReadonlyMap<GroupKind, ObjectKey> {
  const set = snapshotValue(world.specs);
  return set === undefined ? NONE : remember(memos.definitions, 'specs', [set], () => findDefinitions(set));
}

function findDefinitions({ specs }: SpecSet): ReadonlyMap<GroupKind, ObjectKey> {
  const found = new Map<GroupKind, ObjectKey>();
  for (const spec of specs.values()) {
    for (const { key, object } of spec.objects) {
      const kind = definedKind(object);
      if (kind !== undefined) found.set(kind, key);
    }
  }
  return found;
}
