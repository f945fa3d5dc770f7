import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterAdapter } from '../../src/adapters/kubernetes/create-cluster.ts';
import { DEPLOYMENT_KIND, type ObjectKey, poolKey, specId } from '../../src/core/model/ids.ts';
import { keyOfObject } from '../../src/core/model/objects.ts';
import type { PodTrouble } from '../../src/core/model/pods.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import {
  type ApiServer,
  applied,
  CONFIG_MAP,
  change,
  claimsOf,
  codeOf,
  configMap,
  create,
  deployment,
  live,
  mustLive,
  NO_CLAIMS,
  openRig,
  type Rig,
  recordDirty,
  service,
  specOf,
  unmarked,
} from './cluster-rig.ts';

const MERGE = 'application/merge-patch+json';

/** What the leg shows of how objects fare: their status, and the pods that are not ready. */
export function clusterStatusSuite(server: () => ApiServer): void {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(server());
  });
  afterEach(() => rig.close());

  const troubles = (leg: ClusterAdapter, key: ObjectKey): readonly PodTrouble[] | undefined => snapshotValue(leg.state().pods)?.get(key);

  describe('status', () => {
    it('is shown as the controllers write it, and wakes the spec', async () => {
      const leg = await rig.open();
      const object = deployment(rig, 'web');
      const dirty = recordDirty(leg);
      const { key } = await applied(rig, leg, object);
      expect(mustLive(leg, key).generation).toBe(1);
      const conditions = [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' },
        {
          type: 'Progressing',
          status: 'True',
          reason: 'NewReplicaSetAvailable',
          message: expect.stringContaining('successfully progressed'),
        },
      ];
      const status = { observedGeneration: 1, conditions: expect.arrayContaining(conditions) };
      await expect.poll(() => live(leg, key)?.status, { timeout: 10_000 }).toEqual(status);
      await expect.poll(() => dirty.keys).toContain(specId(specOf('web')));
    });

    it('is the same in the answer of an apply, in an event and in a list', async () => {
      const leg = await rig.open();
      const { key } = await applied(rig, leg, deployment(rig, 'web'));
      const observed = (): unknown => live(leg, key)?.status?.['observedGeneration'];
      await expect.poll(observed, { timeout: 10_000 }).toBe(1);
      rig.proxy.freeze('watches');
      const next = deployment(rig, 'web', { progressDeadlineSeconds: 60 });
      await leg.apply(change(next, mustLive(leg, key)), rig.signal);
      const answered = mustLive(leg, key);
      expect([answered.generation, answered.status?.['conditions']]).toEqual([2, expect.arrayContaining([expect.anything()])]);
      rig.proxy.thaw();
      await expect.poll(observed, { timeout: 10_000 }).toBe(2);
      const other = await rig.open();
      await other.prepare(new Set([DEPLOYMENT_KIND]), NO_CLAIMS, rig.signal);
      await expect.poll(() => live(leg, key)).toEqual(mustLive(other, key));
      expect({ ...answered.status, observedGeneration: 2 }).toEqual(mustLive(leg, key).status);
    });

    it('is empty where there is none, and absent where only metadata was asked for', async () => {
      const leg = await rig.open();
      const [own, strange] = [configMap(rig, 'settings'), unmarked(configMap(rig, 'strange'))];
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, strange);
      await leg.prepare(new Set(), claimsOf(own, strange, service(rig, 'web')), rig.signal);
      for (const object of [own, service(rig, 'web')]) await leg.apply(create(object), rig.signal);
      expect(mustLive(leg, keyOfObject(own)).status).toEqual({});
      expect(mustLive(leg, keyOfObject(service(rig, 'web'))).status).toEqual({ loadBalancer: {} });
      expect(mustLive(leg, keyOfObject(strange))).not.toHaveProperty('status');
    });
  });

  /** A pod that no scheduler and no kubelet touches, controlled by an object. */
  const pod = async (name: string, controller: { readonly name: string; readonly uid: string }): Promise<string> => {
    const path = `/api/v1/namespaces/${rig.namespace}/pods`;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: controller.name, uid: controller.uid, controller: true }];
    const containers = [{ name: 'main', image: 'registry.invalid/main:1' }];
    await rig.call('POST', path, { metadata: { name, ownerReferences }, spec: { schedulerName: 'nobody', containers } });
    return `${path}/${name}/status`;
  };
  const ready = (status: 'True' | 'False'): object => ({
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status, reason: status === 'True' ? '' : 'ContainersNotReady', message: status === 'True' ? '' : 'not yet' },
      ],
    },
  });

  describe('pods', () => {
    it('in trouble are shown by their workload and wake its spec, until they are ready', async () => {
      const leg = await rig.open();
      const { key, name, uid } = await applied(rig, leg, configMap(rig, 'workload'));
      const status = await pod('one', { name, uid });
      const dirty = recordDirty(leg);
      await rig.call('PATCH', status, ready('False'), MERGE);
      const expected = [{ pod: 'one', workload: key, reason: 'ContainersNotReady', message: 'not yet' }];
      await expect.poll(() => troubles(leg, key)).toEqual(expected);
      await expect.poll(() => dirty.keys).toContain(specId(specOf('workload')));
      const other = await rig.open();
      expect(troubles(other, key)).toEqual(expected);
      dirty.keys.clear();
      await rig.call('PATCH', status, ready('True'), MERGE);
      await expect.poll(() => troubles(leg, key)).toBeUndefined();
      await expect.poll(() => dirty.keys).toContain(specId(specOf('workload')));
      expect(dirty.all).toBe(0);
    });

    it('of strangers wake nobody', async () => {
      const leg = await rig.open();
      const strange = await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, unmarked(configMap(rig, 'strange')));
      const { uid } = strange['metadata'] as { readonly uid: string };
      await applied(rig, leg, configMap(rig, 'workload'));
      const status = await pod('one', { name: 'strange', uid });
      const dirty = recordDirty(leg);
      await rig.call('PATCH', status, ready('False'), MERGE);
      await expect.poll(() => troubles(leg, keyOfObject(configMap(rig, 'strange')))).toHaveLength(1);
      // What it would have woken is told by now.
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/services`, unmarked(service(rig, 'marker')));
      await expect.poll(() => dirty.keys).toContain(poolKey(rig.namespace, 'marker'));
      expect([...dirty.keys].filter((key) => key.startsWith('specs/'))).toEqual([]);
      expect(dirty.all).toBe(0);
    });

    it('that may not be read are told as such, and nothing waits for them', async () => {
      const body = { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'pods is forbidden' };
      rig.proxy.answer(({ path }) => (path === '/api/v1/pods' ? { status: 403, body } : undefined));
      const leg = await rig.open();
      const { pods, nodes, services, endpoints } = leg.state();
      expect([pods.kind, codeOf(pods)]).toEqual(['unavailable', 'KUBERNETES_FORBIDDEN']);
      expect([nodes.kind, services.kind, endpoints.kind]).toEqual(['complete', 'complete', 'complete']);
      await applied(rig, leg, configMap(rig, 'settings'));
      expect(leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
      rig.proxy.answer(undefined);
      await expect.poll(() => leg.state().pods.kind).toBe('complete');
    });

    it('keep their identity while nothing that is shown of them changes', async () => {
      const leg = await rig.open();
      const workload = await applied(rig, leg, configMap(rig, 'workload'));
      const other = await applied(rig, leg, configMap(rig, 'other'));
      const status = await pod('one', workload);
      const marker = await pod('two', other);
      await rig.call('PATCH', status, ready('False'), MERGE);
      await expect.poll(() => troubles(leg, workload.key)).toHaveLength(1);
      const before = troubles(leg, workload.key);
      await rig.call('PATCH', status, { metadata: { annotations: { note: 'changed' } } }, MERGE);
      await rig.call('PATCH', marker, ready('False'), MERGE);
      await expect.poll(() => troubles(leg, other.key)).toHaveLength(1);
      expect(troubles(leg, workload.key)).toBe(before);
    });

    it.for([
      {
        what: 'whose image cannot be pulled',
        image: 'registry.invalid/main:missing',
        annotations: {},
        expected: { reason: 'ImagePullBackOff', message: expect.stringMatching(/^container main: Back-off pulling image/) },
      },
      {
        what: 'that never get ready',
        image: 'registry.invalid/main:1',
        annotations: { 'poolkeeper.test/never-ready': 'true' },
        expected: { reason: 'ContainersNotReady', message: 'containers with unready status: [main]' },
      },
    ])('$what are told in their own words, until the Deployment is mended', async ({ image, annotations, expected }, { skip }) => {
      if (server().runsPods !== true) {
        skip('this server runs no pods');
        return;
      }
      const leg = await rig.open();
      const labels = { app: 'web' };
      const containers = [{ name: 'main', image }];
      const template = { metadata: { labels, annotations }, spec: { containers } };
      const { key } = await applied(rig, leg, deployment(rig, 'web', { replicas: 2, template }));
      const trouble = expect.objectContaining({ workload: key, ...expected });
      await expect.poll(() => troubles(leg, key), { timeout: 20_000 }).toEqual([trouble, trouble]);
      await leg.apply(change(deployment(rig, 'web', { replicas: 2 }), mustLive(leg, key)), rig.signal);
      await expect.poll(() => troubles(leg, key), { timeout: 20_000 }).toBeUndefined();
      await expect.poll(() => live(leg, key)?.status, { timeout: 20_000 }).toMatchObject({ readyReplicas: 2, observedGeneration: 2 });
    });
  });
}
