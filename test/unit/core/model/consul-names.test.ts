import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canaryKey,
  canaryNodeName,
  consulNodeId,
  consulNodeName,
  deploymentsKey,
  drainingKey,
  type InstanceIdentity,
  instanceId,
  isOwnMeta,
  kvFlags,
  leaderKey,
  memoryKey,
  ownMeta,
  poolCheckId,
  poolOfKey,
} from '../../../../src/core/model/consul-names.ts';
import { uuidOf } from '../../../../src/core/model/hash.ts';
import { kvKey, nodeName, poolKey } from '../../../../src/core/model/ids.ts';

/** Names that run into each other when joined. */
const label = fc.array(fc.constantFrom('a', 'b', '-', '0'), { minLength: 1, maxLength: 5 }).map((letters) => letters.join(''));
const pool = fc.tuple(label, label).map(([namespace, name]) => poolKey(namespace, name));
const identity: fc.Arbitrary<InstanceIdentity> = fc.record({
  cluster: label,
  namespace: label,
  name: label,
  port: fc.oneof(label, fc.integer({ min: 1, max: 3 })),
  node: label.map(nodeName),
});

describe('consul names', () => {
  it('joined names never share an instance id', () => {
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        const same = JSON.stringify({ ...a, port: String(a.port) }) === JSON.stringify({ ...b, port: String(b.port) });
        expect(instanceId('web', a) === instanceId('web', b)).toBe(same);
      }),
    );
    const first = { cluster: 'c1', namespace: 'prod', name: 'web-api', port: 'http', node: nodeName('n1') };
    const second = { ...first, namespace: 'prod-web', name: 'api' };
    expect(instanceId('web', first)).not.toBe(instanceId('web', second));
    expect(instanceId('web', first)).toMatch(/^web-[0-9a-f]{16}$/);
  });

  it('two Kubernetes nodes never share a Consul node id, even where their Consul names are the same', () => {
    fc.assert(
      fc.property(label, label, label, label, (clusterA, nodeA, clusterB, nodeB) => {
        const same = clusterA === clusterB && nodeA === nodeB;
        expect(consulNodeId('k8s-', clusterA, nodeName(nodeA)) === consulNodeId('k8s-', clusterB, nodeName(nodeB))).toBe(same);
      }),
    );
    expect(consulNodeName('k8s-', 'a', nodeName('b-c'))).toBe(consulNodeName('k8s-', 'a-b', nodeName('c')));
    expect(consulNodeId('k8s-', 'a', nodeName('b-c'))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('a Consul node of another name has another id, for Consul would rename the first one and delete what stands on it', () => {
    const names = (prefix: string) => [consulNodeName(prefix, 'a', nodeName('b')), consulNodeId(prefix, 'a', nodeName('b'))];
    const [[first, firstId], [same, sameId], [other, otherId]] = [names('k8s-'), names('K8S-'), names('kube-')];
    expect([same === first, sameId === firstId, other === first, otherId === firstId]).toEqual([true, true, false, false]);
    // What stands in Consul has this one.
    expect(firstId).toBe(uuidOf(['a', 'b']));
  });

  it('node names are lower case, and none is that of the canary', () => {
    expect(consulNodeName('K8s-', 'c1', nodeName('Worker-1'))).toBe('k8s-c1-worker-1');
    expect(canaryNodeName('k8s-', 'c1')).toBe('k8s-c1--canary');
  });

  it('pools never share a check or a key, and a key tells its pool', () => {
    fc.assert(
      fc.property(pool, pool, (a, b) => {
        expect(poolCheckId(a) === poolCheckId(b)).toBe(a === b);
        expect(deploymentsKey('k', a) === deploymentsKey('k', b)).toBe(a === b);
        expect(poolOfKey('k', 'c1', deploymentsKey('k', a))).toBe(a);
        expect(poolOfKey('k', 'c1', drainingKey('k', 'c1', a))).toBe(a);
      }),
    );
  });

  it.each([
    memoryKey('k', 'c1'),
    leaderKey('k', 'c1'),
    canaryKey('k', 'c1'),
    kvKey('k/deployments/prod'),
    kvKey('k/deployments/prod/web/extra'),
    kvKey('k/deployments//web'),
    kvKey('k/.poolkeeper/other/draining/prod/web'),
  ])('%s speaks of no pool', (key) => {
    expect(poolOfKey('k', 'c1', key)).toBeUndefined();
  });

  it('flags survive JSON, are never 0, and differ by owner and cluster', () => {
    fc.assert(
      fc.property(label, label, (owner, cluster) => {
        const flags = kvFlags(owner, cluster);
        expect(Number.isSafeInteger(flags) && flags > 0).toBe(true);
        expect(flags === kvFlags(cluster, owner)).toBe(owner === cluster);
      }),
    );
  });

  it('Meta is ours only when owner and cluster both are', () => {
    expect(isOwnMeta(ownMeta('o', 'c'), 'o', 'c')).toBe(true);
    expect(isOwnMeta(ownMeta('o', 'c'), 'o', 'c2')).toBe(false);
    expect(isOwnMeta(ownMeta('o', 'c'), 'o2', 'c')).toBe(false);
    expect(isOwnMeta({ ...ownMeta('o', 'c'), 'managed-by': 'terraform' }, 'o', 'c')).toBe(false);
  });
});
