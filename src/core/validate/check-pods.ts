import type { Problem } from '../../shared/problem.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import { nearest } from '../spec/did-you-mean.ts';
import { asObject, valueAt } from '../spec/json.ts';
import { containerLists, itemsAt } from '../spec/pod-specs.ts';
import { isService, nameOf, type PlacedObject, specOf } from './placed-object.ts';

/** What a workload makes, as far as Services ask for it. */
interface Pods {
  readonly workload: PlacedObject;
  readonly labels: JsonObject;
  readonly ports: readonly JsonObject[];
}

/**
 * Services that select no pods that any file makes, and ports of Services that no container of theirs has. Of a Service in whose file
 * there are no pods at all, nothing is said unless all files are known (`isWhole`). Objects of custom kinds may make pods with any labels:
 * of a Service in whose namespace there are some, it is not said that it selects nothing.
 */
export function checkPods(objects: readonly PlacedObject[], isWhole: boolean): readonly Problem[] {
  const byNamespace = Map.groupBy(objects.flatMap(podsOf), ({ workload }) => workload.namespace);
  const mayHaveMore = new Set(objects.filter(isCustom).map(({ namespace }) => namespace));
  return objects.filter(isService).flatMap((service) => {
    const wanted = Object.entries(asObject(specOf(service)['selector']) ?? {});
    if (wanted.length === 0) return [];
    const near = byNamespace.get(service.namespace) ?? [];
    const selected = near.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
    if (selected.length > 0) return checkTargets(service, selected);
    if (mayHaveMore.has(service.namespace)) return [];
    const mayTell = isWhole || near.some(({ workload }) => workload.file === service.file);
    return mayTell ? [selectsNothing(service, near)] : [];
  });
}

/** The groups of Kubernetes itself have no dot, or end in `.k8s.io`. */
function isCustom({ object: { apiVersion } }: PlacedObject): boolean {
  const [group = ''] = apiVersion.split('/');
  return group.includes('.') && !group.endsWith('.k8s.io');
}

function selectsNothing(service: PlacedObject, near: readonly Pods[]): Problem {
  const own = near.find(({ workload }) => workload.file === service.file);
  const hint = own === undefined ? '' : `; those of ${own.workload.object.kind} ${nameOf(own.workload)} are ${labelText(own.labels)}`;
  const message = `Service ${nameOf(service)} selects no pods: no pod template has all of these labels${hint}`;
  return service.problemOf({ code: 'SPEC_SELECTS_NOTHING', path: ['spec', 'selector'], message });
}

const labelText = (labels: JsonObject): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ') || 'none';

/** A name must be there; a number need not be written, but where others are, one that is not is most likely wrong. */
function checkTargets(service: PlacedObject, selected: readonly Pods[]): readonly Problem[] {
  return itemsAt(service.written, ['spec', 'ports']).flatMap(({ item, path }) => {
    const target = item['targetPort'] ?? item['port'];
    const protocol = item['protocol'] ?? 'TCP';
    const isThere = ({ ports }: Pods): boolean =>
      ports.some(
        (port) => (port['protocol'] ?? 'TCP') === protocol && (port['name'] === target || isSameNumber(port['containerPort'], target)),
      );
    if (target === undefined || selected.some(isThere) || isMisspelt(item)) return [];
    if (typeof target === 'number' && selected.some(({ ports }) => ports.length === 0)) return [];
    const at = [...path, item['targetPort'] === undefined ? 'port' : 'targetPort'];
    const message = `no container that Service ${nameOf(service)} selects has the ${String(protocol)} port ${String(target)}; they have ${portText(selected)}`;
    const severity = typeof target === 'number' ? ({ severity: 'warning' } as const) : {};
    return [service.problemOf({ code: 'SPEC_TARGET_PORT_MISSING', path: at, message, ...severity })];
  });
}

/** A number in quotes is told by the schema. */
const isSameNumber = (one: JsonValue | undefined, other: JsonValue | undefined): boolean =>
  one !== undefined && typeof other === 'number' && String(one) === String(other);

/** Whether the target stands under a name that does not exist, which is told by the schema. */
const isMisspelt = (port: JsonObject): boolean =>
  port['targetPort'] === undefined && Object.keys(port).some((key) => nearest(key, ['targetPort']) !== undefined);

const portText = (selected: readonly Pods[]): string =>
  selected
    .flatMap(({ ports }) => ports.map((port) => [port['name'], port['containerPort']].filter((part) => part !== undefined).join(' ')))
    .join(', ') || 'none';

function podsOf(workload: PlacedObject): readonly Pods[] {
  const lists = containerLists(workload.written);
  const [first] = lists;
  if (first === undefined) return [];
  const labels = asObject(valueAt(workload.written, [...first.slice(0, -2), 'metadata', 'labels'])) ?? {};
  const ports = lists
    .flatMap((keys) => itemsAt(workload.written, keys))
    .flatMap(({ item }) => itemsAt(item, ['ports']))
    .map(({ item }): Readonly<Record<string, JsonValue>> => item);
  return [{ workload, labels, ports }];
}
