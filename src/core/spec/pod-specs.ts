import type { JsonObject } from '../model/objects.ts';
import { asList, asObject, valueAt } from './json.ts';
import type { Path } from './places.ts';

const IN_TEMPLATE = ['spec', 'template', 'spec'];

/** Where each kind of Kubernetes keeps its pod spec. */
const POD_SPECS: ReadonlyMap<string, readonly string[]> = new Map([
  ['v1/Pod', ['spec']],
  ['v1/PodTemplate', ['template', 'spec']],
  ['v1/ReplicationController', IN_TEMPLATE],
  ['apps/v1/DaemonSet', IN_TEMPLATE],
  ['apps/v1/Deployment', IN_TEMPLATE],
  ['apps/v1/ReplicaSet', IN_TEMPLATE],
  ['apps/v1/StatefulSet', IN_TEMPLATE],
  ['batch/v1/Job', IN_TEMPLATE],
  ['batch/v1/CronJob', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
]);

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'];

/** The keys that lead to each list of containers that the object's kind has. */
export function containerLists(object: JsonObject): readonly (readonly string[])[] {
  const podSpec = POD_SPECS.get(`${String(object['apiVersion'])}/${String(object['kind'])}`);
  return podSpec === undefined ? [] : CONTAINER_LISTS.map((list) => [...podSpec, list]);
}

/** Every mapping in the list at `keys`, with the path to it; nothing when there is no such list. */
export function itemsAt(object: JsonObject, keys: readonly string[]): readonly { readonly item: JsonObject; readonly path: Path }[] {
  return (asList(valueAt(object, keys)) ?? []).flatMap((value, index) => {
    const item = asObject(value);
    return item === undefined ? [] : [{ item, path: [...keys, index] }];
  });
}
