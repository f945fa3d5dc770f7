import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readClusterUid } from '../../src/adapters/kubernetes/cluster-uid.ts';
import { DEPLOYMENT_KIND, groupKind, NAMESPACE_KIND, objectKey } from '../../src/core/model/ids.ts';
import { keyOfObject } from '../../src/core/model/objects.ts';
import type { SeenRequest } from './cluster-proxy.ts';
import {
  type ApiServer,
  applied,
  CONFIG_MAP,
  claimsOf,
  codeOf,
  configMap,
  create,
  deployment,
  FAST,
  live,
  mustLive,
  NO_CLAIMS,
  openRig,
  pathOf,
  type Rig,
  remove,
  unmarked,
} from './cluster-rig.ts';

const MERGE = 'application/merge-patch+json';

/** How the leg learns what it does not watch yet, and what it says when it may not. */
export function clusterPrepareSuite(server: () => ApiServer): void {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(server());
  });
  afterEach(() => rig.close());

  const post = (object: { kind: string; apiVersion: string }): Promise<unknown> => {
    const base = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`;
    return rig.call('POST', `${base}/namespaces/${rig.namespace}/${object.kind.toLowerCase()}s?fieldManager=someone`, object);
  };
  const calls = (): readonly SeenRequest[] => rig.proxy.seen().filter(({ isWatch }) => !isWatch);

  describe('kinds', () => {
    it('watches a kind from when it is asked for, and says nothing of it before', async () => {
      const leg = await rig.open();
      expect(leg.state().objects.has(DEPLOYMENT_KIND)).toBe(false);
      await leg.prepare(new Set([DEPLOYMENT_KIND]), NO_CLAIMS, rig.signal);
      expect(leg.state().objects.get(DEPLOYMENT_KIND)?.kind).toBe('complete');
    });

    it('watches a kind no more once nobody asks for it and nothing of it is left', async () => {
      const leg = await rig.open();
      const first = await applied(rig, leg, configMap(rig, 'settings'));
      await leg.prepare(new Set(), NO_CLAIMS, rig.signal);
      expect(live(leg, first.key)).toBeDefined();
      await leg.apply(remove(first), rig.signal);
      rig.proxy.forget();
      await leg.prepare(new Set(), NO_CLAIMS, rig.signal);
      expect(leg.state().objects.has(CONFIG_MAP)).toBe(false);
      // Others go on, and this one does not come back.
      rig.proxy.cut();
      const isWatched = (plural: string): boolean => rig.proxy.seen().some(({ isWatch, path }) => isWatch && path.endsWith(`/${plural}`));
      await expect.poll(() => isWatched('nodes') && isWatched('pods')).toBe(true);
      expect(isWatched('configmaps')).toBe(false);
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, configMap(rig, 'again'));
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      expect(leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
      expect(live(leg, keyOfObject(configMap(rig, 'again')))).toBeDefined();
    });

    it('says that a kind is not served', async () => {
      const leg = await rig.open();
      const kind = groupKind('nowhere.example', 'Widget');
      await leg.prepare(new Set([kind, CONFIG_MAP]), NO_CLAIMS, rig.signal);
      expect(leg.state().objects.get(kind)).toMatchObject({ kind: 'unavailable', reason: { code: 'KUBERNETES_UNKNOWN_KIND' } });
      expect(leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
    });

    it('names the right that is missing', async ({ skip }) => {
      const { powerless } = server();
      if (powerless === undefined) {
        skip('this server does not check rights');
        return;
      }
      const weak = await openRig(server(), powerless.token);
      try {
        const leg = await weak.open();
        expect(leg.state().nodes).toMatchObject({ kind: 'unavailable', reason: { code: 'KUBERNETES_FORBIDDEN' } });
        expect(leg.state().services).toMatchObject({ reason: { message: expect.stringMatching(/"list" on services in all namespaces/) } });
        const result = await leg.apply(create(configMap(weak, 'settings')), weak.signal);
        const message = expect.stringContaining(`"patch" on configmaps in the namespace ${weak.namespace}`);
        expect(result).toMatchObject({ kind: 'failed', problem: { code: 'KUBERNETES_FORBIDDEN', message } });
      } finally {
        await weak.close();
      }
    });

    it('does not wait for ever for an API server that does not answer', async () => {
      rig.proxy.freeze();
      const leg = await rig.open({ settleMs: 100 });
      expect(leg.state().nodes.kind).toBe('unavailable');
      rig.proxy.thaw();
      await expect.poll(() => leg.state().nodes.kind).toBe('complete');
    });

    it('tells clusters apart by the uid of kube-system', async () => {
      expect(await readClusterUid(rig.client, rig.signal)).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  describe('claims', () => {
    it("learns what is not there and what is a stranger's, once", async () => {
      const leg = await rig.open();
      const [absent, stranger] = [configMap(rig, 'absent'), configMap(rig, 'stranger')];
      await post(unmarked(stranger));
      const claims = claimsOf(absent, stranger);
      await leg.prepare(new Set(), claims, rig.signal);
      expect(live(leg, keyOfObject(absent))).toBeUndefined();
      expect(mustLive(leg, keyOfObject(stranger))).toMatchObject({ name: 'stranger', managers: [{ name: 'someone' }], spec: {} });
      expect(mustLive(leg, keyOfObject(stranger)).ourFields).toBeUndefined();
      expect(calls().find(({ path }) => path.endsWith('/stranger'))?.accept).toContain('as=PartialObjectMetadata;');
      rig.proxy.forget();
      await leg.prepare(new Set(), claims, rig.signal);
      expect(calls()).toEqual([]);
    });

    it('looks again when what it knows is old', async () => {
      const leg = await rig.open({ claims: { absentTtlMs: 0, strangerTtlMs: 0 } });
      const object = configMap(rig, 'settings');
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(live(leg, keyOfObject(object))).toBeUndefined();
      await post(unmarked(object));
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(live(leg, keyOfObject(object))?.managers).toHaveLength(1);
      await rig.call('DELETE', pathOf(object));
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(live(leg, keyOfObject(object))).toBeUndefined();
    });

    it("knows replicas and selector of a stranger's workload", async () => {
      const leg = await rig.open();
      const object = deployment(rig, 'web');
      await post(unmarked(object));
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(mustLive(leg, keyOfObject(object)).spec).toMatchObject({ replicas: 0, selector: { matchLabels: { app: 'web' } } });
    });

    it('lists a kind once when many of it are claimed', async () => {
      const leg = await rig.open({ claims: { maxLookups: 2 } });
      const objects = ['a', 'b', 'c', 'd'].map((name) => configMap(rig, name));
      await post(unmarked(configMap(rig, 'c')));
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      rig.proxy.forget();
      await leg.prepare(new Set(), claimsOf(...objects), rig.signal);
      expect(calls().map(({ accept }) => accept.includes('as=PartialObjectMetadataList;'))).toEqual([true]);
      expect(objects.filter((object) => live(leg, keyOfObject(object)) !== undefined).map(({ metadata }) => metadata.name)).toEqual(['c']);
    });

    it('finds an object of ours that has lost its label', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const { key } = await applied(rig, leg, object);
      await rig.call('PATCH', pathOf(object), { metadata: { labels: null } }, MERGE);
      await expect.poll(() => live(leg, key)).toBeUndefined();
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(mustLive(leg, key)).toMatchObject({ labels: {}, ourFields: { 'f:data': { 'f:a': {} } } });
    });

    it('does not call a kind known of which one object could not be looked for', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      rig.proxy.answer(({ path }) => (path.endsWith('/settings') ? { status: 503, body: {} } : undefined));
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(leg.state().objects.get(CONFIG_MAP)?.kind).toBe('unavailable');
      rig.proxy.answer(undefined);
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      expect(leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
    });

    it('shows claimed Services, and asks nothing for them', async () => {
      const leg = await rig.open();
      const path = `/api/v1/namespaces/${rig.namespace}/services`;
      await rig.call('POST', path, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
      const key = objectKey(groupKind('', 'Service'), rig.namespace, 'web');
      await expect.poll(() => leg.state().services).toMatchObject({ kind: 'complete' });
      rig.proxy.forget();
      expect(live(leg, key)).toBeUndefined();
      await leg.prepare(new Set(), new Map([[key, 'v1']]), rig.signal);
      await expect.poll(() => live(leg, key)?.name).toBe('web');
      expect(calls()).toEqual([]);
    });

    it('knows objects of the cluster', async () => {
      const leg = await rig.open({ timings: FAST });
      const key = objectKey(NAMESPACE_KIND, '', rig.namespace);
      await leg.prepare(new Set(), new Map([[key, 'v1']]), rig.signal);
      expect(mustLive(leg, key)).toMatchObject({ kind: 'Namespace', namespace: '', name: rig.namespace });
      expect(codeOf(leg.state().objects.get(NAMESPACE_KIND))).toBeUndefined();
    });
  });
}
