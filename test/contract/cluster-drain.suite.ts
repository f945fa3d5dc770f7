import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeDrains } from '../../src/adapters/kubernetes/node-drains.ts';
import { nodeName } from '../../src/core/model/ids.ts';
import { drainOf } from '../../src/core/model/nodes.ts';
import type { NodeDrains } from '../../src/core/model/ports.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import { type ApiServer, openRig, type Rig } from './cluster-rig.ts';

/** Marking nodes: two annotations, and nothing else of a node. */
export function clusterDrainSuite(server: () => ApiServer): void {
  let rig: Rig;
  let drains: NodeDrains;
  let node: ReturnType<typeof nodeName>;
  beforeEach(async () => {
    rig = await openRig(server());
    drains = createNodeDrains(rig.client);
    node = nodeName(`${rig.namespace}.example.com`);
    await rig.call('POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node, annotations: { own: 'stays' } },
      spec: { unschedulable: true },
    });
  });
  afterEach(async () => {
    await rig.call('DELETE', `/api/v1/nodes/${node}`);
    await rig.close();
  });

  const annotations = async (): Promise<Readonly<Record<string, string>>> => {
    const { metadata } = (await rig.call('GET', `/api/v1/nodes/${node}`)) as {
      readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
    };
    return Object.fromEntries(Object.entries(metadata.annotations).filter(([key]) => key === 'own' || key.startsWith('poolkeeper.dev/')));
  };

  describe('a node that is to leave', () => {
    it('is marked with the reason last given, and unmarked without a trace, by one request each', async () => {
      expect(await drains.mark(node, 'new disk', rig.signal)).toEqual({ kind: 'done' });
      expect(await annotations()).toEqual({ own: 'stays', 'poolkeeper.dev/drain': 'true', 'poolkeeper.dev/drain-reason': 'new disk' });
      expect(await drains.mark(node, undefined, rig.signal)).toEqual({ kind: 'done' });
      expect(await annotations()).toEqual({ own: 'stays', 'poolkeeper.dev/drain': 'true' });
      expect(await drains.unmark(node, rig.signal)).toEqual({ kind: 'done' });
      expect(await drains.unmark(node, rig.signal)).toEqual({ kind: 'done' });
      expect(await annotations()).toEqual({ own: 'stays' });
      expect(rig.proxy.seen().map(({ method, path }) => `${method} ${path}`)).toEqual(Array(4).fill(`PATCH /api/v1/nodes/${node}`));
    });

    it('is changed only by what changes it: marking it again leaves its version', async () => {
      const version = async (): Promise<unknown> => {
        const { metadata } = (await rig.call('GET', `/api/v1/nodes/${node}`)) as { readonly metadata: Readonly<Record<string, unknown>> };
        return metadata['resourceVersion'];
      };
      await drains.mark(node, 'new disk', rig.signal);
      // The kubelet writes to its node, too, at times of its own.
      const leavesVersion = async (): Promise<boolean> => {
        const before = await version();
        await drains.mark(node, 'new disk', rig.signal);
        return (await version()) === before;
      };
      await expect.poll(leavesVersion).toBe(true);
    });

    it('shows in the leg', async () => {
      const leg = await rig.open();
      await drains.mark(node, 'new disk', rig.signal);
      const seen = (): unknown => {
        const facts = snapshotValue(leg.state().nodes)?.find(({ name }) => name === node);
        return facts === undefined ? undefined : drainOf(facts);
      };
      await expect.poll(seen).toEqual({ reason: 'new disk' });
      await drains.unmark(node, rig.signal);
      await expect.poll(seen).toBeUndefined();
    });

    it.each(['nobody', 'N1', '..', '../pods', 'a/b', '', `a${'b'.repeat(253)}`])(
      'is told when there is none of the name %j',
      async (name) => {
        expect(await drains.mark(nodeName(name), undefined, rig.signal)).toEqual({ kind: 'no-such-node' });
      },
    );

    it('is told when the API server does not answer', async () => {
      await rig.proxy.close();
      expect(await drains.mark(node, undefined, rig.signal)).toMatchObject({ kind: 'failed', problem: { code: 'KUBERNETES_UNAVAILABLE' } });
    });

    it('is told with the missing right', async () => {
      const { powerless } = server();
      if (powerless === undefined) return;
      const weak = await openRig(server(), powerless.token);
      expect(await createNodeDrains(weak.client).mark(node, undefined, rig.signal)).toMatchObject({
        kind: 'failed',
        problem: { code: 'KUBERNETES_FORBIDDEN', message: expect.stringContaining('cannot patch resource "nodes"') },
      });
      await weak.close();
    });
  });
}
