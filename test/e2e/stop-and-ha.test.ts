import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import type { DaemonProcess } from '../support/daemon-process.ts';
import { kubeRequest } from '../support/kube-client.ts';
import type { Intercept } from '../support/recording-proxy.ts';
import { instancesOf, kvEntries, prepareSite, type Replica, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type WriteKind, writeKindsOf } from '../support/write-kinds.ts';

const stack = inject('stack') as StackConnection;
const isLeader = async (daemon: DaemonProcess): Promise<boolean> => {
  const { leader } = await daemon.status();
  return leader?.consul === true && leader.kubernetes === true;
};

describe.skipIf(inject('stack') === undefined)('a stop while something is under way', () => {
  const NAME = 'stopping';
  let site: Site;

  beforeEach(async () => {
    site = await prepareSite({ stack, name: NAME, files: { 'a.yaml': appManifest(`a-${NAME}`) } });
    await site.daemon.start();
    await site.daemon.waitFor('rest', ({ specs }) => specs.length === 1 && specs.every(({ state }) => state === 'in-step'));
  });

  afterEach(async () => {
    await site?.remove();
  });

  it.each([
    ['Service apply', async () => (await service())?.metadata.annotations?.['tags'] === 'changed'],
    ['pool change', async () => (await instancesOf(stack, `a-${NAME}`)).every(({ ServiceTags }) => ServiceTags.includes('changed'))],
  ] as const)('SIGTERM amid a %s: it is finished, the leases are free, and the process ends within 5 s', async (kind, isDone) => {
    const began = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    intercept(kind, () => {
      began.resolve();
      return { kind: 'delay', work: () => goOn.promise };
    });
    await site.git.commit({ 'a.yaml': appManifest(`a-${NAME}`, { tags: 'changed' }) }, 'another tag');
    void site.daemon.resync().catch(() => undefined);
    await began.promise;
    const askedAtMs = Date.now();
    await site.daemon.process().signal('SIGTERM');
    // Long enough for the signal to be seen while the write still waits for its answer.
    setTimeout(() => goOn.resolve(), 1_000);
    const exit = await site.daemon.process().waitForExit();
    expect(Date.now() - askedAtMs).toBeLessThan(5_000);
    expect(exit).toEqual({ code: 0, signal: null });
    expect(await isDone()).toBe(true);
    const kinds = [...site.kubernetes.requests, ...site.consul.requests].flatMap(writeKindsOf);
    for (const last of ['lock release', 'session destroy', 'Lease given up'] as const) expect(kinds).toContain(last);
    expect((await kvEntries(stack, `${NAME}/.poolkeeper/${NAME}/leader`))[0]?.session).toBeUndefined();
    await expectConverges();
  });

  it('SIGTERM amid a write that is never answered: the process ends within 5 s all the same', async () => {
    const began = Promise.withResolvers<void>();
    intercept('Service apply', () => {
      began.resolve();
      return { kind: 'delay', work: () => new Promise(() => {}) };
    });
    await site.git.commit({ 'a.yaml': appManifest(`a-${NAME}`, { tags: 'changed' }) }, 'another tag');
    void site.daemon.resync().catch(() => undefined);
    await began.promise;
    const askedAtMs = Date.now();
    await site.daemon.process().signal('SIGTERM');
    await site.daemon.process().waitForExit();
    expect(Date.now() - askedAtMs).toBeLessThan(5_000);
    site.kubernetes.intercept(undefined);
    await expectConverges();
  });

  function intercept(kind: WriteKind, choose: () => Intercept): void {
    for (const proxy of [site.kubernetes, site.consul]) {
      proxy.intercept((request) => {
        if (!writeKindsOf(request).includes(kind)) return undefined;
        for (const each of [site.kubernetes, site.consul]) each.intercept(undefined);
        return choose();
      });
    }
  }

  async function expectConverges(): Promise<void> {
    await site.daemon.start();
    await site.daemon.waitFor('rest', ({ specs, leader }) => leader.consul && specs.every(({ state }) => state === 'in-step'));
    expect((await service())?.metadata.annotations?.['tags']).toBe('changed');
    const instances = await instancesOf(stack, `a-${NAME}`);
    expect(instances.map(({ ServiceTags }) => ServiceTags.includes('changed'))).toEqual([true, true, true]);
  }

  async function service(): Promise<{ readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } } | undefined> {
    return (await kubeRequest(stack, 'GET', `/api/v1/namespaces/${NAME}/services/a-${NAME}`)) as Awaited<ReturnType<typeof service>>;
  }
});

describe.skipIf(inject('stack') === undefined)('two replicas', () => {
  const NAME = 'replicas';
  let site: Site;
  let first: Replica;
  let second: Replica;
  let round = 0;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files: { 'a.yaml': appManifest(`a-${NAME}`) } });
    first = site;
    second = await site.another();
    await first.daemon.start();
    await first.daemon.waitFor('rest', ({ specs }) => specs.length === 1 && specs.every(({ state }) => state === 'in-step'));
    await second.daemon.start();
    await settled(second);
  });

  afterAll(async () => {
    await site?.remove();
  });

  it('the standby serves health, metrics and the status, and writes nothing', async () => {
    const { url } = second.daemon;
    const { leader } = await second.daemon.status();
    expect(leader).toMatchObject({ consul: false, kubernetes: false, holder: expect.stringContaining(first.daemon.url) });
    for (const path of ['/livez', '/readyz']) expect((await fetch(`${url}${path}`)).status).toBe(200);
    expect(await second.daemon.metrics()).toContain('poolkeeper_leader 0\n');
    expect(await second.daemon.metrics()).not.toContain('poolkeeper_pool_backends{');
    expect(await first.daemon.metrics()).toContain('poolkeeper_leader 1\n');
    expect(await first.daemon.metrics()).toContain('poolkeeper_pool_backends{');
    await expectFollowsCommits(first);
    expect(writesOf(second)).toEqual([]);
  });

  it('after SIGTERM of the leader the other one writes within a second', async () => {
    const stopped = first.daemon.process();
    const askedAtMs = Date.now();
    await stopped.signal('SIGTERM');
    await waitUntil('the second to lead', async () => ((await isLeader(second.daemon)) ? true : undefined));
    expect(Date.now() - askedAtMs).toBeLessThan(1_000);
    await stopped.waitForExit();
    await expectFollowsCommits(second);
    expectHandover(first, second);
  });

  it('after kill -9 of the leader the other one writes within 25 s', async () => {
    await first.daemon.start();
    await settled(first);
    for (const { kubernetes, consul } of [first, second]) {
      kubernetes.forget();
      consul.forget();
    }
    await expectFollowsCommits(second);
    await second.daemon.kill();
    const killedAtMs = Date.now();
    const led = async (): Promise<true | undefined> => ((await isLeader(first.daemon)) ? true : undefined);
    await waitUntil('the first to lead', led, { timeoutMs: 40_000 });
    expect(Date.now() - killedAtMs).toBeLessThan(25_000);
    await expectFollowsCommits(first);
    expectHandover(second, first);
  });

  async function settled({ daemon }: Replica): Promise<void> {
    await daemon.waitFor('a whole look', ({ sources }) => sources.every(({ kind }) => kind === 'complete'));
  }

  /** A change of the repository reaches both stores. */
  async function expectFollowsCommits({ daemon }: Replica): Promise<void> {
    const tag = `round${++round}`;
    await site.git.commit({ 'a.yaml': appManifest(`a-${NAME}`, { tags: tag, replicas: round }) }, 'another tag');
    await daemon.resync();
    await waitUntil('the tag in Consul', async () =>
      (await instancesOf(stack, `a-${NAME}`)).every(({ ServiceTags }) => ServiceTags.includes(tag)) ? true : undefined,
    );
  }

  /** Both have written, and the last write of the one came before the first of the other. */
  function expectHandover(from: Replica, to: Replica): void {
    const [before, after] = [writesOf(from), writesOf(to)];
    for (const writes of [before, after]) {
      expect(new Set(writes.map(({ leg }) => leg))).toEqual(new Set(['kubernetes', 'consul']));
      expect(writes.filter(({ fenced }) => !fenced)).toEqual([]);
    }
    expect(Math.max(...before.map(({ atMs }) => atMs))).toBeLessThan(Math.min(...after.map(({ atMs }) => atMs)));
  }
});

interface Write {
  readonly leg: 'kubernetes' | 'consul';
  readonly atMs: number;
  /** Of a Consul write: whether its first operation checks the session of the leader key. */
  readonly fenced: boolean;
}

/** Every write of a replica, but for those by which it seeks and gives up the leases. */
function writesOf({ kubernetes, consul }: Replica): readonly Write[] {
  const applies = kubernetes.requests.filter((request) => writeKindsOf(request).some((kind) => !kind.startsWith('Lease')));
  const transactions = consul.requests.filter(({ path }) => path === '/v1/txn');
  return [
    ...applies.map(({ atMs }) => ({ leg: 'kubernetes' as const, atMs, fenced: true })),
    ...transactions.map(({ atMs, body }) => ({ leg: 'consul' as const, atMs, fenced: isFenced(body) })),
  ];
}

function isFenced(body: string): boolean {
  const [fence] = JSON.parse(body) as readonly { readonly KV?: { readonly Verb: string; readonly Key: string } }[];
  return fence?.KV?.Verb === 'check-session' && fence.KV.Key.endsWith('/leader');
}
