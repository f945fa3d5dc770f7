import type { ApplyObject } from '../model/action.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { byBytes, kindOf, NAMESPACE_KIND, objectKey, SERVICE_KIND, splitObjectKey } from '../model/ids.ts';
import { MANAGED_BY, MARKS } from '../model/marks.ts';
import type { Spec } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ClusterState } from '../model/world.ts';
import type { PlanContext } from './context.ts';
import type { SpecPlan } from './spec-plan.ts';

const namespaceKey = (name: string): ObjectKey => objectKey(NAMESPACE_KIND, '', name);
const namespaceOf = (key: ObjectKey): string => splitObjectKey(key).namespace;

/**
 * The namespaces that the plans need and that do not exist, when they may be created (`kubernetes.createNamespaces`). They
 * belong to no spec and are made before any spec is applied, so that none has to wait for another. They carry no mark of ours:
 * nothing ever deletes them. A namespace that a spec holds is that spec's to make, with what it says of it.
 */
export function planNamespaces(plans: readonly SpecPlan[], context: PlanContext): readonly ApplyObject[] {
  const known = context.world.cluster.objects.get(NAMESPACE_KIND);
  if (!context.policy.createNamespaces || known?.kind !== 'complete') return [];
  const needed = neededBy(plans);
  const missing = [...needed.keys()].filter((name) => {
    const key = namespaceKey(name);
    return !known.value.has(key) && !context.desired.holders.has(key);
  });
  // Where something lives the namespace exists, though nobody may have asked for it.
  const inhabited = missing.length === 0 ? new Set() : new Set([...context.desired.live.keys()].map(namespaceOf));
  return missing
    .filter((name) => !inhabited.has(name))
    .sort(byBytes)
    .map((name) => createNamespace(name, [...(needed.get(name) ?? [])]));
}

/** Namespaces of the objects that are to be created, with the specs that do it. What exists has its namespace. */
function neededBy(plans: readonly SpecPlan[]): ReadonlyMap<string, ReadonlySet<SpecId>> {
  const needed = new Map<string, Set<SpecId>>();
  for (const { spec, actions } of plans) {
    for (const action of actions) {
      if (action.kind !== 'apply-object' || action.existing !== undefined) continue;
      const name = namespaceOf(action.key);
      if (name !== '') needed.set(name, (needed.get(name) ?? new Set()).add(spec));
    }
  }
  return needed;
}

function createNamespace(name: string, specs: readonly SpecId[]): ApplyObject {
  const more = specs.length > 1 ? ` and ${specs.length - 1} more` : '';
  return {
    kind: 'apply-object',
    key: namespaceKey(name),
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [MARKS.managedBy]: MANAGED_BY } } },
    why: 'create',
    changes: [`for ${specs[0]}${more}`],
  };
}

/**
 * The namespaces of which it must be learnt whether they exist, with their apiVersion: those in which a spec has an object that
 * is not in the cluster. At rest there are none, so that looking costs nothing.
 */
export function namespacesToLookUp(specs: Iterable<Spec>, cluster: ClusterState, policy: Policy): ReadonlyMap<ObjectKey, string> {
  const claims = new Map<ObjectKey, string>();
  if (!policy.createNamespaces) return claims;
  for (const spec of specs) {
    for (const { key } of spec.objects) {
      const namespace = namespaceOf(key);
      if (namespace !== '' && !isLive(key, cluster)) claims.set(namespaceKey(namespace), 'v1');
    }
  }
  return claims;
}

function isLive(key: ObjectKey, { services, objects }: ClusterState): boolean {
  const kind = kindOf(key);
  const snapshot = kind === SERVICE_KIND ? services : objects.get(kind);
  return snapshot !== undefined && snapshotValue(snapshot)?.has(key) === true;
}
