import type { FieldsV1, JsonObject, JsonValue, KubernetesObject, LiveObject } from '../model/objects.ts';

/** One entry of a Service's `spec.ports`. */
export interface ServicePort {
  /** Empty for an unnamed port. */
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly targetPort?: JsonValue;
  readonly nodePort?: number;
}

/** The NodePorts that must stay open: some, or every one that is open now because nobody can tell what is in use. */
export type PortUse = ReadonlySet<number> | 'all';

const DRAINING_SUFFIX = '-draining';

/** True for the entry that holds a NodePort open until nobody uses it any more. */
export const isDrainingPort = (port: ServicePort): boolean => port.name.endsWith(DRAINING_SUFFIX);

/** The ports of a Service's spec, as written or as read. Entries without a port number are passed over. */
export function portsOf(spec: JsonObject): readonly ServicePort[] {
  const list = Array.isArray(spec['ports']) ? (spec['ports'] as readonly JsonObject[]) : [];
  return list.flatMap((entry) => {
    const { port, name, protocol, targetPort, nodePort } = entry;
    if (typeof port !== 'number') return [];
    return [
      {
        name: typeof name === 'string' ? name : '',
        port,
        protocol: typeof protocol === 'string' ? protocol : 'TCP',
        ...(targetPort === undefined ? {} : { targetPort }),
        ...(typeof nodePort === 'number' ? { nodePort } : {}),
      },
    ];
  });
}

/**
 * The Service to send so that no NodePort in `use` closes (design section 5): wanted entries keep their NodePort where the
 * spec states none, and every NodePort in use that no wanted entry holds gets an entry `<name>-draining` with the same target.
 * kube-proxy closes a NodePort at once when its entry goes, and the number may be given to another Service.
 * Stable: the result for what this function made itself is the same again.
 */
export function withOpenPorts(object: KubernetesObject, live: LiveObject | undefined, use: PortUse): KubernetesObject {
  const spec = object['spec'] as JsonObject | undefined;
  if (live === undefined || spec === undefined || spec['type'] !== 'NodePort' || live.spec['type'] !== 'NodePort') return object;
  const before = portsOf(live.spec);
  const written = spec['ports'] as readonly JsonObject[];
  const wanted = portsOf(spec).map((port) => keepNodePort(port, before, live.ourFields));
  const held = new Set(wanted.map((port) => port.nodePort ?? sameEntry(before, port)?.nodePort));
  const closing = before.filter((port) => live.ourFields === undefined || isOurPort(live, port));
  const draining = closing.filter((port) => port.nodePort !== undefined && !held.has(port.nodePort) && inUse(use, port.nodePort));
  const entries = drainingEntries(draining, [...wanted, ...before]);
  const named = wanted.map((port) => keepName(port, before, entries.length + wanted.length > 1));
  const merged = named.map((port, i) => ({
    ...written[i],
    ...(port.name === '' ? {} : { name: port.name }),
    ...(port.nodePort === undefined ? {} : { nodePort: port.nodePort }),
  }));
  return { ...object, spec: { ...spec, ports: [...merged, ...entries.map((entry) => ({ ...entry }))] } };
}

/**
 * The Service to create again with the NodePorts that it had, where the spec states none: whoever still knows it by them finds it
 * there, and its registrations come back as they were. It asks for them; whether they are still free is the API server's to say.
 */
export function withFormerNodePorts(object: KubernetesObject, former: LiveObject | undefined): KubernetesObject {
  const spec = object['spec'] as JsonObject | undefined;
  if (former === undefined || spec?.['type'] !== 'NodePort' || former.spec['type'] !== 'NodePort') return object;
  const before = portsOf(former.spec).filter((port) => !isDrainingPort(port));
  const taken = new Set(portsOf(spec).map(({ nodePort }) => nodePort));
  const ports = (spec['ports'] as readonly JsonObject[]).map((written) => {
    const [port] = portsOf({ ports: [written] });
    const nodePort = port?.nodePort === undefined && port !== undefined ? sameEntry(before, port)?.nodePort : undefined;
    return nodePort === undefined || taken.has(nodePort) ? written : { ...written, nodePort };
  });
  return { ...object, spec: { ...spec, ports } };
}

/** The live NodePorts that a change away from type NodePort would close although they are in use. */
export function portsClosedByTypeChange(object: KubernetesObject, live: LiveObject | undefined, use: PortUse): readonly number[] {
  const spec = object['spec'] as JsonObject | undefined;
  if (live?.spec['type'] !== 'NodePort' || spec?.['type'] === 'NodePort') return [];
  return portsOf(live.spec).flatMap((port) => (port.nodePort !== undefined && inUse(use, port.nodePort) ? [port.nodePort] : []));
}

const inUse = (use: PortUse, nodePort: number): boolean => use === 'all' || use.has(nodePort);
const sameEntry = (ports: readonly ServicePort[], port: ServicePort): ServicePort | undefined =>
  ports.find((other) => other.port === port.port && other.protocol === port.protocol);

/** The spec's NodePort; else the live one where leaving it out would lose it: we own the field, or the entry's key changes. */
function keepNodePort(port: ServicePort, before: readonly ServicePort[], ours: FieldsV1 | undefined): ServicePort {
  if (port.nodePort !== undefined) return port;
  const same = sameEntry(before, port);
  const source = same === undefined ? before.find((other) => other.name === port.name && !isDrainingPort(other)) : same;
  if (source?.nodePort === undefined) return port;
  return same === undefined || entryOf(ours, same)?.['f:nodePort'] !== undefined ? { ...port, nodePort: source.nodePort } : port;
}

/** Several entries must all be named; and a name that we once gave stays, since a renamed port has no endpoints for a moment. */
function keepName(port: ServicePort, before: readonly ServicePort[], several: boolean): ServicePort {
  if (port.name !== '') return port;
  const known = sameEntry(before, port)?.name ?? '';
  if (known !== '') return { ...port, name: known };
  return several ? { ...port, name: `port-${port.port}` } : port;
}

const entryOf = (ours: FieldsV1 | undefined, { port, protocol }: ServicePort): FieldsV1 | undefined =>
  ours?.['f:spec']?.['f:ports']?.[`k:${JSON.stringify({ port, protocol })}`];

/** True for an entry that our apply holds: an apply without it takes it away. Those that others have added stay by themselves. */
export const isOurPort = (live: LiveObject, port: ServicePort): boolean => entryOf(live.ourFields, port) !== undefined;

/** One entry for each NodePort that must stay open: the one that holds it already if that is a draining one, else a new one. */
function drainingEntries(ports: readonly ServicePort[], all: readonly ServicePort[]): readonly ServicePort[] {
  const numbers = new Set(all.map((port) => port.port));
  const names = new Set(all.map((port) => port.name));
  return ports.map((port) => {
    if (isDrainingPort(port)) return port;
    const name = unused(`${(port.name === '' ? `port-${port.port}` : port.name).slice(0, 50)}${DRAINING_SUFFIX}`, names);
    let free = port.nodePort ?? port.port;
    while (numbers.has(free)) free = free >= 65535 ? 1 : free + 1;
    numbers.add(free);
    return { ...port, name, port: free };
  });
}

/** `web-draining`, or `2-web-draining` when that is taken: the suffix marks the entry. */
function unused(name: string, taken: Set<string>): string {
  let result = name;
  for (let i = 2; taken.has(result); i++) result = `${i}-${name}`;
  taken.add(result);
  return result;
}
