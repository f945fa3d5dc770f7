import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeName, poolKey, specId } from '../../src/core/model/ids.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import {
  type ApiServer,
  applied,
  CONFIG_MAP,
  change,
  configMap,
  keyIn,
  live,
  mustLive,
  openRig,
  pathOf,
  type Rig,
  recordDirty,
  remove,
  service,
  specOf,
} from './cluster-rig.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';
const MERGE = 'application/merge-patch+json';

/** Who is woken by what. */
export function clusterWakeSuite(server: () => ApiServer): void {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(server());
  });
  afterEach(() => rig.close());

  describe('what wakes whom', () => {
    it('a changed object wakes its spec, a changed Service also its pool', async () => {
      const leg = await rig.open();
      const [settings, web] = [configMap(rig, 'settings'), service(rig, 'web')];
      const { key } = await applied(rig, leg, settings);
      await applied(rig, leg, web);
      const dirty = recordDirty(leg);
      await rig.call('PATCH', pathOf(settings), { data: { c: '3' } }, MERGE);
      await expect.poll(() => dirty.keys).toContain(specId(specOf('settings')));
      expect(mustLive(leg, key).managers.length).toBe(2);
      await rig.call('PATCH', pathOf(web), { metadata: { labels: { tier: 'front' } } }, MERGE);
      await expect.poll(() => dirty.keys).toContain(poolKey(rig.namespace, 'web'));
      expect(dirty.keys).toContain(specId(specOf('web')));
      expect(dirty.all).toBe(0);
    });

    it('what the watch repeats of our own writes wakes nobody', async () => {
      const leg = await rig.open();
      const changed = await applied(rig, leg, configMap(rig, 'changed'));
      const removed = await applied(rig, leg, configMap(rig, 'removed'));
      const path = `/api/v1/namespaces/${rig.namespace}/configmaps`;
      const marker = (name: string): Promise<unknown> => rig.call('POST', path, configMap(rig, name));
      await marker('before');
      const dirty = recordDirty(leg);
      await expect.poll(() => live(leg, keyIn(rig, CONFIG_MAP, 'before'))).toBeDefined();
      rig.proxy.freeze('watches');
      await leg.apply(change(configMap(rig, 'changed', { a: '2' }), changed), rig.signal);
      await leg.apply(remove(removed), rig.signal);
      await marker('after');
      rig.proxy.thaw();
      await expect.poll(() => dirty.keys).toContain(specId(specOf('after')));
      expect(dirty.keys).not.toContain(specId(specOf('changed')));
      expect(dirty.keys).not.toContain(specId(specOf('removed')));
    });

    it('a node that changes wakes its name, a heartbeat wakes nobody', async () => {
      const leg = await rig.open();
      const name = `${rig.namespace}-node`;
      const path = `/api/v1/nodes/${name}`;
      const dirty = recordDirty(leg);
      const addresses = [{ type: 'InternalIP', address: '127.0.1.1' }];
      const found = () => snapshotValue(leg.state().nodes)?.find((node) => node.name === name);
      const beat = (lastHeartbeatTime: string): Promise<unknown> => {
        const ready = { type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime, lastTransitionTime: '2026-01-01T00:00:00Z' };
        return rig.call('PATCH', `${path}/status`, { status: { addresses, conditions: [ready] } }, STRATEGIC);
      };
      await rig.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
      await beat('2026-01-01T00:00:00Z');
      await expect.poll(found, { timeout: 10_000 }).toMatchObject({ ready: true, taints: [], addresses });
      await expect.poll(() => dirty.keys).toContain(nodeName(name));
      let beats = 0;
      // Where controllers run they still write to a new node: tried until they have done with it.
      const heartbeatWakesNobody = async (): Promise<void> => {
        const [facts, marker] = [found(), `${name}-${++beats}`];
        dirty.keys.clear();
        await beat(`2026-01-01T00:01:${10 + beats}Z`);
        // Comes after the heartbeat in the same watch.
        await rig.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: marker } });
        await expect.poll(() => dirty.keys).toContain(nodeName(marker));
        await rig.call('DELETE', `/api/v1/nodes/${marker}`);
        expect(dirty.keys).not.toContain(nodeName(name));
        expect(found()).toBe(facts);
      };
      await vi.waitFor(heartbeatWakesNobody, { timeout: 10_000, interval: 200 });
      await rig.call('PATCH', path, { spec: { unschedulable: true } }, MERGE);
      await expect.poll(() => dirty.keys).toContain(nodeName(name));
      expect(found()?.unschedulable).toBe(true);
      await rig.call('DELETE', path);
      await expect.poll(found).toBeUndefined();
    });

    it('endpoints are counted over all slices of a Service, and wake its pool only when they change', async () => {
      const leg = await rig.open();
      const pool = poolKey(rig.namespace, 'web');
      const dirty = recordDirty(leg);
      const path = `/apis/discovery.k8s.io/v1/namespaces/${rig.namespace}/endpointslices`;
      const slice = (name: string, endpoints: readonly unknown[], labels = {}) => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name, namespace: rig.namespace, labels: { 'kubernetes.io/service-name': 'web', ...labels } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints,
      });
      const ready = { addresses: ['10.0.0.1'], conditions: { ready: true }, nodeName: 'n1' };
      const unknown = { addresses: ['10.0.0.2'], conditions: {}, nodeName: 'n2' };
      const leaving = { addresses: ['10.0.0.3'], conditions: { ready: false, serving: true, terminating: true }, nodeName: 'n3' };
      await rig.call('POST', path, slice('web-1', [ready, leaving]));
      await rig.call('POST', path, slice('web-2', [ready, unknown]));
      const facts = () => snapshotValue(leg.state().endpoints)?.get(pool);
      await expect.poll(facts).toEqual({ pool, ready: 2, readyNodes: ['n1', 'n2'], portNames: ['http'] });
      await expect.poll(() => dirty.keys).toContain(pool);
      const before = facts();
      dirty.keys.clear();
      await rig.call('PUT', `${path}/web-2`, slice('web-2', [ready, unknown], { note: 'changed' }));
      await rig.call('POST', path, {
        ...slice('other-1', [ready]),
        metadata: { name: 'other-1', labels: { 'kubernetes.io/service-name': 'other' } },
      });
      await expect.poll(() => dirty.keys).toContain(poolKey(rig.namespace, 'other'));
      expect(dirty.keys).not.toContain(pool);
      expect(facts()).toBe(before);
      await rig.call('DELETE', `${path}/web-1`);
      await rig.call('DELETE', `${path}/web-2`);
      await expect.poll(facts).toBeUndefined();
      await expect.poll(() => dirty.keys).toContain(pool);
    });
  });
}
