import type { PoolView } from '../desired/pool-view.ts';
import { isDrainingPort, portsOf } from '../desired/service-ports.ts';
import { hashOf } from '../model/hash.ts';
import { byBytes } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';

/**
 * The Service as it stands under `deployments/`: what consul-template's readers of the ancestor need. Compact, without what
 * changes at every write, and without the entries that only hold an old NodePort open. The annotations are the ones that the
 * tags come from, so that both change in one transaction.
 */
export function deploymentValue({ live, annotations }: PoolView): string {
  return JSON.stringify({
    apiVersion: live.apiVersion,
    kind: live.kind,
    metadata: { name: live.name, namespace: live.namespace, uid: live.uid, labels: live.labels, annotations },
    spec: { ...live.spec, ports: toldPorts(live.spec) },
  });
}

/** True when what is stored tells the same name, type, ports and registration annotations: then it is not rewritten. */
export function sameDeployment(stored: string, { live, annotations }: PoolView): boolean {
  const value = parseEntry(stored);
  if (value === undefined) return false;
  const metadata = (value['metadata'] ?? {}) as JsonObject;
  const told = { ...live.spec, ports: toldPorts(live.spec) };
  return hashOf(essence(metadata['name'], metadata['annotations'], specOf(value))) === hashOf(essence(live.name, annotations, told));
}

/** The NodePorts that an entry tells the agents that read it; none of one that cannot be read. */
export function nodePortsOf(stored: string): readonly number[] {
  const value = parseEntry(stored);
  return value === undefined ? [] : portsOf(specOf(value)).flatMap((port) => (port.nodePort === undefined ? [] : [port.nodePort]));
}

const specOf = (value: JsonObject): JsonObject => (value['spec'] ?? {}) as JsonObject;

function parseEntry(stored: string): JsonObject | undefined {
  try {
    const value = JSON.parse(stored) as JsonValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function toldPorts(spec: JsonObject): readonly JsonObject[] {
  const draining = new Set(portsOf(spec).flatMap((port) => (isDrainingPort(port) ? [port.name] : [])));
  return ((spec['ports'] ?? []) as readonly JsonObject[]).filter(({ name }) => !draining.has(String(name)));
}

function essence(name: JsonValue | undefined, annotations: JsonValue | undefined, spec: JsonObject): JsonValue {
  const registration = Object.entries((annotations ?? {}) as JsonObject).filter(([key]) =>
    /^(traefik\.|tags(\.|$)|poolkeeper\.dev\/)/.test(key),
  );
  return [name ?? null, spec['type'] ?? null, spec['ports'] ?? null, registration.sort(([a], [b]) => byBytes(a, b))];
}
