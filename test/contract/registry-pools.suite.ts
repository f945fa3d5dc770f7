import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deploymentsPrefix, ownMeta } from '../../src/core/model/consul-names.ts';
import type { RegisteredInstance } from '../../src/core/model/registration.ts';
import { type ConsulUnderTest, eventually, type RegistryRig, type RigOptions, type StartConsul, startRig } from './registry-rig.ts';
import {
  appsOf,
  bring,
  deleteNode,
  EDITS,
  fleet,
  type PoolSite,
  poolSite,
  readPool,
  registerByHand,
  sentTransactions,
  watchPool,
} from './registry-site.ts';

/** What the planner and the Consul leg promise together of whole pools, on any Consul. `startSmall`: one that takes less. */
export function registryPoolsSuite(start: { readonly consul: StartConsul; readonly small: StartConsul }): void {
  let consul: ConsulUnderTest;
  const rigs: RegistryRig[] = [];
  const open = async (options: RigOptions = {}, on = consul): Promise<RegistryRig> => {
    const rig = await startRig(on, { timeoutMs: 5_000, ...options });
    rigs.push(rig);
    await rig.registry.refresh(rig.signal);
    await rig.registry.refresh(rig.signal);
    return rig;
  };
  const instances = (rig: RegistryRig, name = 'web'): readonly RegisteredInstance[] =>
    [...rig.state().instances].flatMap(([pool, list]) => (pool === `default/${name}` ? list : []));
  beforeAll(async () => {
    consul = await start.consul();
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.stop();
  });
  afterAll(() => consul.stop());

  describe('a pool is one transaction', () => {
    it.each([3, 50, 120])('with %i nodes: its entry, a change of its tags, and its leaving; the fence comes first', async (count) => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(count), apps: appsOf(['web', 'other']) });
      const sent = sentTransactions(rig);
      const ofPool = () =>
        sent.filter((all) => all.some(({ Service }) => Service !== undefined && poolIn(Service) === site.serviceOf('web'))).length;
      await bring(rig, site);
      expect([instances(rig).length, ofPool()]).toEqual([count, 1]);
      await bring(rig, site.with({ apps: appsOf(['web', 'other'], { tag: 'blue' }) }));
      expect([instances(rig).every(({ tags }) => tags.includes('blue')), ofPool()]).toEqual([true, 2]);
      await bring(rig, site.with({ apps: [...appsOf('web', { tag: 'blue', register: false }), ...appsOf('other', { tag: 'blue' })] }));
      expect([instances(rig).length, ofPool()]).toEqual([0, 3]);
      const fence = { KV: { Verb: 'check-session', Key: rig.fence.key, Session: rig.fence.session } };
      for (const [first] of sent) expect(first).toMatchObject(fence);
    });

    it('of 300 nodes as many as fit; a node that leaves or joins moves no other but the one in its place', async () => {
      const rig = await open();
      const nodes = fleet(300);
      const site = poolSite(rig, { nodes, apps: appsOf('web') });
      await bring(rig, site);
      const before = new Set(instances(rig).map(({ node }) => node));
      expect(before.size).toBe(rig.state().limits.operations - 5);
      const [gone] = before;
      const sent = sentTransactions(rig);
      await bring(rig, site.with({ nodes: nodes.filter(({ name }) => name !== gone) }));
      const after = new Set(instances(rig).map(({ node }) => node));
      expect([after.size, [...before].filter((node) => !after.has(node))]).toEqual([before.size, [gone]]);
      const written = sent.flat().flatMap(({ Service }) => (Service === undefined ? [] : [Service['Verb']]));
      expect(written.sort()).toEqual(['cas', 'delete-cas']);
      await bring(rig, site);
      expect(new Set(instances(rig).map(({ node }) => node))).toEqual(after);
    });

    it('shared with other pools: 40 pools of 3 nodes take as few as the limit allows, and one is never split', async () => {
      const rig = await open();
      const names = Array.from({ length: 40 }, (_, at) => `app${at}`);
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf(names) });
      const sent = sentTransactions(rig);
      await bring(rig, site);
      const pools = sent.map(
        (operations) => new Set(operations.flatMap(({ Service }) => (Service === undefined ? [] : [poolIn(Service)]))),
      );
      const all = pools.flatMap((some) => [...some]);
      expect([all.length, new Set(all).size]).toEqual([40, 40]);
      // 3 instances, a check and a key each, and the fence.
      expect(pools.filter(({ size }) => size > 0)).toHaveLength(Math.ceil(40 / Math.floor((rig.state().limits.operations - 1) / 5)));
    });

    it('never seen empty or mixed by a reader every 5 ms, while tags, port, address and ids of 50 nodes change 20 times', async () => {
      const rig = await open();
      let site = poolSite(rig, { nodes: fleet(50), apps: appsOf('web') });
      await bring(rig, site);
      const reader = watchPool(consul, site.serviceOf('web'));
      for (let round = 0; round < 20; round++) {
        const kind = round % 4;
        if (kind === 0) site = site.with({ apps: appsOf('web', { tag: `v${round}`, portName: site.portName }) });
        else if (kind === 1) site = site.withNodePort('web', 31_000 + round);
        else if (kind === 2) site = site.with({ nodes: fleet(50, round) });
        // The id is made of the name of the port.
        else site = site.with({ apps: appsOf('web', { tag: `v${round}`, portName: `p${round}` }) });
        await bring(rig, site);
        expect(instances(rig)).toHaveLength(50);
        await eventually(() => reader.versions() === round + 2, 'the reader has seen it');
      }
      const seen = await reader.stop();
      expect(seen.faults).toEqual([]);
      expect(seen.versions).toBe(21);
    });
  });

  it.each([20, 120])(
    'of %i nodes loses no backend while all get names with another prefix, and nothing of the old one is left',
    async (count) => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(count), apps: appsOf(['web', 'api']) });
      await bring(rig, site);
      const reader = watchPool(consul, site.serviceOf('web'));
      const renamed = { nodePrefix: 'kube-' };
      const other = await open({ like: rig, ...renamed });
      expect(await bring(other, site.with(renamed))).toEqual([]);
      const nodes = new Set((await readPool(consul, site.serviceOf('web'))).map(({ node }) => node));
      expect([nodes.size, [...nodes].every((node) => node.startsWith(`kube-${rig.cluster}-`))]).toEqual([count, true]);
      const { faults, least } = await reader.stop();
      // What does not fit one transaction is there twice for a moment.
      const twice = count === 20 ? [] : ['240 instances of 1, 1, 1 kinds'];
      expect([[...new Set(faults)].filter((fault) => !twice.includes(fault)), least]).toEqual([[], count]);
      const all = (await rig.stranger('GET', `catalog/nodes?node-meta=cluster:${rig.cluster}`)) as readonly { readonly Node: string }[];
      expect(all.filter(({ Node }) => !Node.startsWith(`kube-${rig.cluster}-`))).toEqual([]);
      // The canary too.
      expect(all).toHaveLength(count + 1);
    },
  );

  describe('a Consul that takes less than it says', () => {
    it('is learnt from its refusals: pools are cut to what it takes, all are registered, and nothing is sent twice in vain', async () => {
      const small = await start.small();
      try {
        const rig = await open({}, small);
        const refusals: string[] = [];
        rig.proxy.fault((request) =>
          request.startsWith('PUT /v1/txn')
            ? {
                kind: 'change',
                change: (answer) => {
                  if (answer.status === 413) refusals.push(answer.body);
                  return answer;
                },
              }
            : undefined,
        );
        const long = Array.from({ length: 10 }, (_, at) => `long-${at}-${'x'.repeat(60)}`);
        const site = poolSite(rig, { nodes: fleet(120), apps: [...appsOf(['web', 'api'], { more: long }), ...appsOf(['a', 'b', 'c'])] });
        await bring(rig, site);
        for (const name of ['web', 'api', 'a', 'b', 'c']) expect(instances(rig, name).length, name).toBeGreaterThan(10);
        expect(instances(rig, 'web').length).toBeLessThan(120);
        expect(refusals.length).toBeGreaterThan(0);
        const learnt = refusals.length;
        await bring(rig, site.with({ apps: [...appsOf(['web', 'api'], { more: [...long, 'another'] }), ...appsOf(['a', 'b', 'c'])] }));
        expect(instances(rig, 'web').every(({ tags }) => tags.includes('another'))).toBe(true);
        expect(refusals).toHaveLength(learnt);
      } finally {
        for (const rig of rigs.splice(0)) await rig.stop();
        await small.stop();
      }
    });

    it('a pool whose single backend is too large is told, and the others are done', async () => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(2), apps: [...appsOf('huge', { more: ['x'.repeat(600_000)] }), ...appsOf('web')] });
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual(['CONSUL_TOO_LARGE', 'CONSUL_VALUE_TOO_LARGE']);
      expect([instances(rig, 'huge').length, instances(rig).length]).toEqual([0, 2]);
    });
  });

  describe('what is unclear or stale', () => {
    it('a time-out after the write is done once it is read back', async () => {
      const rig = await open({ timeoutMs: 300 });
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf('web') });
      let late = 0;
      rig.proxy.fault((request) => {
        if (!request.startsWith('PUT /v1/txn')) return undefined;
        late += 1;
        return { kind: 'late', until: new Promise((resolve) => setTimeout(resolve, 600)) };
      });
      expect(await bring(rig, site)).toEqual([]);
      // The nodes, and the pool: each was sent once.
      expect([late, instances(rig).length]).toEqual([2, 3]);
    });

    it('what someone changed since it was read is read again, planned again and done', async () => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf(['web', 'api']) });
      await bring(rig, site);
      const [one] = instances(rig);
      const Service = { ID: one?.id, Service: one?.service, Address: one?.address, Port: 1, Tags: ['edited'], Meta: one?.meta };
      await rig.stranger('PUT', 'txn', [{ Service: { Verb: 'set', Node: one?.consulNode, Service } }]);
      const told = await bring(rig, site.with({ apps: appsOf(['web', 'api'], { tag: 'blue' }) }));
      expect(told.map(({ code }) => code)).toEqual(['CONSUL_CHANGED']);
      for (const name of ['web', 'api']) expect(new Set(instances(rig, name).map(({ tags }) => tags.join()))).toHaveProperty('size', 1);
      expect(instances(rig).every(({ tags }) => tags.includes('blue'))).toBe(true);
    });
  });

  describe('drift is repaired', () => {
    it.each(EDITS)('$title', async ({ edit }) => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf(['web', 'api']) });
      await bring(rig, site);
      const before = await content(rig, site);
      await edit(rig);
      await rig.registry.refresh(rig.signal);
      await rig.registry.refresh(rig.signal);
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual([]);
      expect(await content(rig, site)).toEqual(before);
      // As somebody else reads it, too.
      await rig.registry.refresh(rig.signal);
      const sent = sentTransactions(rig);
      await bring(rig, site);
      expect(sent).toEqual([]);
    });

    it('a node that left while its marks were wiped still leaves', async () => {
      const rig = await open();
      const nodes = fleet(3);
      const site = poolSite(rig, { nodes, apps: appsOf('web') });
      await bring(rig, site);
      const [one] = instances(rig);
      const Service = { Verb: 'set', Node: one?.consulNode, Service: { ID: one?.id, Service: one?.service, Port: 1 } };
      await registerByHand(rig, one?.consulNode ?? '', { Service });
      await rig.registry.refresh(rig.signal);
      const rest = nodes.filter(({ name }) => name !== one?.node);
      await bring(rig, site.with({ nodes: rest }));
      await rig.registry.refresh(rig.signal);
      await bring(rig, site.with({ nodes: rest }));
      expect((await readPool(consul, site.serviceOf('web'))).map(({ node }) => node)).not.toContain(one?.consulNode);
      expect(await rig.stranger('GET', `catalog/node-services/${one?.consulNode}`)).toMatchObject({ Node: null });
    });
  });

  describe('what is not ours stays', () => {
    it.each([
      ['without Meta', {}, (id: string) => id],
      ['of another cluster', { ...ownMeta('test', 'elsewhere') }, (id: string) => id],
      ['without Meta, in capitals,', {}, (id: string) => id.toUpperCase()],
    ])('a foreign service %s under the id of our instance: the pool does without that node, and says so', async (_, Meta, spelt) => {
      const [rig, probe] = [await open(), await open()];
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf('web') });
      await bring(rig, site);
      const [one] = instances(rig);
      await bring(rig, site.with({ apps: appsOf('web', { register: false }) }));
      const theirs = { ID: spelt(one?.id ?? ''), Service: `theirs-${rig.cluster}`, Address: '10.9.9.9', Port: 1, Meta };
      await rig.stranger('PUT', 'txn', [{ Service: { Verb: 'set', Node: one?.consulNode, Service: theirs } }]);
      const read = () => rig.stranger('GET', `catalog/service/theirs-${rig.cluster}`);
      const before = await read();
      await rig.registry.refresh(rig.signal);
      await rig.registry.refresh(rig.signal);
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual(['CONSUL_INSTANCE_TAKEN']);
      expect(instances(rig).map(({ node }) => node)).toHaveLength(2);
      expect(await read()).toEqual(before);
      expect(probe.state().instances.size).toBe(0);
    });

    it('a node that an agent owns, though it has our name', async () => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf('web') });
      const taken = `k8s-${rig.cluster}-n2`;
      const agent = { Node: taken, Address: '10.9.9.9', Meta: { 'consul-network-segment': '', 'consul-version': '1.21.0' } };
      const Check = { Node: taken, CheckID: 'serfHealth', Name: 'Serf', Status: 'passing' };
      await rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: agent } }, { Check: { Verb: 'set', Check } }]);
      const read = () => rig.stranger('GET', `catalog/node-services/${taken}`);
      const before = await read();
      await rig.registry.refresh(rig.signal);
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual(['CONSUL_NODE_TAKEN']);
      expect(instances(rig).map(({ node }) => node)).toEqual(expect.arrayContaining(['n1', 'n3']));
      expect([instances(rig).length, await read()]).toEqual([2, before]);
    });

    it.each([undefined, '11111111-2222-4333-8444-555555555555'])('a node that has our name in capitals, with the id %s', async (ID) => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(3), apps: appsOf('web') });
      const Node = `k8s-${rig.cluster}-n2`.toUpperCase();
      const Service = { ID: `theirs-${rig.cluster}`, Service: `theirs-${rig.cluster}`, Port: 1 };
      const node = { Node, Address: '10.9.9.9', ...(ID === undefined ? {} : { ID }) };
      await rig.stranger('PUT', 'txn', [{ Node: { Verb: 'set', Node: node } }, { Service: { Verb: 'set', Node, Service } }]);
      const read = () => rig.stranger('GET', `catalog/node-services/${Node}`);
      const before = await read();
      await rig.registry.refresh(rig.signal);
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual(['CONSUL_NODE_TAKEN']);
      expect(
        instances(rig)
          .map(({ node: name }) => name)
          .sort(),
      ).toEqual(['n1', 'n3']);
      expect(await read()).toEqual(before);
      await deleteNode(rig, Node);
      await rig.registry.refresh(rig.signal);
      expect(await bring(rig, site)).toEqual([]);
      expect(instances(rig)).toHaveLength(3);
    });

    it('a Consul service that has the name of ours in capitals: Consul shows both as one', async () => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(2), apps: appsOf('web') });
      const Node = `legacy-${rig.cluster}`;
      await rig.strangerWrites(Node, { ID: 'theirs', Service: site.serviceOf('web').toUpperCase(), Port: 1 });
      await rig.registry.refresh(rig.signal);
      expect((await bring(rig, site)).map(({ code }) => code)).toEqual(['CONSUL_NAME_TAKEN']);
      expect(await readPool(consul, site.serviceOf('web'))).toMatchObject([{ node: Node }]);
      await deleteNode(rig, Node);
      await rig.registry.refresh(rig.signal);
      expect(await bring(rig, site)).toEqual([]);
      expect(await readPool(consul, site.serviceOf('web'))).toHaveLength(2);
    });

    it('a second writer under a name that we hold is told as soon as it comes, and until it goes', async () => {
      const rig = await open();
      const site = poolSite(rig, { nodes: fleet(2), apps: appsOf('web') });
      await bring(rig, site);
      const Node = `legacy-${rig.cluster}`;
      await rig.strangerWrites(Node, { ID: 'theirs', Service: site.serviceOf('web'), Port: 1 });
      await rig.registry.refresh(rig.signal);
      expect(await bring(rig, site)).toMatchObject([{ code: 'CONSUL_NAME_SHARED', severity: 'warning' }]);
      // Ours goes on.
      await bring(rig, site.with({ apps: appsOf('web', { tag: 'blue' }) }));
      expect(instances(rig).every(({ tags }) => tags.includes('blue'))).toBe(true);
      await deleteNode(rig, Node);
      await rig.registry.refresh(rig.signal);
      expect(await bring(rig, site)).toEqual([]);
    });

    it('a second cluster of our name under another key path is told apart, and writes nothing', async () => {
      const first = await open();
      const site = poolSite(first, { nodes: fleet(3), apps: appsOf('web') });
      await bring(first, site);
      const before = await first.stranger('GET', `catalog/nodes?node-meta=cluster:${first.cluster}`);
      const second = await open({ cluster: first.cluster, clusterUid: 'uid-2' });
      expect(second.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_CLUSTER_CLASH' } });
      expect(await first.stranger('GET', `catalog/nodes?node-meta=cluster:${first.cluster}`)).toEqual(before);
      const renamed = await open({ cluster: first.cluster, clusterUid: 'uid-2', nodePrefix: 'kube-' });
      expect(renamed.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_CLUSTER_CLASH' } });
      await first.registry.refresh(first.signal);
      expect([await bring(first, site), instances(first).length]).toEqual([[], 3]);
    });

    it('the same cluster under another key path goes on with what it has', async () => {
      const first = await open();
      const site = poolSite(first, { nodes: fleet(3), apps: appsOf('web') });
      await bring(first, site);
      const moved = await open({ cluster: first.cluster });
      expect(instances(moved)).toEqual(instances(first));
      expect(await bring(moved, poolSite(moved, { nodes: fleet(3), apps: appsOf('web') }))).toEqual([]);
      expect(await readPool(consul, site.serviceOf('web'))).toHaveLength(3);
    });

    it('a second cluster with the same names is refused; where both share, both serve under routers of their own', async () => {
      const [first, second] = [await open(), await open()];
      const names = { serviceName: (name: string) => `${name}-${first.cluster}` };
      const apps = appsOf('web', { rule: true });
      await bring(first, poolSite(first, { nodes: fleet(2), apps, ...names }));
      await second.registry.refresh(second.signal);
      const other = poolSite(second, { nodes: fleet(2, 7), apps, ...names });
      expect((await bring(second, other)).map(({ code }) => code)).toEqual(['CONSUL_NAME_TAKEN']);
      expect(await readPool(consul, other.serviceOf('web'))).toHaveLength(2);

      const [a, b] = [await open({ sharedService: true }), await open({ sharedService: true })];
      const shared = { nodes: fleet(2), apps, sharedService: true, serviceName: (name: string) => `${name}-${a.cluster}` };
      await bring(a, poolSite(a, shared));
      // One that does not share is refused still.
      await first.registry.refresh(first.signal);
      expect((await bring(first, poolSite(first, { ...shared, sharedService: false }))).map(({ code }) => code)).toEqual([
        'CONSUL_NAME_TAKEN',
      ]);
      await b.registry.refresh(b.signal);
      const site = poolSite(b, { ...shared, nodes: fleet(2, 9) });
      expect(await bring(b, site)).toEqual([]);
      const all = await readPool(consul, site.serviceOf('web'));
      expect(all).toHaveLength(4);
      const kinds = (kind: string) => all.map(({ tags }) => tags.filter((tag) => tag.startsWith(`traefik.http.${kind}.`)));
      expect(new Set(kinds('services').map((tags) => tags.join()))).toHaveProperty('size', 1);
      const routers = kinds('routers').map((tags) => tags.join());
      expect(routers.filter((tags) => tags.includes(`-${a.cluster}.`))).toHaveLength(2);
      expect(routers.filter((tags) => tags.includes(`-${b.cluster}.`))).toHaveLength(2);
      await a.registry.refresh(a.signal);
      expect(await bring(a, poolSite(a, shared))).toEqual([]);
    });
  });

  /** What stands in Consul of the pools, without indexes. */
  async function content(rig: RegistryRig, site: PoolSite): Promise<unknown> {
    const { nodes, instances: pools, checks, kv, strangers } = rig.state();
    const plain = (values: Iterable<object>) => [...values].map((value) => ({ ...value, modifyIndex: 0, output: '' }));
    return {
      nodes: plain(nodes.values()).sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
      instances: [...pools].map(([pool, list]) => [pool, plain(list)]).sort(),
      checks: plain(checks.values()).sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
      kv: [...kv.values()].filter(({ key }) => key.startsWith(deploymentsPrefix(rig.keyPath))).map(({ key, value }) => [key, value]),
      strangers,
      read: await readPool(consul, site.serviceOf('web')),
    };
  }
}

const poolIn = ({ Service }: Readonly<Record<string, unknown>>): string => (Service as { readonly Service: string }).Service;
