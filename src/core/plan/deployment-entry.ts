import type { PoolView } from '../desired/pool-view.ts';
import { isDrainingPort, portsOf } from '../desired/service-ports.ts';
import { hashOf } from '../model/hash.ts';
import type { NodeName } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import { AGENTS_ANNOTATION, NOBODY, parseObject, toldText } from '../model/told-agents.ts';

/** What an entry is to tell agents. */
export interface EntryAgents {
  /** The nodes whose agents register the pool; none: the catalog has it. */
  readonly nodes: readonly NodeName[];
  /** The tags that they register; those of the view unless told. */
  readonly tags?: readonly string[];
}

/**
 * The Service as it stands under `deployments/`: what consul-template's readers of the ancestor need, and an annotation for ours.
 * Compact, without what changes at every write, and without the entries that only hold an old NodePort open. The annotations are
 * the ones that the tags come from, so that both change in one transaction.
 */
export function deploymentValue(view: PoolView, agents: EntryAgents): string {
  const { live } = view;
  return JSON.stringify({
    apiVersion: live.apiVersion,
    kind: live.kind,
    metadata: {
      name: live.name,
      namespace: live.namespace,
      uid: live.uid,
      labels: live.labels,
      annotations: toldAnnotations(view, agents),
    },
    spec: { ...live.spec, ports: toldPorts(view) },
  });
}

/** A stored entry that tells nobody to register it any more. */
export function untoldValue(stored: string): string {
  const value = parseObject(stored) ?? {};
  const metadata = (value['metadata'] ?? {}) as JsonObject;
  const annotations = { ...(metadata['annotations'] as JsonObject | undefined), [AGENTS_ANNOTATION]: NOBODY };
  return JSON.stringify({ ...value, metadata: { ...metadata, annotations } });
}

function toldAnnotations({ annotations, service, nodePort, tags }: PoolView, agents: EntryAgents): Readonly<Record<string, string>> {
  const told = toldText({ service, port: nodePort ?? 0, tags: agents.tags ?? tags, nodes: [...agents.nodes].sort(byBytes) });
  return { ...annotations, [AGENTS_ANNOTATION]: told };
}

/** True when what is stored tells the same name, type, ports and registration annotations: then it is not rewritten. */
export function sameDeployment(stored: string, view: PoolView, agents: EntryAgents): boolean {
  const value = parseObject(stored);
  if (value === undefined) return false;
  const metadata = (value['metadata'] ?? {}) as JsonObject;
  const told = essence(view.live.name, toldAnnotations(view, agents), { ...view.live.spec, ports: toldPorts(view) });
  return hashOf(essence(metadata['name'], metadata['annotations'], specOf(value))) === hashOf(told);
}

/** The NodePorts that an entry tells the agents that read it; none of one that cannot be read. */
export function nodePortsOf(stored: string): readonly number[] {
  const value = parseObject(stored);
  return value === undefined ? [] : portsOf(specOf(value)).flatMap((port) => (port.nodePort === undefined ? [] : [port.nodePort]));
}

const specOf = (value: JsonObject): JsonObject => (value['spec'] ?? {}) as JsonObject;

/** Without those that drain, and the one that is registered first: readers of the ancestor take the first. */
function toldPorts({ live: { spec }, nodePort }: PoolView): readonly JsonObject[] {
  const draining = new Set(portsOf(spec).flatMap((port) => (isDrainingPort(port) ? [port.name] : [])));
  const wanted = ((spec['ports'] ?? []) as readonly JsonObject[]).filter(({ name }) => !draining.has(String(name)));
  const isRegistered = (port: JsonObject): boolean => port['nodePort'] === nodePort;
  return [...wanted.filter(isRegistered), ...wanted.filter((port) => !isRegistered(port))];
}

function essence(name: JsonValue | undefined, annotations: JsonValue | undefined, spec: JsonObject): JsonValue {
  const registration = Object.entries((annotations ?? {}) as JsonObject).filter(([key]) =>
    /^(traefik\.|tags(\.|$)|poolkeeper\.dev\/)/.test(key),
  );
  return [name ?? null, spec['type'] ?? null, spec['ports'] ?? null, registration.sort(([a], [b]) => byBytes(a, b))];
}
