import { describe, expect, it } from 'vitest';
import { allocateService, carryAllocations } from '../../../src/sandbox/kubernetes/allocate-service.ts';
import type { Service, ServicePort } from '../../../src/sandbox/kubernetes/api-object.ts';

const port = (number: number, name: string, nodePort?: number): ServicePort => ({
  port: number,
  name,
  protocol: 'TCP',
  ...(nodePort && { nodePort }),
});
const service = (uid: string, ports: ServicePort[], spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: uid, uid },
  spec: { type: 'NodePort', ports, ...spec },
});
const nodePorts = (one: Service): (number | undefined)[] => (one.spec.ports ?? []).map((entry) => entry.nodePort);
const range = [30_000, 30_002] as const;

describe('allocating', () => {
  it('takes the lowest free NodePorts and a cluster IP of its own', () => {
    const other = service('other', [port(80, 'a', 30_000)], { clusterIP: '10.96.0.10' });
    const next = service('next', [port(80, 'a'), port(81, 'b')]);
    allocateService(next, [other], range);
    expect(nodePorts(next)).toEqual([30_001, 30_002]);
    expect(next.spec).toMatchObject({ clusterIP: '10.96.0.11', clusterIPs: ['10.96.0.11'] });
  });

  it.each([
    ['another Service has', 30_000, 'spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated'],
    ['is outside the range', 31_000, 'provided port is not in the valid range. The range of valid ports is 30000-30002'],
  ])('refuses a NodePort that %s', (_, number, message) => {
    const other = service('other', [port(80, 'a', 30_000)]);
    expect(() => allocateService(service('next', [port(80, 'a', number)]), [other], range)).toThrow(message);
  });

  it('refuses the same NodePort twice in one Service, and a full range', () => {
    expect(() => allocateService(service('next', [port(80, 'a', 30_000), port(81, 'b', 30_000)]), [], range)).toThrow('already allocated');
    const four = [1, 2, 3, 4].map((number) => port(number, `p${number}`));
    expect(() => allocateService(service('next', four), [], range)).toThrow('range is full');
  });

  it('lets a Service move its NodePort to another of its ports', () => {
    const live = service('web', [port(80, 'web', 30_000)]);
    const next = service('web', [port(80, 'web', 30_001), port(65_000, 'web-draining', 30_000)]);
    allocateService(next, [live], range);
    expect(nodePorts(next)).toEqual([30_001, 30_000]);
  });

  it('gives a freed number away at once', () => {
    const next = service('next', [port(80, 'a')]);
    allocateService(next, [service('other', [port(80, 'a', 30_001)])], range);
    expect(nodePorts(next)).toEqual([30_000]);
  });
});

describe('carrying over', () => {
  it('follows the name of the port, not its number', () => {
    const next = service('web', [port(8080, 'a'), port(81, 'new')]);
    carryAllocations(next, service('web', [port(80, 'a', 30_000), port(81, 'b', 30_001)], { clusterIP: '10.96.0.10' }));
    expect(nodePorts(next)).toEqual([30_000, undefined]);
    expect(next.spec.clusterIP).toBe('10.96.0.10');
  });

  it('does not give a number to one port that another has taken', () => {
    const next = service('web', [port(80, 'a'), port(81, 'b', 30_000)]);
    carryAllocations(next, service('web', [port(80, 'a', 30_000)]));
    expect(nodePorts(next)).toEqual([undefined, 30_000]);
  });

  it('releases the NodePorts when the type changes', () => {
    const next = service('web', [port(80, 'a', 30_000)], { type: 'ClusterIP', externalTrafficPolicy: 'Cluster' });
    carryAllocations(next, service('web', [port(80, 'a', 30_000)], { externalTrafficPolicy: 'Cluster' }));
    expect(next.spec).toEqual({ type: 'ClusterIP', ports: [port(80, 'a')] });
  });
});
