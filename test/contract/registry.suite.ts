import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RegistryAction } from '../../src/core/model/action.ts';
import {
  canaryKey,
  canaryNodeName,
  canaryServiceName,
  deploymentsKey,
  kvFlags,
  memoryKey,
  ownMeta,
} from '../../src/core/model/consul-names.ts';
import { kvKey, poolKey } from '../../src/core/model/ids.ts';
import {
  type ConsulUnderTest,
  ensureNode,
  eventually,
  type RegistryRig,
  registerPool,
  type StartConsul,
  startRig,
} from './registry-rig.ts';

/** What the Consul leg promises, on any Consul. */
export function registrySuite(startConsul: StartConsul): void {
  let consul: ConsulUnderTest;
  const rigs: RegistryRig[] = [];
  const open = async (...args: Parameters<typeof startRig> extends [unknown, ...infer Rest] ? Rest : never): Promise<RegistryRig> => {
    const rig = await startRig(consul, ...args);
    rigs.push(rig);
    return rig;
  };
  beforeAll(async () => {
    consul = await startConsul();
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.stop();
  });
  afterAll(() => consul.stop());

  const commit = (rig: RegistryRig, ...actions: readonly RegistryAction[]) => rig.registry.commit(actions, rig.fence, rig.signal);
  const done = { kind: 'done' };
  const failed = (code: string) => ({ kind: 'failed', problem: expect.objectContaining({ code }) });

  describe('reading', () => {
    it('creates the canaries on an empty Consul, and is fresh until the next reading', async () => {
      const rig = await open();
      expect(rig.registry.state().kind).toBe('unavailable');
      await rig.registry.refresh(rig.signal);
      expect(rig.state()).toMatchObject({ fresh: true, nodes: new Map(), instances: new Map(), kv: new Map() });
      expect(rig.state().foreignServices.has(canaryServiceName(rig.cluster))).toBe(false);
      await rig.registry.refresh(rig.signal);
      expect(rig.state().fresh).toBe(false);
      expect(await rig.stranger('GET', `kv/${canaryKey(rig.keyPath, rig.cluster)}`)).toHaveLength(1);
      const node = (await rig.stranger('GET', `catalog/node-services/${canaryNodeName('k8s-', rig.cluster)}`)) as {
        Services: { Service: string; Tags: string[] }[];
      };
      expect(node.Services).toMatchObject([{ Service: canaryServiceName(rig.cluster), Tags: ['traefik.enable=false'] }]);
    });

    it('leaves missing canaries to the leader', async () => {
      const rig = await open();
      rig.lease.state = { held: false, holder: undefined };
      await rig.registry.refresh(rig.signal);
      expect(rig.registry.state()).toMatchObject({ kind: 'unavailable', reason: { code: 'CONSUL_UNAVAILABLE' } });
      expect(await rig.stranger('GET', `kv/${canaryKey(rig.keyPath, rig.cluster)}`)).toBeUndefined();
    });

    it('knows the limits of the server', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      expect(rig.state().limits).toEqual({ operations: 128, bytes: 500 * 1024 });
    });

    it('tells our nodes from those of others with a name like ours, and sees which services are of others', async () => {
      const rig = await open();
      await rig.strangerWrites(`k8s-${rig.cluster}-stranger`, { ID: 'theirs', Service: `theirs-${rig.cluster}`, Port: 80 });
      await rig.registry.refresh(rig.signal);
      await commit(rig, ensureNode(rig, 'worker-1'));
      await rig.registry.refresh(rig.signal);
      const nodes = [...rig.state().nodes.values()].map(({ name, ours }) => [name, ours]);
      expect(nodes).toContainEqual([`k8s-${rig.cluster}-stranger`, false]);
      expect(nodes).toContainEqual([`k8s-${rig.cluster}-worker-1`, true]);
      expect(nodes).toHaveLength(2);
      expect(rig.state().foreignServices.has(`theirs-${rig.cluster}`)).toBe(true);
    });

    it('knows the tags of what others have, each list once, and none of ours', async () => {
      const rig = await open();
      const theirs = `theirs-${rig.cluster}`;
      await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`));
      const write = (i: number, ...Tags: readonly string[]) =>
        rig.strangerWrites(`elsewhere-${i}-${rig.cluster}`, { ID: `theirs-${i}`, Service: theirs, Port: 80, Tags });
      await write(1, 'b.c=1', 'a');
      await write(2, 'b.c=1', 'a');
      await rig.registry.refresh(rig.signal);
      expect(rig.state().foreignTags?.get(theirs)).toEqual([['a', 'b.c=1']]);
      expect(rig.state().foreignTags?.has(`web-${rig.cluster}`)).toBe(false);
      await write(3, 'b.c=2');
      await rig.registry.refresh(rig.signal);
      expect(rig.state().foreignTags?.get(theirs)).toEqual([['a', 'b.c=1'], ['b.c=2']]);
    });

    it('keeps the value while nothing of ours differs, and renews its age', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`, { checked: true }));
      await rig.registry.refresh(rig.signal);
      const before = rig.registry.state();
      let told = 0;
      rig.registry.changed(() => {
        told += 1;
      });
      await rig.registry.refresh(rig.signal);
      const after = rig.registry.state();
      if (before.kind !== 'complete' || after.kind !== 'complete') throw new Error('not complete');
      expect(after.value).toBe(before.value);
      expect(after.readAtMs).toBeGreaterThanOrEqual(before.readAtMs);
      expect(told).toBe(0);
    });
  });

  describe('committing', () => {
    it('registers nodes, instances, checks and keys, and knows them before the commit returns, as they are read later', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const name = `web-${rig.cluster}`;
      const key = deploymentsKey(rig.keyPath, poolKey('prod', name));
      const kv = [{ key, value: '{"kind":"Service"}', modifyIndex: 0 }];
      const nodes = ['worker-1', 'worker-2'];
      const results = await commit(
        rig,
        ...nodes.map((node) => ensureNode(rig, node)),
        registerPool(rig, name, { nodes, kv, checked: true }),
      );
      expect(results).toEqual([done, done, done]);
      const folded = rig.state();
      expect(
        folded.instances
          .get(poolKey('prod', name))
          ?.map(({ node }) => node)
          .sort(),
      ).toEqual(nodes);
      expect(folded.kv.get(key)).toMatchObject({ value: '{"kind":"Service"}', flags: kvFlags(rig.owner, rig.cluster) });
      await rig.registry.refresh(rig.signal);
      expect({ ...rig.state(), fresh: true, foreignServices: folded.foreignServices, foreignTags: folded.foreignTags }).toEqual(folded);
    });

    it('changes and removes what it has registered, with the indexes that it folded in', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const name = `web-${rig.cluster}`;
      const pool = poolKey('prod', name);
      await commit(rig, ensureNode(rig, 'worker-1'), ensureNode(rig, 'worker-2'));
      expect(await commit(rig, registerPool(rig, name, { nodes: ['worker-1', 'worker-2'], checked: true }))).toEqual([done]);
      const changed = registerPool(rig, name, { tags: ['traefik.enable=false'], port: 30_081, known: rig.state(), checked: true });
      const leaving =
        rig
          .state()
          .instances.get(pool)
          ?.filter(({ node }) => node === 'worker-2') ?? [];
      expect(await commit(rig, { ...changed, remove: leaving })).toEqual([done]);
      expect(rig.state().instances.get(pool)).toMatchObject([{ port: 30_081, tags: ['traefik.enable=false'], node: 'worker-1' }]);
      const rest = rig.state().instances.get(pool) ?? [];
      expect(await commit(rig, { kind: 'deregister-pool', pool, service: name, remove: rest, kv: [], why: 'test' })).toEqual([done]);
      const nodes = [...rig.state().nodes.values()];
      expect(
        await commit(rig, ...nodes.map((node) => ({ kind: 'delete-node' as const, name: node.name, modifyIndex: node.modifyIndex }))),
      ).toEqual([done, done]);
      expect(rig.state()).toMatchObject({ nodes: new Map(), instances: new Map(), checks: new Map() });
      const folded = rig.state();
      await rig.registry.refresh(rig.signal);
      expect({ ...rig.state(), fresh: true, foreignServices: folded.foreignServices, foreignTags: folded.foreignTags }).toEqual(folded);
    });

    it('writes and deletes keys of its own', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const key = memoryKey(rig.keyPath, rig.cluster);
      expect(await commit(rig, { kind: 'write-kv', writes: [{ key, value: 'ü1', modifyIndex: 0 }], why: 'test' })).toEqual([done]);
      const { modifyIndex = 0 } = rig.state().kv.get(key) ?? {};
      expect(await commit(rig, { kind: 'write-kv', writes: [{ key, value: '2', modifyIndex }], why: 'test' })).toEqual([done]);
      await rig.registry.refresh(rig.signal);
      expect(rig.state().kv.get(key)?.value).toBe('2');
      const later = rig.state().kv.get(key)?.modifyIndex ?? 0;
      expect(await commit(rig, { kind: 'write-kv', writes: [{ key, value: undefined, modifyIndex: later }], why: 'test' })).toEqual([done]);
      expect(rig.state().kv.size).toBe(0);
    });

    it('writing the same again bumps no index', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const name = `web-${rig.cluster}`;
      await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, name, { checked: true }));
      const before = rig.state();
      expect(await commit(rig, registerPool(rig, name, { known: before, checked: true }))).toEqual([done]);
      expect(rig.state()).toEqual(before);
    });

    it('creates nothing that exists already', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const name = `web-${rig.cluster}`;
      await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, name));
      expect(await commit(rig, registerPool(rig, name, { port: 30_099 }))).toEqual([failed('CONSUL_CHANGED')]);
      await rig.registry.refresh(rig.signal);
      expect(rig.state().instances.get(poolKey('prod', name))).toMatchObject([{ port: 30_080 }]);
    });

    it('a pool that someone else changed fails alone; the others of its transaction are done', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const names = ['a', 'b', 'c'].map((letter) => `${letter}-${rig.cluster}`);
      const [, bad = ''] = names;
      await commit(rig, ensureNode(rig, 'worker-1'), ...names.map((name) => registerPool(rig, name)));
      const known = rig.state();
      const instance = known.instances.get(poolKey('prod', bad))?.[0];
      const edited = { ID: instance?.id, Service: bad, Port: 1, Meta: ownMeta(rig.owner, rig.cluster) };
      await rig.stranger('PUT', 'txn', [{ Service: { Verb: 'set', Node: instance?.consulNode, Service: edited } }]);
      const before = rig.proxy.seen.length;
      const results = await commit(rig, ...names.map((name) => registerPool(rig, name, { port: 30_082, known })));
      expect(results).toEqual([done, failed('CONSUL_CHANGED'), done]);
      expect(rig.proxy.seen.slice(before).filter((request) => request.startsWith('PUT /v1/txn'))).toHaveLength(4);
      const found = await Promise.all(names.map((name) => rig.stranger('GET', `catalog/service/${name}`)));
      expect(found).toMatchObject([30_082, 1, 30_082].map((ServicePort) => [{ ServicePort }]));
    });

    it('a fenced writer writes nothing', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      await rig.stranger('PUT', `session/destroy/${rig.fence.session}`);
      const results = await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, `web-${rig.cluster}`));
      expect(results).toEqual([failed('CONSUL_FENCED'), failed('CONSUL_FENCED')]);
      await rig.registry.refresh(rig.signal);
      expect(rig.state()).toMatchObject({ nodes: new Map(), instances: new Map() });
    });

    it('fills a transaction to the last operation, and refuses a pool that is one larger without sending it', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      await commit(rig, ensureNode(rig, 'worker-1'));
      const writes = (count: number) =>
        Array.from({ length: count }, (_, at) => ({
          key: kvKey(`${rig.keyPath}/.poolkeeper/${rig.cluster}/k${at}`),
          value: 'x',
          modifyIndex: 0,
        }));
      const before = rig.proxy.seen.length;
      expect(await commit(rig, { kind: 'write-kv', writes: writes(128), why: 'test' })).toEqual([failed('CONSUL_TOO_LARGE')]);
      expect(rig.proxy.seen).toHaveLength(before);
      expect(await commit(rig, { kind: 'write-kv', writes: writes(127), why: 'test' })).toEqual([done]);
    });

    it('splits many actions over transactions by count and by size', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const write = (at: number, value: string): RegistryAction => ({
        kind: 'write-kv',
        writes: [{ key: kvKey(`${rig.keyPath}/.poolkeeper/${rig.cluster}/k${at}`), value, modifyIndex: 0 }],
        why: 'test',
      });
      const many = await commit(rig, ...Array.from({ length: 300 }, (_, at) => write(at, 'x')));
      expect(many).toEqual(Array.from({ length: 300 }, () => done));
      const large = await commit(rig, ...[1000, 1001, 1002].map((at) => write(at, 'x'.repeat(200_000))), write(1003, 'x'.repeat(400_000)));
      expect(large).toEqual([done, done, done, failed('CONSUL_TOO_LARGE')]);
      await rig.registry.refresh(rig.signal);
      const written = [...rig.state().kv.keys()].filter((key) => /\/k\d+$/.test(key));
      expect([written.length, written.some((key) => key.endsWith('/k1003'))]).toEqual([303, false]);
    });

    it('does not touch a node of someone else, nor delete one of ours that someone uses', async () => {
      const rig = await open();
      const taken = ensureNode(rig, 'worker-1').node.name;
      await rig.strangerWrites(taken);
      await rig.registry.refresh(rig.signal);
      expect(await commit(rig, ensureNode(rig, 'worker-1'))).toEqual([failed('CONSUL_CHANGED')]);
      expect(await commit(rig, ensureNode(rig, 'worker-2'))).toEqual([done]);
      const node = ensureNode(rig, 'worker-2').node.name;
      await rig.strangerWrites(node, { ID: 'theirs', Service: 'theirs', Port: 1 });
      await rig.registry.refresh(rig.signal);
      expect(rig.state().instances.size).toBe(0);
      const { modifyIndex = 0 } = rig.state().nodes.get(node) ?? {};
      expect(await commit(rig, { kind: 'delete-node', name: node, modifyIndex })).toEqual([failed('CONSUL_NODE_TAKEN')]);
      const left = (await rig.stranger('GET', `catalog/node-services/${node}`)) as { Services: unknown[] };
      expect(left.Services).toHaveLength(1);
    });
  });

  describe('watching', () => {
    it('notices an edit from outside within a second, and tells of it', async () => {
      const rig = await open();
      await rig.registry.refresh(rig.signal);
      const name = `web-${rig.cluster}`;
      await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, name), registerPool(rig, `other-${rig.cluster}`));
      await rig.registry.start(rig.signal);
      const idle = () => rig.state().fresh === false && rig.proxy.seen.filter((request) => request.includes('index=')).length >= 10;
      await eventually(idle, 'all long polls wait');
      const other = rig.state().instances.get(poolKey('prod', `other-${rig.cluster}`));
      let told = 0;
      rig.registry.changed(() => {
        told += 1;
      });
      const instance = rig.state().instances.get(poolKey('prod', name))?.[0];
      const service = { ID: instance?.id, Service: name };
      await rig.stranger('PUT', 'txn', [{ Service: { Verb: 'delete', Node: instance?.consulNode, Service: service } }]);
      await eventually(() => !rig.state().instances.has(poolKey('prod', name)), 'the instance is gone', 1000);
      expect(told).toBeGreaterThan(0);
      await rig.stranger('PUT', 'txn', [{ Check: { Verb: 'delete', Check: { Node: instance?.consulNode, CheckID: 'k8s-node' } } }]);
      await eventually(() => rig.state().checks.size === 0, 'the check is gone', 1000);
      const key = deploymentsKey(rig.keyPath, poolKey('prod', 'other'));
      await rig.stranger('PUT', `kv/${key}`, {});
      await eventually(() => rig.state().kv.has(key), 'the key is there', 1000);
      await rig.strangerWrites(`elsewhere-${rig.cluster}`, { Service: `new-${rig.cluster}`, Port: 1 });
      await eventually(() => rig.state().foreignServices.has(`new-${rig.cluster}`), 'the foreign service is known', 1000);
      await rig.strangerWrites(`elsewhere-${rig.cluster}`, { Service: `new-${rig.cluster}`, Port: 1, Tags: ['v2'] });
      await eventually(() => rig.state().foreignTags?.get(`new-${rig.cluster}`)?.[0]?.[0] === 'v2', 'its tags are known', 1000);
      // What did not change is the very same, so that nothing is worked out from it again.
      expect(rig.state().instances.get(poolKey('prod', `other-${rig.cluster}`))).toBe(other);
    });

    it('comes to rest: nothing is asked but long polls', async () => {
      const rig = await open({ timings: { pollWaitMs: 100 } });
      await rig.registry.start(rig.signal);
      const rested = () => rig.state().fresh === false && rig.proxy.seen.slice(-25).every((request) => request.includes('index='));
      await eventually(rested, 'five rounds of long polls without another request');
    });
  });
}
