import { describe, expect, it } from 'vitest';
import { operationOf, writesOf } from '../../../../src/adapters/consul/registry-write.ts';
import type { RegisterPool } from '../../../../src/core/model/action.ts';
import { kvKey, nodeName, poolKey } from '../../../../src/core/model/ids.ts';

const instance = {
  consulNode: 'k8s-c1-n1',
  node: nodeName('n1'),
  id: 'web-1',
  service: 'web',
  address: '10.0.0.1',
  port: 30_080,
  tags: ['t'],
  meta: { cluster: 'c1' },
};
const check = {
  consulNode: 'k8s-c1-n1',
  checkId: 'c',
  name: 'n',
  instanceId: 'web-1',
  service: 'web',
  status: 'passing' as const,
  notes: 'x',
  output: '',
};
const action: RegisterPool = {
  kind: 'register-pool',
  pool: poolKey('prod', 'web'),
  service: 'web',
  set: [{ ...instance, modifyIndex: 3 }],
  remove: [{ consulNode: 'k8s-c1-n2', id: 'web-2', service: 'web', modifyIndex: 4 }],
  checks: [{ ...check, modifyIndex: 0 }],
  removeChecks: [{ consulNode: 'k8s-c1-n2', checkId: 'c', modifyIndex: 5 }],
  kv: [
    { key: kvKey('k/ü'), value: 'ü', modifyIndex: 6 },
    { key: kvKey('k/gone'), value: undefined, modifyIndex: 7 },
  ],
  changes: [],
};

describe('the operations of an action', () => {
  it('registering a pool: every operation compares the index, checks leave before their instances', () => {
    expect(writesOf(action).map((write) => operationOf(write, 42))).toEqual([
      {
        Service: {
          Verb: 'cas',
          Node: 'k8s-c1-n1',
          Service: { ID: 'web-1', Service: 'web', Address: '10.0.0.1', Port: 30_080, Tags: ['t'], Meta: { cluster: 'c1' }, ModifyIndex: 3 },
        },
      },
      {
        Check: {
          Verb: 'cas',
          Check: {
            Node: 'k8s-c1-n1',
            CheckID: 'c',
            Name: 'n',
            Status: 'passing',
            Notes: 'x',
            Output: '',
            ServiceID: 'web-1',
            ServiceName: 'web',
            ModifyIndex: 0,
          },
        },
      },
      { Check: { Verb: 'delete-cas', Check: { Node: 'k8s-c1-n2', CheckID: 'c', ModifyIndex: 5 } } },
      { Service: { Verb: 'delete-cas', Node: 'k8s-c1-n2', Service: { ID: 'web-2', Service: 'web', ModifyIndex: 4 } } },
      { KV: { Verb: 'cas', Key: 'k/ü', Value: 'w7w=', Flags: 42, Index: 6 } },
      { KV: { Verb: 'delete-cas', Key: 'k/gone', Index: 7 } },
    ]);
  });

  it('a probe: its definition goes along', () => {
    const probe = { tcp: '10.0.0.1:30080', interval: '10s', timeout: '2s' };
    const [write] = writesOf({ ...action, set: [], checks: [{ ...check, probe, modifyIndex: 0 }] });
    if (write === undefined) throw new Error('there is a check');
    expect(operationOf(write, 42)).toMatchObject({
      Check: { Check: { CheckID: 'c', Definition: { TCP: '10.0.0.1:30080', Interval: '10s', Timeout: '2s' } } },
    });
  });

  it('a node: only the part that is not in step', () => {
    const node = { name: 'k8s-c1-n1', id: 'id', address: '10.0.0.1', meta: {} };
    const ensure = { kind: 'ensure-node' as const, node, status: 'critical' as const, why: 'because' };
    expect(writesOf(ensure)).toEqual([]);
    expect(writesOf({ ...ensure, checkIndex: 8 })).toMatchObject([
      { kind: 'set-check', check: { status: 'critical', output: 'because' }, modifyIndex: 8 },
    ]);
    expect(writesOf({ ...ensure, nodeIndex: 0, checkIndex: 0 }).map(({ kind }) => kind)).toEqual(['set-node', 'set-check']);
  });
});
