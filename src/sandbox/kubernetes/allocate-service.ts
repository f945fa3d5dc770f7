import { internalError, invalid } from './api-error.ts';
import type { ApiObject, Service } from './api-object.ts';
import { resourceType } from './resource-types.ts';

/** First and last NodePort, inclusive. */
export type NodePortRange = readonly [number, number];

const usesNodePorts = ({ spec }: Service): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';
const usesClusterIp = ({ spec }: Service): boolean => spec.type !== 'ExternalName';
const nodePortsOf = ({ spec }: Service): readonly number[] => (spec.ports ?? []).flatMap((port) => port.nodePort ?? []);

/**
 * Carries over what the server once allocated and the writer left out: the cluster IP, and the NodePort of the port with the
 * same name unless another port has taken it. Drops what the new type does not use. Changes `next`. The rules are those of
 * patchAllocatedValues and dropTypeDependentFields of the API server.
 */
export function carryAllocations(next: Service, live: Service): void {
  const ports = next.spec.ports ?? [];
  if (usesClusterIp(live) && usesClusterIp(next)) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) next.spec[field] ??= live.spec[field];
  } else if (!usesClusterIp(next) && next.spec.clusterIP === live.spec.clusterIP) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete next.spec[field];
  }
  if (usesNodePorts(live) && usesNodePorts(next)) {
    const kept = nodePortsOf(next).filter((number) => nodePortsOf(live).includes(number));
    for (const port of ports.filter((unset) => unset.nodePort === undefined)) {
      const before = (live.spec.ports ?? []).find((old) => old.name === port.name)?.nodePort;
      if (before !== undefined && !kept.includes(before)) port.nodePort = before;
    }
  } else if (usesNodePorts(live) && !usesNodePorts(next)) {
    if (nodePortsOf(next).every((number) => nodePortsOf(live).includes(number))) for (const port of ports) delete port.nodePort;
    if (next.spec.externalTrafficPolicy === live.spec.externalTrafficPolicy) delete next.spec.externalTrafficPolicy;
  }
}

/**
 * Gives a Service its cluster IP and NodePorts: the lowest free ones. What is taken is read from the other Services, so a
 * number is free as soon as its Service lets go. 422 for a NodePort outside the range or taken. Changes `next`.
 */
export function allocateService(next: Service, services: readonly ApiObject[], range: NodePortRange): void {
  const others = services.filter((other) => other.metadata.uid !== next.metadata.uid) as Service[];
  if (usesClusterIp(next) && next.spec.clusterIP === undefined) next.spec.clusterIP = freeAddress(others);
  if (next.spec.clusterIP !== undefined) {
    next.spec['clusterIPs'] ??= [next.spec.clusterIP];
    next.spec['ipFamilies'] ??= ['IPv4'];
    next.spec['ipFamilyPolicy'] ??= 'SingleStack';
  }
  if (!usesNodePorts(next)) return;
  const taken = new Set(others.flatMap(nodePortsOf));
  const before = services.find((service) => service.metadata.uid === next.metadata.uid) as Service | undefined;
  const mine = new Set(before === undefined ? [] : nodePortsOf(before));
  const claimed = new Set<string>();
  (next.spec.ports ?? []).forEach((port, index) => {
    const refuse = (why: string): Error => {
      const field = `spec.ports[${index}].nodePort`;
      const cause = { reason: 'FieldValueInvalid', message: `Invalid value: ${port.nodePort}: ${why}`, field };
      return invalid(resourceType('services'), next.metadata.name, [cause]);
    };
    if (port.nodePort !== undefined && (port.nodePort < range[0] || port.nodePort > range[1])) {
      throw refuse(`provided port is not in the valid range. The range of valid ports is ${range[0]}-${range[1]}`);
    }
    if (port.nodePort !== undefined && !mine.has(port.nodePort) && taken.has(port.nodePort))
      throw refuse('provided port is already allocated');
    port.nodePort ??= freePort(range, new Set([...taken, ...mine, ...nodePortsOf(next)]));
    if (claimed.has(`${port.protocol} ${port.nodePort}`)) {
      if (before === undefined) throw refuse('provided port is already allocated');
      throw internalError(`duplicate nodePort: {${port.protocol} ${port.nodePort}}`);
    }
    claimed.add(`${port.protocol} ${port.nodePort}`);
  });
}

function freePort([first, last]: NodePortRange, taken: ReadonlySet<number>): number {
  for (let port = first; port <= last; port++) if (!taken.has(port)) return port;
  throw internalError('failed to allocate a nodePort: range is full');
}

function freeAddress(services: readonly Service[]): string {
  const taken = new Set(services.map((service) => service.spec.clusterIP));
  for (let host = 10; ; host++) {
    const address = `10.96.${host >> 8}.${host & 255}`;
    if (!taken.has(address)) return address;
  }
}
