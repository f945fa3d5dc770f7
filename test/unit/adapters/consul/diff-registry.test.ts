import { describe, expect, it } from 'vitest';
import { diffRegistry } from '../../../../src/adapters/consul/diff-registry.ts';
import { deploymentsKey, drainingKey, memoryKey } from '../../../../src/core/model/consul-names.ts';
import { type KvKey, nodeName, poolKey } from '../../../../src/core/model/ids.ts';
import type {
  KvEntry,
  RegisteredCheck,
  RegisteredInstance,
  RegisteredNode,
  RegistryState,
} from '../../../../src/core/model/registration.ts';

const identity = { owner: 'o', cluster: 'c1', keyPath: 'k', nodePrefix: 'k8s-' };
const pool = poolKey('prod', 'web');
const consulNode = 'k8s-c1-n1';
const node: RegisteredNode = { name: consulNode, id: 'id', address: '10.0.0.1', meta: { 'k8s-node': 'n1' }, modifyIndex: 1, ours: true };
const instance: RegisteredInstance = {
  consulNode,
  node: nodeName('n1'),
  id: 'web-1',
  service: 'web',
  address: '10.0.0.1',
  port: 1,
  tags: [],
  meta: {},
  pool,
  modifyIndex: 1,
};
const check: RegisteredCheck = {
  consulNode,
  checkId: 'x',
  name: '',
  instanceId: 'web-1',
  service: 'web',
  status: 'passing',
  notes: '',
  output: '',
  modifyIndex: 1,
};
const entry = (key: KvKey): [KvKey, KvEntry] => [key, { key, value: '', flags: 1, modifyIndex: 1 }];

const base: RegistryState = {
  limits: { operations: 64, bytes: 1 },
  nodes: new Map([[consulNode, node]]),
  instances: new Map([[pool, [instance]]]),
  checks: new Map([[`${consulNode}/x`, check]]),
  foreignServices: new Set(['consul']),
  kv: new Map(),
  fresh: false,
};

describe('diffRegistry', () => {
  it.each<[string, Partial<RegistryState>, 'all' | readonly string[]]>([
    ['nothing', { nodes: new Map(base.nodes), instances: new Map([[pool, [{ ...instance }]]]) }, []],
    ['the tags of an instance', { instances: new Map([[pool, [{ ...instance, tags: ['t'], modifyIndex: 2 }]]]) }, ['prod/web']],
    ['only the index of an instance', { instances: new Map([[pool, [{ ...instance, modifyIndex: 2 }]]]) }, ['prod/web']],
    ['a pool that is gone', { instances: new Map() }, ['prod/web']],
    ['the address of a node', { nodes: new Map([[consulNode, { ...node, address: '10.0.0.2' }]]) }, ['n1']],
    ['a node that is gone', { nodes: new Map() }, ['n1']],
    [
      'a stranger without Meta',
      { nodes: new Map([...base.nodes, ['k8s-c1-n2', { ...node, name: 'k8s-c1-n2', meta: {}, ours: false }]]) },
      ['n2'],
    ],
    ['the check of an instance', { checks: new Map([[`${consulNode}/x`, { ...check, status: 'critical' as const }]]) }, ['prod/web']],
    ['the check of a node', { checks: new Map([...base.checks, [`${consulNode}/k8s-node`, { ...check, instanceId: '' }]]) }, ['n1']],
    ['the key of a pool', { kv: new Map([entry(deploymentsKey('k', poolKey('prod', 'api')))]) }, ['prod/api']],
    ['the draining of a pool', { kv: new Map([entry(drainingKey('k', 'c1', pool))]) }, ['prod/web']],
    ['the memory', { kv: new Map([entry(memoryKey('k', 'c1'))]) }, 'all'],
    ['the services of others', { foreignServices: new Set(['consul', 'web']) }, 'all'],
    ['that the canaries were new', { fresh: true }, 'all'],
    ['the limits', { limits: { operations: 128, bytes: 1 } }, 'all'],
  ])('%s', (_, change, touched) => {
    const difference = diffRegistry(base, { ...base, ...change }, identity);
    expect(difference === 'all' ? 'all' : [...difference]).toEqual(touched);
  });
});
