import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import type { ConsulServer } from '../support/consul.ts';
import { type ConsulCluster, startConsulCluster } from '../support/consul-cluster.ts';
import { kubeFetch } from '../support/kube-client.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'cluster';
const APPS = ['a', 'b', 'c', 'd'];
const BACKENDS = 3;
/** Longer than Consul lets a session live that nobody renews. */
const LONG_MS = 25_000;

const nameOf = (app: string): string => `${app}-${NAME}`;
const fileOf = (app: string): string => `${app}.yaml`;

const shared = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('a Consul of three servers', { timeout: 180_000 }, () => {
  let cluster: ConsulCluster;
  /** The server that the daemon speaks to, which always runs. */
  let near: ConsulServer;
  let stack: StackConnection;
  let site: Site;
  let round = 0;

  beforeAll(async () => {
    cluster = await startConsulCluster();
    const [first] = cluster.servers;
    if (first === undefined) throw new Error('no servers');
    near = first;
    stack = { ...shared, consulUrl: near.consulUrl };
    const files = Object.fromEntries(APPS.map((app) => [fileOf(app), appManifest(nameOf(app))]));
    site = await prepareSite({ stack, name: NAME, files, env: { POOLKEEPER_TRAEFIK_LET_GO: '1s' } });
    await site.daemon.start();
    await inStep(APPS);
  });

  afterAll(async () => {
    await site?.remove();
    await cluster?.stop();
  });

  it('loses its leader to kill -9: no instance is lost, and writes go on', async () => {
    const killed = await cluster.leaderBeside(near);
    const watch = await watchInstances(nameOf('a'));
    forget();
    await killed.kill();
    const tag = await changeTag();
    await inStep(APPS);
    await killed.restart();
    await expectTag(tag);
    expect(await watch.least()).toBe(BACKENDS);
    expectNoRemovals();
  });

  it('hands leadership from server to server: no instance is lost, and writes go on', async () => {
    const watch = await watchInstances(nameOf('a'));
    forget();
    for (let i = 0; i < 3; i++) {
      const tag = await changeTag();
      await cluster.transfer();
      await inStep(APPS);
      await expectTag(tag);
    }
    expect(await watch.least()).toBe(BACKENDS);
    expectNoRemovals();
  });

  it('has no leader for longer than sessions live: nothing is removed meanwhile, and all is done after it', async () => {
    const others = cluster.servers.filter((server) => server !== near);
    // The harder case: who has led goes on to hold long polls open when it cannot reach the others any more.
    while ((await cluster.leader()) !== near) await cluster.transfer();
    const watch = await watchInstances(nameOf('a'));
    forget();
    await Promise.all(others.map((server) => server.kill()));
    await site.daemon.waitFor('Consul to be away', ({ sources }) =>
      sources.some(({ source, reason }) => source === 'consul' && reason?.code === 'CONSUL_UNAVAILABLE'),
    );
    const tag = `round${++round}`;
    const revision = await site.git.commit({ [fileOf('a')]: appManifest(nameOf('a'), { tags: tag }) }, 'no d', { remove: [fileOf('d')] });
    await site.daemon.waitFor('the new revision', (report) => report.revision === revision);
    // The time itself is what is asked for here.
    await sleep(LONG_MS);
    for (const object of objectsOf('d')) expect((await kubeFetch(stack, { method: 'GET', path: object })).status).toBe(200);
    expectNoRemovals();
    expect(await watch.least()).toBe(BACKENDS);
    await Promise.all(others.map((server) => server.restart()));
    await inStep(['a', 'b', 'c']);
    await expectTag(tag);
    expect(await instancesOf(stack, nameOf('d'))).toEqual([]);
    await site.git.commit({ [fileOf('d')]: appManifest(nameOf('d')) }, 'd again');
    await inStep(APPS);
  });

  describe('is restored from a snapshot', () => {
    const cases: readonly (readonly [string, () => Promise<void>])[] = [
      ['and its session is still that of the leader', async () => undefined],
      ['and its session is that of a process which has ended', () => restarted()],
    ];
    it.each(cases)('%s: what differs is repaired, and what is gone goes again', async (_, between) => {
      const snapshot = await save();
      const tag = `round${++round}`;
      await site.git.commit(
        { [fileOf('a')]: appManifest(nameOf('a'), { tags: tag }), [fileOf('e')]: appManifest(nameOf('e')) },
        'another tag, e instead of d',
        { remove: [fileOf('d')] },
      );
      const now = ['a', 'b', 'c', 'e'];
      await inStep(now);
      await between();
      // Between two long polls a restore shows with the end of the next one only: it waits for an index that is to come again.
      await quiet();
      const watch = await watchInstances(nameOf('b'));
      // What a restore takes away has another index when it is back: the proof that it was away, however short.
      const made = new Set((await instancesOf(stack, nameOf('e'))).map(({ CreateIndex }) => CreateIndex));
      await restore(snapshot);
      await expectTag(tag);
      await waitUntil('e made again', async () => {
        const again = (await instancesOf(stack, nameOf('e'))).filter(({ CreateIndex }) => !made.has(CreateIndex));
        return again.length === BACKENDS ? true : undefined;
      });
      await waitUntil('d gone again', async () => ((await instancesOf(stack, nameOf('d'))).length === 0 ? true : undefined));
      await inStep(now);
      expect(await watch.least()).toBe(BACKENDS);
      await site.git.commit({ [fileOf('d')]: appManifest(nameOf('d')) }, 'd again', { remove: [fileOf('e')] });
      await inStep(APPS);
    });
  });

  async function restarted(): Promise<void> {
    await site.daemon.stop();
    await site.daemon.start();
    await inStep(['a', 'b', 'c', 'e']);
  }

  async function save(): Promise<ArrayBuffer> {
    const answer = await fetch(`${near.consulUrl}/v1/snapshot`);
    expect(answer.status).toBe(200);
    return await answer.arrayBuffer();
  }

  async function restore(snapshot: ArrayBuffer): Promise<void> {
    const answer = await fetch(`${near.consulUrl}/v1/snapshot`, { method: 'PUT', body: snapshot });
    expect(answer.status).toBe(200);
  }

  async function changeTag(): Promise<string> {
    const tag = `round${++round}`;
    await site.git.commit({ [fileOf('a')]: appManifest(nameOf('a'), { tags: tag }) }, 'another tag');
    await site.daemon.resync();
    return tag;
  }

  async function expectTag(tag: string): Promise<void> {
    await waitUntil(
      `the tag ${tag} in Consul`,
      async () => {
        const instances = await instancesOf(stack, nameOf('a')).catch(() => []);
        return instances.length === BACKENDS && instances.every(({ ServiceTags }) => ServiceTags.includes(tag)) ? true : undefined;
      },
      { timeoutMs: 60_000 },
    );
  }

  async function inStep(apps: readonly string[]): Promise<void> {
    const head = await site.git.repository.head();
    await site.daemon.waitFor(
      'rest',
      ({ revision, specs, sources, leader }) =>
        revision === head &&
        specs.length === apps.length &&
        specs.every(({ state }) => state === 'in-step') &&
        sources.every(({ kind }) => kind === 'complete') &&
        leader.consul &&
        leader.kubernetes,
      90_000,
    );
  }

  /** Waits until Consul keeps every long poll open. */
  async function quiet(): Promise<void> {
    const lastMs = (): number =>
      Math.max(0, ...site.consul.requests.filter(({ path }) => !path.includes('/renew/')).map(({ atMs }) => atMs));
    await waitUntil('a quiet second', () => (Date.now() - lastMs() > 1_000 ? true : undefined));
  }

  function forget(): void {
    for (const proxy of [site.kubernetes, site.consul]) proxy.forget();
  }

  function expectNoRemovals(): void {
    const kinds = [...site.kubernetes.requests, ...site.consul.requests].flatMap(writeKindsOf);
    expect(kinds.filter((kind) => /delete|deregister/.test(kind))).toEqual([]);
  }

  /** Counts the instances of a service all the time, as any server may show them, from when this one shows all: it follows the leader later. */
  async function watchInstances(service: string): Promise<{ least(): Promise<number> }> {
    const url = `${near.consulUrl}/v1/catalog/service/${service}?stale`;
    await waitUntil(`all of ${service} at this server`, async () =>
      (await countOf(url).catch(() => undefined)) === BACKENDS ? true : undefined,
    );
    let least = Number.POSITIVE_INFINITY;
    let watching = true;
    const work = (async () => {
      while (watching) {
        const count = await countOf(url).catch(() => undefined);
        least = Math.min(least, count ?? least);
        await sleep(10);
      }
    })();
    return {
      async least() {
        watching = false;
        await work;
        return least;
      },
    };
  }
});

async function countOf(url: string): Promise<number | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return answer.ok ? ((await answer.json()) as readonly unknown[]).length : undefined;
}

const objectsOf = (app: string): readonly string[] => [
  `/api/v1/namespaces/${NAME}/services/${nameOf(app)}`,
  `/apis/apps/v1/namespaces/${NAME}/deployments/${nameOf(app)}`,
];
