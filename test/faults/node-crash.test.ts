import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { createNode } from '../support/nodes.ts';
import type { Intercept, RecordedRequest } from '../support/recording-proxy.ts';
import { catalogNodes, endLeases, instancesOf, prepareSite, type Site } from '../support/site.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type WriteKind, writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'node-crash';
const APP = `steady-${NAME}`;
const PASSING_NODE = { name: 'n9', address: '127.0.1.9' };

/** What the daemon writes when a node leaves the cluster, in this order: its check, its instances' removal, the node itself. */
const LEAVING: readonly WriteKind[] = ['Consul nodes', 'pool deregister', 'Consul node delete'];
const CRASHES = LEAVING.flatMap((write) => (['before', 'after'] as const).map((when) => ({ write, when })));

describe('kill -9 while a node leaves', () => {
  const stack = inject('stack');
  let site: Site;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files: { 'steady.yaml': appManifest(APP, {}) } });
    await site.daemon.start();
    await settled(['n1', 'n2', 'n3']);
  });

  afterAll(async () => {
    await site?.remove();
  });

  /** Waits until Consul holds the app on exactly these nodes, and stands for no other. */
  async function settled(nodes: readonly string[]): Promise<void> {
    let last: unknown;
    const names = nodes.map((node) => `k8s-${NAME}-${node}`);
    const wanted = { instances: names, nodes: names };
    const look = async (): Promise<true | undefined> => {
      const instances = await instancesOf(stack, APP);
      const own = (await catalogNodes(stack, NAME)).map(({ Node }) => Node).filter((node) => !node.endsWith('-canary'));
      last = { instances: instances.map(({ Node }) => Node).sort(), nodes: own.sort() };
      return JSON.stringify(last) === JSON.stringify(wanted) ? true : undefined;
    };
    await waitUntil(`the app on ${nodes.join()}`, look, { describe: () => JSON.stringify(last) });
  }

  function killAt(write: WriteKind, when: 'before' | 'after'): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`there was no write of the kind ${write}`)), 20_000);
      site.consul.intercept((request: RecordedRequest): Intercept | undefined => {
        if (!writeKindsOf(request).includes(write)) return undefined;
        site.consul.intercept(undefined);
        clearTimeout(late);
        return { kind: when, work: () => site.daemon.kill().then(resolve, reject) };
      });
    });
  }

  it.each(CRASHES)('$when the write of $write: it converges, and nobody has to clean up', async ({ write, when }) => {
    await createNode(stack, PASSING_NODE, {});
    await settled(['n1', 'n2', 'n3', 'n9']);
    const killed = killAt(write, when);
    await kubeRequest(stack, 'DELETE', `/api/v1/nodes/${PASSING_NODE.name}`);
    await killed;
    await endLeases(site);
    await site.daemon.start();
    await settled(['n1', 'n2', 'n3']);
    expect((await site.daemon.status()).problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
