import { describe, expect, it } from 'vitest';
import { decodeSlice, joinSlices } from '../../../../src/adapters/kubernetes/endpoint-facts.ts';
import { EndpointIndex } from '../../../../src/adapters/kubernetes/endpoint-index.ts';
import { poolKey } from '../../../../src/core/model/ids.ts';

describe('endpoints', () => {
  const slice = (endpoints: readonly object[], ports: readonly object[] | null = [{ name: 'http' }]) =>
    decodeSlice({ metadata: { namespace: 'prod', name: 's', labels: { 'kubernetes.io/service-name': 'web' } }, endpoints, ports });
  const pool = poolKey('prod', 'web');
  const pod = (uid: string, node: string, conditions: object = {}) => ({
    addresses: [`ip-${uid}`],
    targetRef: { uid },
    nodeName: node,
    conditions,
  });

  it('belong to no pool without the label of a Service', () => {
    expect(decodeSlice({ metadata: { namespace: 'prod', name: 's' }, endpoints: [pod('a', 'n1')] }).pool).toBeUndefined();
  });

  it.each([
    [{}, 1],
    [{ ready: true }, 1],
    [{ ready: null }, 1],
    [{ ready: false }, 0],
    [{ ready: false, serving: true, terminating: true }, 0],
  ])('with the conditions %j are ready: %i', (conditions, count) => {
    expect(joinSlices(pool, [slice([pod('a', 'n1', conditions)])]).ready).toBe(count);
  });

  it('count once though they stand in two slices, by pod or else by address', () => {
    const ipv6 = { addresses: ['fd00::1'], targetRef: { uid: 'a' }, nodeName: 'n1' };
    const external = { addresses: ['192.0.2.1'] };
    const facts = joinSlices(pool, [slice([pod('a', 'n1'), external]), slice([ipv6, external, pod('b', 'n2')])]);
    expect(facts).toEqual({ pool, ready: 3, readyNodes: ['n1', 'n2'], portNames: ['http'] });
  });

  it('tell only the ports of slices that hold a ready one', () => {
    const facts = joinSlices(pool, [slice([pod('a', 'n1')], [{ port: 80 }]), slice([pod('b', 'n2', { ready: false })], [{ name: 'old' }])]);
    expect(facts.portNames).toEqual(['']);
  });

  it('tell the ports that only endpoints which terminate serve still', () => {
    const ending = { ready: false, serving: true, terminating: true };
    const ended = { ready: false, serving: false, terminating: true };
    const starting = { ready: false, serving: true, terminating: false };
    const of = (...conditions: readonly object[]) =>
      joinSlices(pool, [slice(conditions.map((one, i) => pod(`p${i}`, 'n1', one)))]).terminatingPorts;
    expect(of(ending, ended)).toEqual(['http']);
    expect(of(ending, { ready: true })).toBeUndefined();
    expect(of(ended, starting)).toBeUndefined();
    const mixed = [slice([pod('a', 'n1')], [{ name: 'new' }]), slice([pod('b', 'n1', ending)], [{ name: 'old' }])];
    expect(joinSlices(pool, mixed)).toMatchObject({ portNames: ['new'], terminatingPorts: ['old'] });
  });

  it('are indexed by pool, which is told only when its facts change', () => {
    const index = new EndpointIndex();
    const [one, two] = [slice([pod('a', 'n1')]), slice([pod('a', 'n1')])];
    expect(index.apply([{ key: 's1', before: undefined, after: one }])).toEqual([pool]);
    const before = index.values();
    expect(index.apply([{ key: 's2', before: undefined, after: two }])).toEqual([]);
    expect(index.values()).toBe(before);
    expect(index.apply([{ key: 's1', before: one, after: undefined }])).toEqual([]);
    expect(index.apply([{ key: 's2', before: two, after: { ...two, pool: undefined } }])).toEqual([pool]);
    expect(index.values().size).toBe(0);
    expect(before.size).toBe(1);
  });
});
