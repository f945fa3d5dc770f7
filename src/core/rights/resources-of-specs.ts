import type { GroupKind } from '../model/ids.ts';
import { groupKind } from '../model/ids.ts';
import type { KubernetesObject, Spec } from '../model/objects.ts';
import { kindOfObject } from '../model/objects.ts';
import { BUILT_IN_RESOURCES } from './built-in-kinds.ts';
import type { ResourceName } from './rbac-rule.ts';

/** The kinds that specs hold. */
export interface SpecResources {
  readonly known: ReadonlyMap<GroupKind, ResourceName>;
  /** Kinds whose plural name neither Kubernetes nor a spec tells, with an apiVersion that a spec uses. */
  readonly unknown: ReadonlyMap<GroupKind, string>;
}

/** Every kind of the specs with its resource name: a built-in one, or one that a CustomResourceDefinition among the specs defines. */
export function resourcesOfSpecs(specs: Iterable<Spec>): SpecResources {
  const objects = [...specs].flatMap((spec) => spec.objects.map(({ object }) => object));
  const defined = new Map(objects.flatMap(definedBy));
  const known = new Map<GroupKind, ResourceName>();
  const unknown = new Map<GroupKind, string>();
  for (const object of objects) {
    const kind = kindOfObject(object);
    const name = BUILT_IN_RESOURCES.get(kind) ?? defined.get(kind);
    if (name === undefined) unknown.set(kind, object.apiVersion);
    else known.set(kind, name);
  }
  return { known, unknown };
}

/** What a CustomResourceDefinition defines; nothing for any other object. */
function definedBy(object: KubernetesObject): readonly (readonly [GroupKind, ResourceName])[] {
  if (kindOfObject(object) !== groupKind('apiextensions.k8s.io', 'CustomResourceDefinition')) return [];
  const { group, names } = member(object['spec']);
  const { kind, plural } = member(names);
  if (typeof group !== 'string' || typeof kind !== 'string' || typeof plural !== 'string') return [];
  return [[groupKind(group, kind), { group, plural }]];
}

const member = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
