import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { Finding } from './finding.ts';
import { asList, asObject, typeName, valueAt } from './json.ts';
import type { Path } from './places.ts';
import { containerLists, itemsAt } from './pod-specs.ts';

/** Checks the port numbers of Services and containers, and that a NodePort Service has a port at all. */
export function checkPorts(object: JsonObject): readonly Finding[] {
  const isService = groupKindOf(String(object['apiVersion']), String(object['kind'])) === SERVICE_KIND;
  return [...(isService ? checkService(object) : []), ...containerLists(object).flatMap((keys) => checkContainers(object, keys))];
}

function checkService(service: JsonObject): readonly Finding[] {
  const spec = asObject(service['spec']);
  const ports = spec?.['ports'];
  const path = ['spec', 'ports'];
  if (ports !== undefined && asList(ports) === undefined) {
    return [{ code: 'SPEC_INVALID_FIELD', path, message: `ports must be a list, not ${typeName(ports)}` }];
  }
  if (spec?.['type'] === 'NodePort' && (asList(ports) ?? []).length === 0) {
    return [{ code: 'SPEC_MISSING_FIELD', path, message: 'a Service of type NodePort needs at least one port' }];
  }
  return itemsAt(service, path).flatMap(({ item, path: at }) => [
    ...checkPort(item, 'port', { path: at, required: true }),
    ...checkPort(item, 'nodePort', { path: at }),
    ...(typeof item['targetPort'] === 'string' ? [] : checkPort(item, 'targetPort', { path: at })),
  ]);
}

function checkContainers(object: JsonObject, keys: readonly string[]): readonly Finding[] {
  return itemsAt(object, keys).flatMap(({ item: container, path }) =>
    itemsAt(container, ['ports']).flatMap(({ item, path: inner }) => {
      const at = [...path, ...inner];
      return [...checkPort(item, 'containerPort', { path: at, required: true }), ...checkPort(item, 'hostPort', { path: at })];
    }),
  );
}

function checkPort(item: JsonObject, field: string, { path, required = false }: { path: Path; required?: boolean }): readonly Finding[] {
  const value = valueAt(item, [field]);
  const at = [...path, field];
  if (value === undefined) return required ? [{ code: 'SPEC_MISSING_FIELD', path: at, message: `${field} is missing` }] : [];
  if (isPort(value)) return [];
  const shown = typeof value === 'number' || typeof value === 'string' ? JSON.stringify(value).slice(0, 20) : typeName(value);
  const remedy = typeof value === 'string' && isPort(Number(value)) ? { remedy: 'Write it without quotes.' } : {};
  return [{ code: 'SPEC_INVALID_FIELD', path: at, message: `${field} must be a whole number from 1 to 65535, not ${shown}`, ...remedy }];
}

const isPort = (value: JsonValue): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
