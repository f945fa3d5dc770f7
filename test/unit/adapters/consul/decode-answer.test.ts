import { describe, expect, it } from 'vitest';
import {
  decodeChecks,
  decodeErrors,
  decodeKeys,
  decodeKeyValues,
  decodeNodeInstances,
  decodeNodes,
  decodeResults,
  decodeServices,
  decodeVersion,
} from '../../../../src/adapters/consul/decode-answer.ts';

const node = { ID: 'id', Node: 'n1', Address: '10.0.0.1', Meta: { a: 'b' }, ModifyIndex: 5 };
const service = { ID: 's1', Service: 's', Address: '', Port: 80, Tags: ['t'], Meta: { k: 'v' }, ModifyIndex: 6 };

describe('decoding what Consul answers', () => {
  it('reads nodes, with what may be absent', () => {
    expect(decodeNodes([node, { Node: 'n2', Meta: null, ModifyIndex: 1 }])).toEqual([
      { name: 'n1', id: 'id', address: '10.0.0.1', meta: { a: 'b' }, modifyIndex: 5 },
      { name: 'n2', id: '', address: '', meta: {}, modifyIndex: 1 },
    ]);
  });

  it('tells a node without services from no node', () => {
    expect(decodeNodeInstances({ Node: node, Services: null })).toEqual([]);
    expect(decodeNodeInstances({ Node: null, Services: null })).toBeUndefined();
    expect(decodeNodeInstances({ Node: node, Services: [{ ...service, Tags: null, Meta: null }] })).toMatchObject([
      { consulNode: 'n1', id: 's1', tags: [], meta: {}, port: 80, modifyIndex: 6 },
    ]);
  });

  it('reads the names of nodes and the ids on them as Consul finds them, whoever spelt them', () => {
    const Check = { Node: 'K8S-a', CheckID: 'K8S-Node', ServiceID: 'Web-1', Status: 'passing', ModifyIndex: 1 };
    expect(decodeNodes([{ ...node, Node: 'K8S-a' }])).toMatchObject([{ name: 'k8s-a' }]);
    const onNode = { Node: { ...node, Node: 'K8S-a' }, Services: [{ ...service, ID: 'Web-1', Service: 'Web' }] };
    expect(decodeNodeInstances(onNode)).toMatchObject([{ consulNode: 'k8s-a', id: 'web-1', service: 'Web' }]);
    expect(decodeChecks([Check])).toMatchObject([{ consulNode: 'k8s-a', checkId: 'k8s-node', instanceId: 'web-1' }]);
    const Results = [{ Node: { Node: 'K8S-a', ModifyIndex: 2 } }, { Check }, { KV: { Key: 'Kept', ModifyIndex: 3 } }];
    expect(decodeResults({ Results }).map(({ id }) => id)).toEqual(['k8s-a', 'k8s-node', 'Kept']);
  });

  it('takes a status of unknown words for critical', () => {
    const check = { Node: 'n1', CheckID: 'c', Status: 'maintenance', ModifyIndex: 1 };
    expect(decodeChecks([check, { ...check, Status: 'passing' }]).map(({ status }) => status)).toEqual(['critical', 'passing']);
  });

  it('reads the TCP connection that a check is to try, and no other definition', () => {
    const check = { Node: 'n1', CheckID: 'c', Status: 'passing', ModifyIndex: 1 };
    const of = (definition: object | null | undefined) => decodeChecks([{ ...check, Definition: definition }])[0]?.probe;
    expect(of({ TCP: '10.0.0.1:30080', Interval: '10s', Timeout: '2s' })).toEqual({
      tcp: '10.0.0.1:30080',
      interval: '10s',
      timeout: '2s',
    });
    for (const none of [undefined, null, {}, { Interval: '10s', HTTP: 'http://10.0.0.1' }]) expect(of(none)).toBeUndefined();
    expect(() => of({ TCP: 7 })).toThrow(/TCP/);
  });

  it('reads keys, none for an absent body, and flags that a number cannot hold exactly', () => {
    expect(decodeKeyValues(undefined)).toEqual([]);
    expect(decodeKeys(undefined)).toEqual([]);
    expect(decodeKeyValues([{ Key: 'k', Value: null, Flags: 18446744073709552000, ModifyIndex: 3 }])).toMatchObject([
      { key: 'k', value: '', session: '' },
    ]);
  });

  it('reads the results and errors of transactions', () => {
    const body = {
      Results: [{ KV: { Key: 'k', ModifyIndex: 1 } }, { Node: node }, { Service: service }, { Check: { CheckID: 'c', ModifyIndex: 7 } }],
    };
    expect(decodeResults(body).map(({ kind, id }) => [kind, id])).toEqual([
      ['kv', 'k'],
      ['node', 'n1'],
      ['service', 's1'],
      ['check', 'c'],
    ]);
    expect(decodeErrors({ Errors: [{ OpIndex: 0, What: 'no' }] })).toEqual([{ operation: 0, what: 'no' }]);
  });

  it.each([
    ['a text for nodes', () => decodeNodes('<html>')],
    ['an object for nodes', () => decodeNodes({})],
    ['nothing for nodes', () => decodeNodes(undefined)],
    ['a node without a name', () => decodeNodes([{ ModifyIndex: 1 }])],
    ['a node without an index', () => decodeNodes([{ Node: 'n1' }])],
    ['Meta that is not of texts', () => decodeNodes([{ ...node, Meta: { a: 1 } }])],
    ['a list for node-services', () => decodeNodeInstances([])],
    ['node-services without Node', () => decodeNodeInstances({ Services: [] })],
    ['a port in a text', () => decodeNodeInstances({ Node: node, Services: [{ ...service, Port: '80' }] })],
    ['a list for services', () => decodeServices([])],
    ['a key without a name', () => decodeKeyValues([{ Flags: 0, ModifyIndex: 1 }])],
    ['an agent without Config', () => decodeVersion({})],
    ['errors without a list', () => decodeErrors({ Errors: null })],
    ['a result of an unknown kind', () => decodeResults({ Results: [{}] })],
  ])('refuses %s', (_, decode) => {
    expect(decode).toThrow(expect.objectContaining({ problem: expect.objectContaining({ code: 'CONSUL_BAD_ANSWER' }) }));
  });
});
