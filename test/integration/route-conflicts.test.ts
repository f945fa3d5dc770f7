import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { askHost } from '../support/ask-host.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { runCli } from '../support/run-cli.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'route-conflicts';
const HOST = `${NAME}.example.com`;
const [HIJACKER, TWIN, OTHER] = [`hijack-${NAME}`, `twin-${NAME}`, `other-${NAME}`];
const LEGACY = `legacy-${NAME}`;

/** An app with routers of its own, under names that it chooses. */
const app = (name: string, ...tags: readonly string[]): string =>
  appManifest(name, { annotations: { 'poolkeeper.dev/tags': tags.map((tag) => `traefik.http.${tag}`).join('\n') } });

describe('routes that would collide', () => {
  const stack = inject('stack');
  const webUrl = stack.traefik?.webUrl ?? '';
  let site: Site;
  let listeners: NodeListeners;
  let legacy: Server;

  beforeAll(async () => {
    legacy = createServer((_, response) => response.end('legacy'));
    await new Promise<void>((resolve) => legacy.listen(0, '127.0.0.1', resolve));
    const { port: Port } = legacy.address() as AddressInfo;
    const Tags = ['traefik.enable=true', `traefik.http.routers.${LEGACY}.rule=Host(\`${HOST}\`)`];
    const Service = { ID: LEGACY, Service: LEGACY, Address: '127.0.0.1', Port, Tags };
    await consulRequest(stack, 'PUT', '/v1/catalog/register', { Node: `node-${LEGACY}`, Address: '127.0.0.1', Service });
    await waitUntil('the stranger in traffic', async () => ((await askHost(webUrl, HOST)).body === 'legacy' ? true : undefined));
    listeners = await startNodeListeners({ stack, nodes: SHARED_NODES });
    const files = {
      'hijacker.yaml': app(HIJACKER, `routers.${LEGACY}.rule=Host(\`${HIJACKER}.example.com\`)`),
      'twin.yaml': app(TWIN, `routers.${TWIN}.rule=Host(\`${HOST}\`)`),
      'other.yaml': app(OTHER, `routers.${OTHER}.rule=Host(\`${OTHER}.example.com\`)`),
    };
    site = await prepareSite({ stack, name: NAME, files });
    await site.daemon.start();
  });

  afterAll(async () => {
    await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node: `node-${LEGACY}` });
    await site?.remove();
    await listeners?.stop();
    legacy?.close();
  });

  const specOf = (report: RunReport, file: string): RunReport['specs'][number] | undefined => report.specs.find(({ id }) => id === file);
  const conflictsOf = (report: RunReport, file: string): readonly string[] =>
    (specOf(report, file)?.problems ?? []).flatMap(({ code, message }) => (code === 'ROUTE_CONFLICT' ? [message] : []));

  it('set the newcomer aside, and the stranger goes on being served', async () => {
    const report = await site.daemon.waitFor('all settled', ({ specs }) => {
      const states = new Map(specs.map(({ id, state }) => [String(id), state]));
      return states.get('hijacker.yaml') === 'conflict' && states.get('twin.yaml') === 'conflict' && states.get('other.yaml') === 'in-step';
    });
    expect(conflictsOf(report, 'hijacker.yaml')).toEqual([
      `pool ${NAME}/${HIJACKER} is not registered: router ${LEGACY} is declared in another way by the Consul service ${LEGACY}, which is not ours; Traefik would drop it for all of them`,
    ]);
    expect(conflictsOf(report, 'twin.yaml')).toEqual([
      `pool ${NAME}/${TWIN} is not registered: router ${TWIN}: has the rule and the priority of router ${LEGACY}; chance decides which of them answers (with the Consul service ${LEGACY}, which is not ours)`,
    ]);
    // The Kubernetes side is there, and waits for nothing.
    expect(report.pools.map(({ pool, registered }) => `${pool} ${registered}`)).toEqual([
      `${NAME}/${HIJACKER} 0`,
      `${NAME}/${OTHER} 3`,
      `${NAME}/${TWIN} 0`,
    ]);
    expect((await askHost(webUrl, HOST)).body).toBe('legacy');
    expect(await site.daemon.metrics()).toContain('poolkeeper_conflicts{kind="route"} 2');
    const status = await runCli(site.daemon, 'status', '--url', site.daemon.url);
    expect(status.stdout).toContain(`router ${LEGACY} is declared in another way by the Consul service ${LEGACY}`);
    const plan = await runCli(site.daemon, 'plan');
    expect(plan.stdout).toContain(`router ${LEGACY} is declared in another way by the Consul service ${LEGACY}`);
  });

  it('keep a registered pool as it was when a commit would make it collide', async () => {
    await site.git.commit({ 'other.yaml': app(OTHER, `routers.${LEGACY}.rule=Host(\`${OTHER}.example.com\`)`) }, 'take a name');
    await site.daemon.resync();
    const report = await site.daemon.waitFor('the conflict', (seen) => specOf(seen, 'other.yaml')?.state === 'conflict');
    expect(conflictsOf(report, 'other.yaml')[0]).toContain('stays registered as it was');
    const instances = await instancesOf(stack, OTHER);
    expect(instances).toHaveLength(3);
    expect(
      instances.every(({ ServiceTags }) => ServiceTags.includes(`traefik.http.routers.${OTHER}.rule=Host(\`${OTHER}.example.com\`)`)),
    ).toBe(true);
    // It was registered a moment ago: Traefik takes up to two seconds to look again.
    await waitUntil('the pool in traffic', async () => ((await askHost(webUrl, `${OTHER}.example.com`)).status === 200 ? true : undefined));
    await site.git.commit({ 'other.yaml': app(OTHER, `routers.${OTHER}.rule=Host(\`${OTHER}.example.com\`)`) }, 'give it back');
    await site.daemon.resync();
    await site.daemon.waitFor('no conflict', (seen) => specOf(seen, 'other.yaml')?.state === 'in-step');
  });

  it('let the newcomers in by themselves when the stranger has gone', async () => {
    await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node: `node-${LEGACY}` });
    await site.daemon.waitFor('all in step', ({ specs }) => specs.every(({ state }) => state === 'in-step'));
    await waitUntil('the newcomers in traffic', async () => {
      const answers = await Promise.all([askHost(webUrl, HOST), askHost(webUrl, `${HIJACKER}.example.com`)]);
      return answers.every(({ status, body }) => status === 200 && body !== 'legacy') ? true : undefined;
    });
    expect(await site.daemon.metrics()).not.toContain('kind="route"');
  });
});
