import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { startLoad } from '../support/http-load.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { setNodeReady } from '../support/nodes.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { type CatalogInstance, catalogNodes, consulRequest, instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const shared = inject('stack') as StackConnection;
const NAME = 'drifting';
const APPS = ['a', 'b', 'c'].map((letter) => `${letter}-${NAME}`);
const [APP = ''] = APPS;

describe.skipIf(inject('stack') === undefined)('a Consul that somebody changes', () => {
  let consul: ConsulServer;
  let stack: StackConnection;
  let site: Site;
  let services: unknown;

  beforeAll(async () => {
    consul = await startConsul();
    stack = { ...shared, consulUrl: consul.consulUrl };
    site = await prepareSite({
      stack,
      name: NAME,
      files: Object.fromEntries(APPS.map((app) => [`${app}.yaml`, appManifest(app)])),
      env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' },
    });
    await site.daemon.start();
    await inStep();
    services = await serviceSpecs();
  });

  afterEach(async () => {
    // Whatever happens to Consul, nothing of it may reach the Services: their NodePorts are in use.
    expect(await serviceSpecs()).toEqual(services);
  });

  afterAll(async () => {
    await site?.remove();
    await consul?.stop();
  });

  const one = async (): Promise<CatalogInstance> => {
    const [instance] = await instancesOf(stack, APP);
    if (instance === undefined) throw new Error(`${APP} is not registered`);
    return instance;
  };
  const nodes = async (): Promise<readonly string[]> => (await catalogNodes(stack, NAME)).map(({ Node }) => Node);
  const put = (path: string, body: unknown): Promise<unknown> => consulRequest(stack, 'PUT', `/v1/catalog/${path}`, body);
  const byHand = ({ Node, ServiceID }: CatalogInstance): Promise<unknown> =>
    put('register', { Node, Address: '127.0.9.9', Service: { ID: ServiceID, Service: APP, Port: 1, Tags: ['edited'] } });
  const wipeCatalog = async (): Promise<void> => {
    for (const Node of await nodes()) await put('deregister', { Node });
  };

  it.each<[string, () => Promise<unknown>]>([
    ['an instance is deleted', async () => put('deregister', { Node: (await one()).Node, ServiceID: (await one()).ServiceID })],
    ['the tags of an instance are edited by registering it anew, as the manual says', async () => byHand(await one())],
    [
      'all instances are edited in this way',
      async () => {
        for (const instance of await instancesOf(stack, APP)) await byHand(instance);
      },
    ],
    [
      'checks registered on all nodes wipe their Meta and ids',
      async () => {
        const all = await nodes();
        for (const Node of all) await put('register', { Node, Address: '127.0.9.9', Check: { Name: 'theirs', Status: 'passing' } });
        for (const Node of all) await put('deregister', { Node, CheckID: 'theirs' });
      },
    ],
    ['a node is deleted', async () => put('deregister', { Node: (await one()).Node })],
    ['everything of ours is deleted from the catalog', wipeCatalog],
    [
      'everything of ours is deleted, the memory and the leader key too',
      async () => {
        await consulRequest(stack, 'DELETE', `/v1/kv/${NAME}/?recurse=true`);
        await wipeCatalog();
      },
    ],
  ])('is made as it was: %s', async (_, edit) => {
    const before = await content();
    await edit();
    const took = await repaired(before);
    expect(took).toBeLessThan(60_000);
    await inStep();
  });

  it('is brought forward again after an old snapshot of it was restored', async () => {
    const before = await fetch(`${consul.consulUrl}/v1/snapshot`);
    const snapshot = await before.arrayBuffer();
    await site.git.commit({ [`${APP}.yaml`]: appManifest(APP, { tags: 'kubernetes,blue' }) }, 'another tag');
    await site.daemon.resync();
    await waitUntil('the tag', async () => ((await instancesOf(stack, APP)).every(isBlue) ? true : undefined));
    await inStep();
    services = await serviceSpecs();
    const now = await content();
    await fetch(`${consul.consulUrl}/v1/snapshot`, { method: 'PUT', body: snapshot });
    await repaired(now);
    expect((await instancesOf(stack, APP)).every(isBlue)).toBe(true);
    await inStep();
  });

  it('keeps its pools while all nodes are NotReady at once: what the first one alone may take is all that leaves', async () => {
    try {
      await Promise.all(SHARED_NODES.map(({ name }) => setNodeReady(shared, name, false)));
      await site.daemon.waitFor('all NotReady', ({ nodes: all }) => all.every(({ code }) => code === 'not-ready'));
      await sleep(2_000);
      // They do not become NotReady in the same instant: until most of them are, one is believed.
      for (const app of APPS) expect((await instancesOf(stack, app)).length).toBeGreaterThanOrEqual(2);
    } finally {
      await Promise.all(SHARED_NODES.map(({ name }) => setNodeReady(shared, name, true)));
    }
    await inStep();
  });

  const isBlue = ({ ServiceTags }: CatalogInstance): boolean => ServiceTags.includes('blue');

  async function inStep(): Promise<RunReport> {
    const isWell = (report: RunReport): boolean =>
      report.specs.length === APPS.length &&
      report.specs.every(({ state, problems }) => state === 'in-step' && problems.length === 0) &&
      report.pools.every(({ registered }) => registered === 3);
    return await site.daemon.waitFor('everything in step', isWell, 60_000);
  }

  async function serviceSpecs(): Promise<unknown> {
    const list = (await kubeRequest(shared, 'GET', `/api/v1/namespaces/${NAME}/services`)) as {
      readonly items: readonly { readonly metadata: { readonly name: string; readonly uid: string }; readonly spec: unknown }[];
    };
    return list.items.map(({ metadata: { name, uid }, spec }) => ({ name, uid, spec }));
  }

  /** All that stands of us in Consul, without indexes and what we remember. */
  async function content(): Promise<string> {
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, held: unknown) => (/Index$|^Output$/.test(key) ? undefined : held)));
    const catalog = await Promise.all(
      [...(await nodes())].sort().map((node) => consulRequest(stack, 'GET', `/v1/catalog/node-services/${node}`)),
    );
    const checks = await consulRequest(stack, 'GET', `/v1/health/state/any?node-meta=cluster:${NAME}`);
    const told = (await kvEntries(stack, `${NAME}/deployments/`)).map(({ key, value }) => [key, value]);
    return JSON.stringify(plain([catalog, checks, told]));
  }

  async function repaired(wanted: string): Promise<number> {
    const startedAt = Date.now();
    let last = '';
    const look = async (): Promise<true | undefined> => {
      last = await content();
      return last === wanted ? true : undefined;
    };
    await waitUntil('the repair', look, { timeoutMs: 60_000, describe: () => `${last}\ninstead of\n${wanted}` });
    return Date.now() - startedAt;
  }
});

describe.skipIf(inject('stack') === undefined)('two clusters on one Consul', () => {
  const HOST = 'both.example.com';
  const manifest = (name: string, color = 'blue'): string =>
    appManifest(name, {
      annotations: {
        'poolkeeper.dev/service-name': 'both-clusters',
        'poolkeeper.dev/tags': [
          `traefik.http.routers.both.rule=Host(\`${HOST}\`)`,
          'traefik.http.routers.both.entrypoints=web',
          'traefik.http.routers.both.middlewares=both-color',
          `traefik.http.middlewares.both-color.headers.customresponseheaders.x-color=${color}`,
          'traefik.http.services.both.loadbalancer.passhostheader=true',
        ].join('\n'),
      },
    });
  const sites: Site[] = [];
  let listeners: NodeListeners;
  const open = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<Site> => {
    const site = await prepareSite({
      stack: shared,
      name,
      files: { 'both.yaml': manifest(name) },
      env: { POOLKEEPER_TRAEFIK_LET_GO: '1s', ...env },
    });
    sites.push(site);
    await site.daemon.start();
    return site;
  };
  beforeAll(async () => {
    listeners = await startNodeListeners({ stack: shared, nodes: SHARED_NODES });
  });
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.remove();
  });
  afterAll(() => listeners?.stop());
  const hasPool = (report: RunReport): boolean => report.pools.some(({ registered }) => registered === 3);

  it('with the same name of a Consul service: the second one is refused, and takes it once the first has gone', async () => {
    const first = await open('twin-a');
    await first.daemon.waitFor('the pool', hasPool);
    const before = await instancesOf(shared, 'both-clusters');
    const second = await open('twin-b');
    const refused = (report: RunReport): boolean =>
      report.specs.some(({ state, problems }) => state === 'conflict' && problems.some(({ code }) => code === 'CONSUL_NAME_TAKEN'));
    await second.daemon.waitFor('the refusal', refused);
    await second.daemon.resync();
    await sleep(1_000);
    expect(await instancesOf(shared, 'both-clusters')).toEqual(before);
    await first.git.commit({}, 'gone\n\nPoolkeeper-Allow-Removal: 3', { remove: ['both.yaml'] });
    await first.daemon.resync();
    await second.daemon.waitFor('the pool of the second', hasPool);
  });

  it('that share it: Traefik serves both, and a change in one of them loses no request', async () => {
    const share = { POOLKEEPER_CONSUL_SHARED_SERVICE: 'true' };
    const [first, second] = [await open('share-a', share), await open('share-b', share)];
    for (const site of [first, second]) await site.daemon.waitFor('the pool', hasPool);
    const { webUrl = '', apiUrl = '' } = shared.traefik ?? {};
    type Router = { readonly name: string; readonly status: string; readonly middlewares?: readonly string[] };
    const routers = async (): Promise<readonly Router[]> =>
      ((await (await fetch(`${apiUrl}/api/http/routers`)).json()) as readonly Router[]).filter(({ name }) => name.startsWith('both'));
    await waitUntil('both routers', async () => ((await routers()).length === 2 ? true : undefined));
    expect((await routers()).map(({ name, status, middlewares }) => [name, status, middlewares]).sort()).toEqual(
      ['share-a', 'share-b'].map((name) => [`both-${name}@consulcatalog`, 'enabled', [`both-color-${name}@consulcatalog`]]),
    );
    const service = (await (await fetch(`${apiUrl}/api/http/services/both@consulcatalog`)).json()) as {
      readonly loadBalancer: { readonly servers: readonly unknown[] };
    };
    expect(service.loadBalancer.servers).toHaveLength(6);
    const load = startLoad({ url: webUrl, headers: { host: HOST }, perSecond: 50 });
    const instances = (): Promise<readonly CatalogInstance[]> => instancesOf(shared, 'both-clusters');
    await first.git.commit({ 'both.yaml': manifest('share-a', 'green') }, 'another colour');
    await first.daemon.resync();
    const isGreen = ({ ServiceTags }: CatalogInstance): boolean => ServiceTags.some((tag) => tag.endsWith('x-color=green'));
    await waitUntil('the change', async () => ((await instances()).filter(isGreen).length === 3 ? true : undefined));
    await sleep(3_000);
    const { failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    const served = Object.keys(bodies).map((body) => body.split(' ')[1] ?? '');
    expect(new Set(served)).toEqual(new Set(['share-a/share-a', 'share-b/share-b']));
    for (const site of [first, second]) {
      const report = await site.daemon.status();
      expect(report.specs.map(({ state, problems }) => [state, problems.map(({ code }) => code)])).toEqual([['in-step', []]]);
    }
  });
});
