import { describe, expect, it } from 'vitest';
import { shareInstances } from '../../../../src/adapters/consul/share-instances.ts';
import { nodeName, poolKey } from '../../../../src/core/model/ids.ts';
import type { RegisteredInstance } from '../../../../src/core/model/registration.ts';

const pool = poolKey('prod', 'web');
const known: RegisteredInstance = {
  consulNode: 'k8s-c1-n1',
  node: nodeName('n1'),
  id: 'web-1',
  service: 'web',
  address: '10.0.0.1',
  port: 30_001,
  tags: ['a'],
  meta: { owner: 'o' },
  pool,
  modifyIndex: 7,
};
const { node: _node, pool: _pool, ...read } = known;
const share = (instance: typeof read): unknown =>
  shareInstances(new Map([['k8s-c1-n1', [instance]]]), new Map([[pool, [known]]])).get('k8s-c1-n1')?.[0];

describe('shareInstances', () => {
  it('gives the known instance for one that was read the same again', () => {
    expect(share(structuredClone(read))).toBe(known);
  });

  it.each([
    ['its index', { modifyIndex: 8 }],
    ['its tags', { tags: ['b'] }],
    ['its Meta', { meta: { owner: 'p' } }],
    ['its port', { port: 30_002 }],
    ['its address', { address: '10.0.0.2' }],
    ['its service', { service: 'api' }],
    ['its node', { consulNode: 'k8s-c1-n2' }],
  ])('leaves one that differs in %s', (_, change) => {
    const other = { ...read, ...change };
    expect(share(other)).toBe(other);
  });
});
