import { describe, expect, it } from 'vitest';
import type { ConsulClient } from '../../../../src/adapters/consul/consul-client.ts';
import type { KeyValue, ServiceInstance } from '../../../../src/adapters/consul/decode-answer.ts';
import { type AgentRequest, readAgents } from '../../../../src/adapters/consul/read-agents.ts';
import { kvKey, poolKey } from '../../../../src/core/model/ids.ts';

const AGENT = { 'consul-network-segment': '', 'consul-version': '1.21.0' };
const instance = (more: Partial<ServiceInstance> = {}): ServiceInstance => ({
  consulNode: 'n1',
  nodeAddress: '10.0.0.1',
  nodeMeta: AGENT,
  id: 'web',
  service: 'web',
  address: '',
  port: 30_080,
  tags: ['a'],
  meta: {},
  modifyIndex: 7,
  ...more,
});
const told = (name: string): KeyValue => {
  const value = JSON.stringify({ metadata: { name, annotations: {} } });
  return { key: kvKey(`kubernetes/deployments/default/${name}`), value, flags: 0, session: '', modifyIndex: 1 };
};

async function read(more: Partial<AgentRequest> & { readonly foreign: readonly string[]; readonly held?: readonly string[] }) {
  const asked: string[] = [];
  const client = {
    listServiceInstances: async (service: string) => {
      asked.push(service);
      const value = [
        instance({ service }),
        instance({ service, consulNode: 'k8s-sync', nodeMeta: {} }),
        instance({ service, consulNode: 'n2', address: '10.1.0.2' }),
      ];
      return { value, index: 1, filtered: false };
    },
  } as unknown as ConsulClient;
  const held = (more.held ?? []).map((service) => [poolKey('default', service), [{ service }]] as const);
  const state = { instances: new Map(held), foreignServices: new Set(more.foreign) } as unknown as AgentRequest['state'];
  const request: AgentRequest = { client, state, deployments: [], known: undefined, refuseFiltered: () => undefined, ...more };
  return { asked, agents: await readAgents(request, new AbortController().signal) };
}

describe('reading what agents register', () => {
  it('asks for names that are held, or told to agents, and that others register as well', async () => {
    const { asked, agents } = await read({
      foreign: ['consul', 'held', 'told', 'other'],
      held: ['held', 'mine'],
      deployments: [told('told'), told('quiet')],
    });
    expect(asked.sort()).toEqual(['held', 'told']);
    expect(agents.get('told')).toEqual([
      { consulNode: 'n1', id: 'web', service: 'told', address: '10.0.0.1', port: 30_080, tags: ['a'], modifyIndex: 7 },
      { consulNode: 'n2', id: 'web', service: 'told', address: '10.1.0.2', port: 30_080, tags: ['a'], modifyIndex: 7 },
    ]);
  });

  it('asks nothing while nobody else registers a name of ours, nor again while no service has changed', async () => {
    expect(await read({ foreign: ['consul'], held: ['held'] })).toEqual({ asked: [], agents: new Map() });
    const known = new Map([['held', []]]);
    expect(await read({ foreign: ['held'], held: ['held'], known })).toEqual({ asked: [], agents: known });
  });

  it('refuses an answer from which something is left out', async () => {
    const refuseFiltered = (): void => {
      throw new Error('left out');
    };
    await expect(read({ foreign: ['held'], held: ['held'], refuseFiltered })).rejects.toThrow('left out');
  });
});
