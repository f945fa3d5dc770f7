import type { Problem } from '../../shared/problem.ts';
import { readDependencies } from '../desired/dependencies.ts';
import type { SpecId } from '../model/ids.ts';
import { groupKindOf, NAMESPACE_KIND, objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { Spec } from '../model/objects.ts';
import { readSettings } from '../spec/read-settings.ts';
import { isService, nameOf, type PlacedObject, specOf } from './placed-object.ts';

/** Namespaces that every cluster has. */
const BUILT_IN: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Objects that several files hold: each but the first by the order of files is told. */
export function checkClaims(objects: readonly PlacedObject[]): readonly Problem[] {
  return [...Map.groupBy(objects, ({ key }) => key)].flatMap(([key, [first, ...others]]) =>
    others
      .filter(({ file }) => file !== first?.file)
      .map((other) => {
        const message = `${objectTitle(key)} stands in ${first?.file ?? ''} too; what is here would be set aside`;
        return other.problemOf({ code: 'SPEC_OBJECT_CONFLICT', path: [], message });
      }),
  );
}

/** Services that want the same Consul service: each but the first by the order of files is told. */
export function checkConsulNames(objects: readonly PlacedObject[]): readonly Problem[] {
  const claims = objects.filter(makesPool).map((object) => ({ object, service: consulServiceOf(object) }));
  return [...Map.groupBy(claims, ({ service }) => service)].flatMap(([service, [first, ...others]]) =>
    others
      .filter(({ object }) => object.key !== first?.object.key)
      .map(({ object }) => {
        const named = object.annotations[SETTINGS.serviceName] !== undefined;
        const path = named ? ['metadata', 'annotations', SETTINGS.serviceName] : ['metadata', 'name'];
        const holder = first === undefined ? '' : `Service ${nameOf(first.object)} in ${first.object.file}`;
        return object.problemOf({ code: 'SPEC_NAME_CONFLICT', path, message: `${holder} takes the Consul service ${service}` });
      }),
  );
}

/** Namespaces that no file makes and that are not `known`, each told once, at its first object. */
export function checkNamespaces(objects: readonly PlacedObject[], known: readonly string[]): readonly Problem[] {
  const made = objects.filter(({ object }) => groupKindOf(object.apiVersion, object.kind) === NAMESPACE_KIND);
  const there = new Set([...BUILT_IN, ...known, ...made.map(({ name }) => name)]);
  return [...Map.groupBy(objects, (object) => object.namespace)].flatMap(([namespace, [first, ...others]]) => {
    if (namespace === '' || there.has(namespace) || first === undefined) return [];
    const more = others.length === 0 ? '' : `, and ${others.length} more objects are to go there`;
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
