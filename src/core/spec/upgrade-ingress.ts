import type { JsonObject, JsonValue } from '../model/objects.ts';
import { asList, asObject, changeAt, without } from './json.ts';

const OLD_BACKEND_FIELDS: ReadonlySet<string> = new Set(['serviceName', 'servicePort']);

/**
 * Rewrites an Ingress of extensions/v1beta1 or networking.k8s.io/v1beta1 for networking.k8s.io/v1: `spec.backend` is called
 * `defaultBackend`, a backend is `service: {name, port: {number | name}}`, and each path has a `pathType`.
 */
export function upgradeIngress(object: JsonObject): { readonly object: JsonObject; readonly changes: readonly string[] } {
  const changes: string[] = [];
  const upgraded = changeAt(object, ['spec'], (spec) => {
    const old = asObject(spec);
    return old === undefined ? spec : upgradeSpec(old, changes);
  });
  return { object: upgraded, changes: [...new Set(changes)] };
}

function upgradeSpec(spec: JsonObject, changes: string[]): JsonObject {
  const backend = spec['backend'];
  const withRules = changeAt(spec, ['rules'], (rules) =>
    mapObjects(rules, (rule) => changeAt(rule, ['http', 'paths'], (paths) => mapObjects(paths, (path) => upgradePath(path, changes)))),
  );
  if (backend === undefined) return withRules;
  changes.push('spec.backend renamed to spec.defaultBackend');
  return { ...without(withRules, new Set(['backend'])), defaultBackend: upgradeBackend(backend, changes) };
}

function upgradePath(path: JsonObject, changes: string[]): JsonObject {
  const upgraded = changeAt(path, ['backend'], (backend) => upgradeBackend(backend, changes));
  if (path['pathType'] !== undefined) return upgraded;
  changes.push('pathType ImplementationSpecific added');
  return { ...upgraded, pathType: 'ImplementationSpecific' };
}

function upgradeBackend(backend: JsonValue, changes: string[]): JsonValue {
  const old = asObject(backend);
  const name = old?.['serviceName'];
  const port = old?.['servicePort'];
  if (old === undefined || (name === undefined && port === undefined)) return backend;
  changes.push('serviceName and servicePort moved under backend.service');
  const service: JsonObject = {
    ...(name === undefined ? {} : { name }),
    ...(port === undefined ? {} : { port: typeof port === 'number' ? { number: port } : { name: port } }),
  };
  return { ...without(old, OLD_BACKEND_FIELDS), service };
}

/** Changes the mappings of a list; anything else stays as it is, for the API server to refuse. */
function mapObjects(list: JsonValue, change: (item: JsonObject) => JsonObject): JsonValue {
  const items = asList(list);
  if (items === undefined) return list;
  return items.map((item) => {
    const mapping = asObject(item);
    return mapping === undefined ? item : change(mapping);
  });
}
