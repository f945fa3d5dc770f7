import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { NodeAnswer, NodePoolView } from '../../src/http/node-views.ts';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { createNode } from '../support/nodes.ts';
import { type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.ts';
import { type CliResult, runCli } from '../support/run-cli.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import { startTraefik, type TraefikConnection, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'drain-traefik';
const APP = `web-${NAME}`;
const LEAVER = { name: 'n8', address: '127.0.1.8' };

describe('a node that leaves, where Traefik is watched', () => {
  const stack = inject('stack');
  const prompt = stack.traefik as TraefikConnection;
  let consul: RecordingProxy;
  let late: TraefikServer;
  let site: Site;

  beforeAll(async () => {
    await createNode(stack, LEAVER);
    consul = await startRecordingProxy(stack.consulUrl);
    late = await startTraefik({ consulUrl: consul.url, refresh: { kind: 'poll', intervalMs: 300 } });
    const env = {
      POOLKEEPER_POOL_GRACE: '1s',
      POOLKEEPER_TRAEFIK_API: `[{name: prompt, url: "${prompt.apiUrl}"}, {name: late, url: "${late.apiUrl}"}]`,
    };
    site = await prepareSite({ stack, name: NAME, files: { 'web.yaml': appManifest(APP) }, env });
    await site.daemon.start();
    await site.daemon.waitFor('both serve every backend', ({ pools }) => pools.length === 1 && pools.every(({ serving }) => serving === 4));
    expect([await has(prompt), await has(late)]).toEqual([true, true]);
  });

  afterAll(async () => {
    await site?.remove();
    await late?.stop();
    await consul?.stop();
    await kubeRequest(stack, 'DELETE', `/api/v1/nodes/${LEAVER.name}`).catch(() => undefined);
  });

  /** Keeps from the late Traefik what Consul says of the app, until it is let go on. */
  function holdLate(): () => void {
    const goOn = Promise.withResolvers<void>();
    consul.intercept(({ path }) => (path.endsWith(`/${APP}`) ? { kind: 'delay', work: () => goOn.promise } : undefined));
    return () => {
      consul.intercept(undefined);
      goOn.resolve();
    };
  }

  const inConsul = async (): Promise<boolean> =>
    (await instancesOf(stack, APP)).some(({ ServiceAddress }) => ServiceAddress === LEAVER.address);

  async function view(): Promise<NodePoolView | undefined> {
    const answer = (await (await fetch(`${site.daemon.url}/api/v1/nodes/${LEAVER.name}`)).json()) as NodeAnswer;
    return answer.node.pools.find(({ service }) => service === APP);
  }

  it('is out of every Traefik when `drain --wait` returns, and back in each when `undrain --wait` does', async () => {
    const wishes = [
      { wish: 'drain', stays: true, waits: 'Traefik replica late still sends it requests', told: (seen: NodePoolView) => seen.heldBy },
      { wish: 'undrain', stays: false, waits: 'Traefik replica late lacks 1 backend', told: (seen: NodePoolView) => seen.awaitedBy },
    ];
    for (const { wish, stays, waits, told } of wishes) {
      const letGoOn = holdLate();
      let ended: CliResult | undefined;
      const ending = runCli(site.daemon, wish, LEAVER.name, '--wait', '--timeout', '50s', '--url', site.daemon.url).then((result) => {
        ended = result;
        return result;
      });
      try {
        await expect.poll(async () => [await inConsul(), await has(prompt)], { timeout: 30_000 }).toEqual([!stays, !stays]);
        await waitUntil('the daemon to see who is late', async () => {
          const seen = await view();
          return seen !== undefined && seen.registered === !stays && told(seen)?.join() === waits ? true : undefined;
        });
        // Longer than the command takes to ask again.
        const asked = Date.now();
        await waitUntil('another look at a Traefik that stands still', async () => (Date.now() - asked > 1_500 ? true : undefined));
        expect([ended, await has(late)]).toEqual([undefined, stays]);
      } finally {
        letGoOn();
      }
      const result = await ending;
      expect([result, await has(prompt), await has(late)]).toEqual([
        { code: 0, stderr: '', stdout: expect.stringContaining(`${LEAVER.name}: waiting: ${NAME}/${APP}: ${waits}\n`) },
        !stays,
        !stays,
      ]);
    }
  });
});

interface RawData {
  readonly services?: Readonly<Record<string, { readonly loadBalancer?: { readonly servers?: readonly { readonly url?: string }[] } }>>;
}

/** Whether a Traefik sends the leaving node requests for the app. */
async function has({ apiUrl }: TraefikConnection): Promise<boolean> {
  const { services = {} } = (await (await fetch(`${apiUrl}/api/rawdata`)).json()) as RawData;
  const servers = Object.entries(services).flatMap(([name, { loadBalancer }]) =>
    name.startsWith(APP) ? (loadBalancer?.servers ?? []) : [],
  );
  return servers.some(({ url }) => url?.startsWith(`http://${LEAVER.address}:`) === true);
}
