import { describe, expect, it } from 'vitest';
import { readForeignTags } from '../../../../src/adapters/consul/read-foreign-tags.ts';
import { ownMeta } from '../../../../src/core/model/consul-names.ts';

const IDENTITY = { owner: 'poolkeeper', cluster: 'c1', keyPath: 'kubernetes', nodePrefix: 'k8s-' };
const common = { consulNode: 'n1', nodeAddress: '', nodeMeta: {}, id: 'x', service: 'x', address: '', port: 1, modifyIndex: 1 };

async function read(services: Readonly<Record<string, readonly string[]>>, known?: Parameters<typeof readForeignTags>[0]['known']) {
  const asked: string[] = [];
  const instances = [
    { ...common, tags: ['traefik.a=1', 'blue'], meta: {} },
    { ...common, tags: ['blue', 'traefik.a=1'], meta: {} },
    { ...common, tags: ['traefik.a=2'], meta: {} },
    { ...common, tags: ['traefik.a=3'], meta: ownMeta('poolkeeper', 'c1') },
  ];
  const client = {
    listServiceInstances: async (name: string) => {
      asked.push(name);
      return { value: instances, index: 1, filtered: false };
    },
  };
  const names = new Set(Object.keys(services).filter((name) => name !== 'ours'));
  const request = {
    client,
    identity: IDENTITY,
    services: new Map(Object.entries(services)),
    names,
    known,
    refuseFiltered: () => undefined,
  };
  return { tags: await readForeignTags(request, AbortSignal.timeout(5000)), asked };
}

describe('readForeignTags', () => {
  it('takes the tags of the list without a request where they say nothing twice', async () => {
    const { tags, asked } = await read({
      web: ['traefik.a=1', 'traefik.b=1', 'v1', 'v2', 'x=1', 'x=2'],
      ours: ['traefik.a=1', 'traefik.a=2'],
    });
    expect([...tags]).toEqual([['web', [['traefik.a=1', 'traefik.b=1', 'v1', 'v2', 'x=1', 'x=2']]]]);
    expect(asked).toEqual([]);
  });

  it('reads the instances that differ, each list once and none of ours', async () => {
    const { tags, asked } = await read({ web: ['traefik.a=1', 'traefik.A=2'] });
    expect(tags.get('web')).toEqual([['blue', 'traefik.a=1'], ['traefik.a=2']]);
    expect(asked).toEqual(['web']);
  });

  it('asks nothing again while no Consul service has changed', async () => {
    const lists = [['traefik.a=1'], ['traefik.a=2']];
    const { tags, asked } = await read({ web: ['traefik.a=1', 'traefik.a=2'] }, new Map([['web', lists]]));
    expect(tags.get('web')).toBe(lists);
    expect(asked).toEqual([]);
  });
});
