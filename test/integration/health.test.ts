import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { poolCheckId } from '../../src/core/model/consul-names.ts';
import { poolKey } from '../../src/core/model/ids.ts';
import { appManifest } from '../support/app-manifest.ts';
import { type AskConsul, probeOnce } from '../support/fake-esm.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'health';
const SERVED = 'health-served';
const PROBED = 'health-probed';
const health = (mode: string): Readonly<Record<string, string>> => ({ 'poolkeeper.dev/health': mode });

const stack = inject('stack') as StackConnection;
const ask: AskConsul = (method, path, body) => consulRequest(stack, method, `/v1/${path}`, body);

/** An instance as a reader of `health/service` sees it. */
interface Entry {
  readonly Node: { readonly Node: string };
  readonly Service: { readonly Tags: readonly string[] };
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string; readonly Output: string; readonly ModifyIndex: number }[];
}
const passing = async (service: string): Promise<readonly Entry[]> =>
  (await ask('GET', `health/service/${service}?passing`)) as readonly Entry[];
const nodesOf = (entries: readonly Entry[]): readonly string[] => entries.map(({ Node }) => Node.Node.replace(`k8s-${NAME}-`, '')).sort();

describe.skipIf(inject('stack') === undefined)('the health of a pool, on real servers', () => {
  let site: Site;
  let listeners: NodeListeners;
  let watching: TraefikServer;

  beforeAll(async () => {
    const files = {
      'served.yaml': appManifest(SERVED, { annotations: health('endpoints') }),
      'probed.yaml': appManifest(PROBED, { annotations: health('esm') }),
    };
    listeners = await startNodeListeners({ stack, nodes: SHARED_NODES });
    watching = await startTraefik({ consulUrl: stack.consulUrl, refresh: { kind: 'watch' } });
    site = await prepareSite({ stack, name: NAME, files });
    await site.daemon.start();
    await inStep();
  });

  afterAll(async () => {
    await site?.remove();
    await watching?.stop();
    await listeners?.stop();
  });

  const inStep = async (revision?: string): Promise<void> => {
    await site.daemon.waitFor(
      'all in step',
      (report) => (revision === undefined || report.revision === revision) && report.specs.every(({ state }) => state === 'in-step'),
    );
  };
  const fullCompare = async (): Promise<void> => {
    const { startedAtMs } = await site.daemon.status();
    await site.daemon.resync();
    await site.daemon.waitFor('a full compare', (report) => report.startedAtMs > startedAtMs && report.trigger.includes('resync'));
  };
  const words = async (pool: string): Promise<string> => {
    const report = await site.daemon.status();
    return report.pools.find((one) => one.pool === `${NAME}/${pool}`)?.health.words ?? 'none';
  };
  const waitForWords = (pool: string, expected: string): Promise<unknown> =>
    waitUntil(`${pool}: ${expected}`, async () => ((await words(pool)) === expected ? true : undefined), { describe: () => expected });
  /** What a client gets through a Traefik, and from which node. */
  const get = (traefik: { readonly webUrl: string }, app: string): Promise<{ readonly status: number; readonly node: unknown }> =>
    new Promise((resolve, reject) => {
      const asked = request(traefik.webUrl, { headers: { host: `${app}.example.com` }, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, node: answer.headers['x-node'] }));
      });
      asked.on('error', reject).end();
    });
  const waitForStatus = (app: string, status: number): Promise<unknown> =>
    waitUntil(`${app} answers ${status}`, async () => ((await get(watching, app)).status === status ? true : undefined));

  describe('endpoints', () => {
    const pods = async (): Promise<readonly string[]> => {
      const path = `/api/v1/namespaces/${NAME}/pods?labelSelector=app%3D${SERVED}`;
      const list = (await kubeRequest(stack, 'GET', path)) as {
        readonly items: readonly { readonly metadata: { readonly name: string } }[];
      };
      return list.items.map(({ metadata }) => metadata.name);
    };
    const setReady = async (pod: string, ready: boolean): Promise<void> => {
      const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: ready ? 'True' : 'False' }));
      const path = `/api/v1/namespaces/${NAME}/pods/${pod}/status`;
      await kubeFetch(stack, { method: 'PATCH', path, contentType: patchTypes.strategic, body: { status: { conditions } } });
    };
    const readyEndpoints = async (): Promise<number> => {
      const path = `/apis/discovery.k8s.io/v1/namespaces/${NAME}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${SERVED}`;
      const { items } = (await kubeRequest(stack, 'GET', path)) as {
        readonly items: readonly { readonly endpoints?: readonly { readonly conditions: { readonly ready: boolean } }[] }[];
      };
      return items.flatMap(({ endpoints = [] }) => endpoints.filter(({ conditions }) => conditions.ready)).length;
    };

    it('stay passing while one is ready, turn critical with the last one, and come back, seen by a Traefik that watches', async () => {
      expect(nodesOf(await passing(SERVED))).toEqual(['n1', 'n2', 'n3']);
      await waitForStatus(SERVED, 200);
      const [first = '', last = ''] = await pods();
      site.consul.forget();
      await setReady(first, false);
      await waitUntil('one endpoint left', async () => ((await readyEndpoints()) === 1 ? true : undefined));
      await fullCompare();
      expect(nodesOf(await passing(SERVED))).toHaveLength(3);
      await setReady(last, false);
      await waitUntil('none passing', async () => ((await passing(SERVED)).length === 0 ? true : undefined));
      const critical = (await ask('GET', `health/service/${SERVED}`)) as readonly Entry[];
      expect(nodesOf(critical)).toEqual(['n1', 'n2', 'n3']);
      expect(critical.flatMap(({ Checks }) => Checks.filter(({ Status }) => Status === 'critical')).map(({ Output }) => Output)).toEqual(
        [1, 2, 3].map(() => `no endpoint of Service ${NAME}/${SERVED} is ready`),
      );
      await waitForWords(SERVED, 'critical: no endpoint is ready');
      await waitForStatus(SERVED, 404);
      // The NodePort is still held, and nothing was told to drain.
      expect(await instancesOf(stack, SERVED)).toHaveLength(3);
      await setReady(first, true);
      await waitUntil('all passing', async () => ((await passing(SERVED)).length === 3 ? true : undefined));
      await waitForWords(SERVED, 'an endpoint is ready');
      await waitForStatus(SERVED, 200);
      expect(site.consul.requests.filter(({ path }) => path === '/v1/txn')).toHaveLength(2);
      await setReady(last, true);
    });
  });

  describe('esm', () => {
    const checkId = poolCheckId(poolKey(NAME, PROBED), 'esm');
    const probes = async (): Promise<readonly string[]> => {
      const entries = (await ask('GET', `health/service/${PROBED}`)) as readonly Entry[];
      return entries
        .flatMap(({ Node, Checks }) => Checks.filter(({ CheckID }) => CheckID === checkId).map((check) => ({ ...check, on: Node.Node })))
        .map(({ on, Status, ModifyIndex }) => `${on} ${Status} ${ModifyIndex}`)
        .sort();
    };
    const servedBy = async (): Promise<readonly string[]> => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => get(watching, PROBED)));
      return [...new Set(answers.map(({ status, node }) => (status === 200 ? String(node) : `status ${status}`)))].sort();
    };

    it('enters as passing, and leaves the word to consul-esm', async () => {
      expect(await words(PROBED)).toBe('0 of 3 answer consul-esm, 3 not probed yet');
      expect(nodesOf(await passing(PROBED))).toEqual(['n1', 'n2', 'n3']);
      await listeners.setDown('n2', true);
      expect(await probeOnce(ask, NAME)).toBe(3);
      expect(nodesOf(await passing(PROBED))).toEqual(['n1', 'n3']);
      await waitForWords(PROBED, '2 of 3 answer consul-esm');
      await waitUntil('n2 out of traffic', async () => ((await servedBy()).join() === 'n1,n3' ? true : undefined));
    });

    it('keeps the word of consul-esm over changes of tags, restarts and full compares', async () => {
      const before = await probes();
      const changed = appManifest(PROBED, { tags: 'kubernetes,changed', annotations: health('esm') });
      await inStep(await site.git.commit({ 'probed.yaml': changed }, 'another tag'));
      const entries = (await ask('GET', `health/service/${PROBED}`)) as readonly Entry[];
      expect(entries.every(({ Service }) => Service.Tags.includes('changed'))).toBe(true);
      expect(await probes()).toEqual(before);

      await site.daemon.stop();
      for (const proxy of [site.consul, site.kubernetes]) proxy.forget();
      await site.daemon.start();
      await inStep();
      await site.daemon.waitFor('it leads', ({ leader }) => leader.consul && leader.kubernetes);
      await fullCompare();
      const kinds = new Set([...site.consul.requests, ...site.kubernetes.requests].flatMap(writeKindsOf));
      expect([...kinds].sort()).toEqual(['Lease', 'lock acquire', 'session create']);
      expect(await probes()).toEqual(before);
    });

    it('another NodePort is probed anew, from what consul-esm said last', async () => {
      const nodePort = 30_977;
      const changed = appManifest(PROBED, { nodePort, tags: 'kubernetes,changed', annotations: health('esm') });
      await inStep(await site.git.commit({ 'probed.yaml': changed }, 'another NodePort'));
      expect((await probes()).map((line) => line.split(' ')[1])).toEqual(['passing', 'critical', 'passing']);
      await listeners.setDown('n2', false);
      await waitUntil('n2 listens', () => (listeners.open().includes(`n2:${nodePort}`) ? true : undefined));
      expect(await probeOnce(ask, NAME)).toBe(3);
      expect(nodesOf(await passing(PROBED))).toEqual(['n1', 'n2', 'n3']);
    });

    it('a living pool goes from mode to mode, and no reader sees it smaller', async () => {
      let reading = true;
      const seen = new Set<number>();
      const reader = (async () => {
        while (reading) {
          seen.add((await passing(PROBED)).length);
          await sleep(5);
        }
      })();
      for (const mode of ['node', 'endpoints', 'esm', 'endpoints', 'node']) {
        const changed = appManifest(PROBED, { nodePort: 30_977, tags: 'kubernetes,changed', annotations: health(mode) });
        await inStep(await site.git.commit({ 'probed.yaml': changed }, mode));
        expect(await probes()).toHaveLength(mode === 'esm' ? 3 : 0);
      }
      reading = false;
      await reader;
      expect([...seen]).toEqual([3]);
    });
  });
});
