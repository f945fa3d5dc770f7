import { describe, expect, it } from 'vitest';
import { assembleRegistry, type RegistryParts } from '../../../../src/adapters/consul/assemble-registry.ts';
import type { CatalogInstance, CatalogNode } from '../../../../src/adapters/consul/decode-answer.ts';
import { consulNodeId, leaderKey, ownMeta } from '../../../../src/core/model/consul-names.ts';
import { nodeName, poolKey } from '../../../../src/core/model/ids.ts';
import type { KvEntry } from '../../../../src/core/model/registration.ts';

const identity = { owner: 'o', cluster: 'c1', keyPath: 'k', nodePrefix: 'k8s-' };
const mine = ownMeta('o', 'c1');
const name = 'k8s-c1-n1';
const id = consulNodeId('k8s-', 'c1', nodeName('n1'));
const node = (more: Partial<CatalogNode> = {}): CatalogNode => ({ name, id, address: '10.0.0.1', meta: mine, modifyIndex: 1, ...more });
const instance = (more: Partial<CatalogInstance> = {}): CatalogInstance => ({
  consulNode: name,
  id: 'web-1',
  service: 'web',
  address: '10.0.0.1',
  port: 30_080,
  tags: [],
  meta: { ...mine, namespace: 'prod', name: 'web' },
  modifyIndex: 2,
  ...more,
});
const assemble = (parts: Partial<RegistryParts>) =>
  assembleRegistry({ nodes: [node()], byNode: new Map(), services: [], checks: [], kv: [], ...parts }, identity);

describe('whose a node is', () => {
  const wiped = { meta: {}, id: '' };
  it.each<[string, Partial<CatalogNode>, readonly CatalogInstance[], boolean]>([
    ['one with our Meta', {}, [], true],
    ['one whose Meta was wiped, under our id', { meta: {} }, [], true],
    ['one whose Meta was wiped in part', { meta: { owner: 'o', cluster: 'c1' } }, [], true],
    ['one that lost Meta and id, with an instance of ours', wiped, [instance()], true],
    ['one without Meta, id or anything of ours: it may be anybody’s', wiped, [instance({ meta: {} })], false],
    ['one under our id that names another cluster', { meta: { ...mine, cluster: 'c2' } }, [instance()], false],
    ['one that names another owner, with an instance of ours', { meta: { owner: 'them' }, id: '' }, [instance()], false],
    ['one under another id', { meta: {}, id: consulNodeId('k8s-', 'c2', nodeName('n1')) }, [], false],
    [
      'one that an agent has taken over, with an instance of ours',
      { meta: { 'consul-network-segment': '' }, id: '0d2f9a86-96cf-4c1e-9a3b-5a4f0b1f6a11' },
      [instance()],
      false,
    ],
    [
      'one of another cluster that shares our prefix',
      { name: 'k8s-c1-x-n1', meta: {}, id: consulNodeId('k8s-', 'c1-x', nodeName('n1')) },
      [],
      false,
    ],
  ])('%s', (_, more, found, ours) => {
    const one = node(more);
    const { state } = assemble({ nodes: [one], byNode: new Map([[one.name, found]]) });
    expect(state.nodes.get(one.name)?.ours).toBe(ours);
  });
});

describe('whose an instance is', () => {
  it('is told by its Meta; all others on our nodes are strangers', () => {
    const others = [
      instance({ id: 'edited', meta: {} }),
      instance({ id: 'theirs', meta: { ...mine, cluster: 'c2' } }),
      instance({ id: 'half', meta: mine }),
    ];
    const { state, sharedNodes } = assemble({ byNode: new Map([[name, [instance(), ...others]]]) });
    expect(state.instances.get(poolKey('prod', 'web'))?.map((one) => [one.id, one.node])).toEqual([['web-1', 'n1']]);
    expect(state.strangers.map((one) => one.id)).toEqual(['edited', 'theirs', 'half']);
    expect(sharedNodes).toEqual(new Set([name]));
  });
});

describe('names of others', () => {
  it('are what Consul filtered', () => {
    expect(assemble({ services: ['consul', 'web'] }).state.foreignServices).toEqual(new Set(['consul', 'web']));
  });

  it('are those that we do not hold, where Consul did not heed the filter', () => {
    const byNode = new Map([[name, [instance()]]]);
    const { state } = assemble({ byNode, services: ['consul', 'poolkeeper-c1', 'web', 'api'] });
    expect(state.foreignServices).toEqual(new Set(['consul', 'api']));
  });

  it('have the names that Consul finds them by', () => {
    expect(assemble({ services: ['WEB', 'Api'] }).state.foreignServices).toEqual(new Set(['web', 'api']));
  });
});

it('a canary whose marks were wiped is still ours, and is to be marked again', () => {
  const canary = node({ name: 'k8s-c1--canary', id: consulNodeId('k8s-', 'c1', nodeName('-canary')), meta: {} });
  const byNode = new Map([[canary.name, [instance({ consulNode: canary.name, service: 'poolkeeper-c1', meta: mine })]]]);
  expect(assemble({ nodes: [canary], byNode })).toMatchObject({
    canaryTaken: false,
    missing: new Map([
      ['key', 0],
      ['node', 1],
    ]),
  });
  const whole = { ...canary, meta: { ...mine, 'key-path': 'k' } };
  const edited = instance({ consulNode: canary.name, service: 'poolkeeper-c1', meta: {} });
  expect(assemble({ nodes: [whole], byNode: new Map([[canary.name, [edited]]]) }).missing).toEqual(
    new Map([
      ['key', 0],
      ['instance', 2],
    ]),
  );
  expect(assemble({ nodes: [{ ...canary, id: '' }], byNode: new Map([[canary.name, []]]) }).canaryTaken).toBe(true);
});

describe('another Kubernetes cluster under our owner and cluster name', () => {
  const marked = (keyPath: string, clusterUid: string) =>
    node({ name: 'k8s-c1--canary', meta: { ...mine, 'key-path': keyPath, 'cluster-uid': clusterUid } });
  const leads = (clusterUid: string): KvEntry => {
    const value = JSON.stringify({ address: 'http://here', clusterUid });
    return { key: leaderKey('k', 'c1'), value, flags: 1, modifyIndex: 1 };
  };
  const of = (canary: CatalogNode, kv: readonly KvEntry[]) => {
    const { clash, missing } = assemble({ nodes: [canary], byNode: new Map([[canary.name, []]]), kv });
    return [clash?.code, missing.get('node')];
  };
  it.each<[string, CatalogNode, readonly KvEntry[], unknown]>([
    ['is told when it has another key path', marked('other', 'uid-2'), [leads('uid-1')], ['CONSUL_CLUSTER_CLASH', 1]],
    ['may be it while nobody has ever led under ours', marked('other', 'uid-2'), [], ['CONSUL_UNAVAILABLE', 1]],
    [
      'is none where only the key path was changed: the canary is to be marked anew',
      marked('other', 'uid-1'),
      [leads('uid-1')],
      [undefined, 1],
    ],
    ['is for the leader key to tell under our own key path', marked('k', 'uid-2'), [leads('uid-1')], [undefined, 1]],
    ['is none when all marks are ours', marked('k', 'uid-1'), [leads('uid-1')], [undefined, undefined]],
    ['is none when an earlier version has marked less', node({ name: 'k8s-c1--canary' }), [leads('uid-1')], [undefined, 1]],
  ])('%s', (_, canary, kv, expected) => {
    expect(of(canary, kv)).toEqual(expected);
  });
});
