import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portsClosedByTypeChange, portsOf, withOpenPorts } from '../../../../src/core/desired/service-ports.ts';
import type { JsonObject, KubernetesObject } from '../../../../src/core/model/objects.ts';
import { liveOf, service } from '../../../support/builders.ts';

const svc = (...ports: readonly Record<string, unknown>[]): KubernetesObject => service('web', { spec: { ports } });
const http = { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 };
const sent = (object: KubernetesObject): readonly Record<string, unknown>[] =>
  (object['spec'] as JsonObject)['ports'] as readonly Record<string, unknown>[];
/** Live Service whose NodePorts the server gave, so that we do not own them. */
const allocated = (...ports: readonly Record<string, unknown>[]): ReturnType<typeof liveOf> => {
  const bare = ports.map(({ nodePort: _given, ...rest }) => rest);
  return { ...liveOf(svc(...bare)), spec: svc(...ports)['spec'] as JsonObject };
};

describe('withOpenPorts', () => {
  it('changes nothing when nothing would close', () => {
    const live = allocated({ ...http, nodePort: 30_080 });
    expect(sent(withOpenPorts(svc(http), live, new Set([30_080])))).toEqual([http]);
    expect(withOpenPorts(svc(http), undefined, new Set())).toEqual(svc(http));
  });

  it('holds the old NodePort open by an entry of its own, with the same target', () => {
    const live = allocated({ ...http, nodePort: 30_080 });
    const next = withOpenPorts(svc({ ...http, nodePort: 31_000 }), live, new Set([30_080]));
    expect(sent(next)).toEqual([
      { ...http, nodePort: 31_000 },
      { name: 'http-draining', port: 30_080, protocol: 'TCP', targetPort: 8080, nodePort: 30_080 },
    ]);
    const again = withOpenPorts(svc({ ...http, nodePort: 31_000 }), liveOf(next), new Set([30_080]));
    expect(sent(again)).toEqual(sent(next));
    expect(sent(withOpenPorts(svc({ ...http, nodePort: 31_000 }), liveOf(next), new Set()))).toEqual([{ ...http, nodePort: 31_000 }]);
  });

  it('keeps the NodePort when the entry gets another port number', () => {
    const live = allocated({ ...http, nodePort: 30_080 });
    expect(sent(withOpenPorts(svc({ ...http, port: 81 }), live, new Set([30_080])))).toEqual([{ ...http, port: 81, nodePort: 30_080 }]);
  });

  it('keeps sending a NodePort that only we own when the spec no longer states it', () => {
    const live = liveOf(svc({ ...http, nodePort: 30_080 }));
    expect(sent(withOpenPorts(svc(http), live, new Set([30_080])))).toEqual([{ ...http, nodePort: 30_080 }]);
  });

  it('names an unnamed port when a second entry joins it, and keeps the name afterwards', () => {
    const bare = { port: 80, protocol: 'TCP', targetPort: 8080 };
    const live = allocated({ ...bare, nodePort: 30_080 });
    const next = withOpenPorts(svc({ ...bare, nodePort: 31_000 }), live, new Set([30_080]));
    expect(sent(next).map((port) => port['name'])).toEqual(['port-80', 'port-80-draining']);
    expect(sent(withOpenPorts(svc({ ...bare, nodePort: 31_000 }), liveOf(next), new Set())).map((port) => port['name'])).toEqual([
      'port-80',
    ]);
  });

  it('keeps every NodePort when nobody can tell which are in use', () => {
    const live = allocated({ ...http, nodePort: 30_080 }, { name: 'old', port: 90, protocol: 'TCP', nodePort: 30_090 });
    expect(sent(withOpenPorts(svc(http), live, 'all')).map((port) => port['nodePort'])).toEqual([undefined, 30_090]);
    expect(sent(withOpenPorts(svc(http), live, new Set([1])))).toHaveLength(1);
  });

  it('never closes a NodePort in use, needs no second step, and gives every entry its own number and name', () => {
    const port = fc.record({
      port: fc.integer({ min: 1, max: 12 }),
      nodePort: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    });
    const list = fc.uniqueArray(port, { selector: (p) => p.port, minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, list, fc.uniqueArray(fc.integer({ min: 1, max: 12 })), (wanted, before, inUse) => {
        const distinct = (ports: typeof wanted): boolean => new Set(ports.map((p) => p.nodePort)).size === ports.length;
        fc.pre(distinct(wanted) && distinct(before) && before.every((p) => p.nodePort !== undefined));
        const named = (ports: typeof wanted): readonly Record<string, unknown>[] =>
          ports.map((p) => ({ ...p, name: `p${p.port}`, protocol: 'TCP' }));
        const live = allocated(...named(before));
        const use = new Set(inUse);
        const next = withOpenPorts(svc(...named(wanted)), live, use);
        const ports = portsOf(next['spec'] as JsonObject);
        const kept = new Set(ports.map((p) => p.nodePort ?? before.find((b) => b.port === p.port)?.nodePort));
        for (const old of before) if (use.has(old.nodePort ?? 0)) expect(kept.has(old.nodePort)).toBe(true);
        expect(new Set(ports.map((p) => p.port)).size).toBe(ports.length);
        expect(new Set(ports.map((p) => p.name)).size).toBe(ports.length);
      }),
    );
  });
});

describe('portsClosedByTypeChange', () => {
  it('names the NodePorts in use that the new type would close', () => {
    const live = allocated({ ...http, nodePort: 30_080 });
    const plain = service('web', { spec: { type: 'ClusterIP', ports: [http] } });
    expect(portsClosedByTypeChange(plain, live, new Set([30_080]))).toEqual([30_080]);
    expect(portsClosedByTypeChange(plain, live, new Set())).toEqual([]);
    expect(portsClosedByTypeChange(svc(http), live, 'all')).toEqual([]);
  });
});
