import type { Problem } from '../../shared/problem.ts';
import { readDependencies } from '../desired/dependencies.ts';
import type { SpecId } from '../model/ids.ts';
import { groupKindOf, NAMESPACE_KIND, objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { Spec } from '../model/objects.ts';
import type { Path } from '../spec/places.ts';
import { readSettings } from '../spec/read-settings.ts';
import { isService, type PlacedObject, specOf } from './placed-object.ts';

/** Namespaces that every cluster has. */
const BUILT_IN: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Objects that several files hold: told at each but the first by the order of files, with both places. */
export function checkClaims(objects: readonly PlacedObject[]): readonly Problem[] {
  return [...Map.groupBy(objects, ({ key }) => key)].flatMap(([key, [first, ...others]]) =>
    others.flatMap((other) => {
      if (first === undefined || other.file === first.file) return [];
      const both = `${placeText(first)} and ${placeText(other)} both hold ${objectTitle(key)}`;
      const message = `${both}; while ${first.file} has it, nothing of ${other.file} would be applied`;
      return [other.problemOf({ code: 'SPEC_OBJECT_CONFLICT', path: [], message })];
    }),
  );
}

/**
 * Services that want the same Consul service: told at each but the first by the order of files, with both places. A Service that stands
 * in two files is told as such.
 */
export function checkConsulNames(objects: readonly PlacedObject[]): readonly Problem[] {
  const pools = [...Map.groupBy(objects.filter(makesPool), ({ key }) => key).values()].flatMap(([first]) => first ?? []);
  const claims = pools.map((object) => ({ object, service: consulServiceOf(object) }));
  return [...Map.groupBy(claims, ({ service }) => service)].flatMap(([service, [first, ...others]]) =>
    others.flatMap(({ object }) => {
      if (first === undefined) return [];
      const path = namePath(object);
      const both = `${placeText(first.object, namePath(first.object))} and ${placeText(object, path)} both take the Consul service ${service}`;
      const message = `${both}, for ${objectTitle(first.object.key)} and ${objectTitle(object.key)}; the latter would not be registered`;
      return [object.problemOf({ code: 'SPEC_NAME_CONFLICT', path, message })];
    }),
  );
}

const namePath = ({ annotations }: PlacedObject): Path =>
  annotations[SETTINGS.serviceName] === undefined ? ['metadata', 'name'] : ['metadata', 'annotations', SETTINGS.serviceName];

/** `a.yaml:12`, where something of an object stands. */
function placeText(object: PlacedObject, path: Path = []): string {
  const { where } = object.problemOf({ code: 'SPEC_OBJECT_CONFLICT', path, message: '' });
  return `${object.file}:${where?.line ?? 1}`;
}

/** Namespaces that no file makes and that are not `known`, each told once, at its first object. */
export function checkNamespaces(objects: readonly PlacedObject[], known: readonly string[]): readonly Problem[] {
  const made = objects.filter(({ object }) => groupKindOf(object.apiVersion, object.kind) === NAMESPACE_KIND);
  const there = new Set([...BUILT_IN, ...known, ...made.map(({ name }) => name)]);
  return [...Map.groupBy(objects, (object) => object.namespace)].flatMap(([namespace, [first, ...others]]) => {
    if (namespace === '' || there.has(namespace) || first === undefined) return [];
    const more = others.length === 0 ? '' : `, and ${others.length} more ${others.length === 1 ? 'object is' : 'objects are'} to go there`;
    const message = `the namespace ${namespace} is in no file${more}`;
    return [first.problemOf({ code: 'SPEC_NAMESPACE_UNKNOWN', path: ['metadata', 'namespace'], message })];
  });
}

/**
 * Spec files that objects depend on and that do not exist, and circles. A path counts from the top of the repository, of which only a part
 * may be known.
 */
export function checkDependencies(objects: readonly PlacedObject[], files: readonly string[]): readonly Problem[] {
  const sound = Map.groupBy(
    objects.filter(({ isSound }) => isSound),
    ({ file }) => file,
  );
  const specs = new Map(
    [...sound].map(([id, own]): [SpecId, Spec] => [id, { id, blobId: '', objects: own.map(({ decoded }) => decoded) }]),
  );
  const circles = [...readDependencies({ specs, broken: new Map() }).problems.values()].flat();
  return [...objects.flatMap((object) => missingFiles(object, files)), ...circles.filter(({ code }) => code === 'SPEC_DEPENDENCY_CYCLE')];
}

function missingFiles(object: PlacedObject, files: readonly string[]): readonly Problem[] {
  const text = object.annotations[SETTINGS.dependsOn];
  const wanted = text === undefined ? [] : (readSettings({ [SETTINGS.dependsOn]: text }).settings.dependsOn ?? []);
  return wanted
    .filter((path) => !files.some((file) => `/${file}`.endsWith(`/${path}`) || `/${path}`.endsWith(`/${file}`)))
    .map((path) => {
      const message = `there is no spec file ${path}`;
      return object.problemOf({ code: 'SPEC_DEPENDENCY_MISSING', path: ['metadata', 'annotations', SETTINGS.dependsOn], message });
    });
}

/** True for a Service whose backends are registered in Consul. */
export function makesPool(service: PlacedObject): boolean {
  return isService(service) && specOf(service)['type'] === 'NodePort' && readSettings(service.annotations).settings.register !== false;
}

/** The Consul service of a Service. */
export const consulServiceOf = ({ annotations, name }: PlacedObject): string => readSettings(annotations).settings.serviceName ?? name;
