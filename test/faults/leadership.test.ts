import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { appManifest } from '../support/app-manifest.ts';
import { kubeRequest, patchTypes } from '../support/kube-client.ts';
import type { RecordedRequest, RecordingProxy } from '../support/recording-proxy.ts';
import { instancesOf, kvEntries, prepareSite, type Replica, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeKindsOf } from '../support/write-kinds.ts';

const NAME = 'leading';
const SERVICE = `a-${NAME}`;
/** What a leader bears without one of the stores, and some time to hand over. */
const HANDOVER_MS = 50_000;

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('who leads', { timeout: 240_000 }, () => {
  let site: Site;
  let leader: Replica;
  let standby: Replica;
  let round = 0;

  beforeAll(async () => {
    site = await prepareSite({ stack, name: NAME, files: { 'a.yaml': appManifest(SERVICE), ...texts('old') } });
    leader = site;
    standby = await site.another();
    await leader.daemon.start();
    await leader.daemon.waitFor('rest', ({ specs }) => specs.length === 4 && specs.every(({ state }) => state === 'in-step'));
    await standby.daemon.start();
    await atRest();
  });

  afterEach(async () => {
    for (const { kubernetes, consul } of [leader, standby]) for (const proxy of [kubernetes, consul]) heal(proxy);
    await atRest();
  });

  afterAll(async () => {
    await site?.remove();
  });

  it('a standby passes a resync on to the leader', async () => {
    const before = [await startedAtMs(leader), await startedAtMs(standby)] as const;
    expect(await standby.daemon.resync()).toBe(202);
    await leader.daemon.waitFor('the resync', (report) => report.startedAtMs > before[0] && report.trigger.includes('resync'));
    expect((await standby.daemon.logs()).filter((line) => String(line['trigger']).includes('resync'))).toEqual([]);
    expect(await standby.daemon.metrics()).toContain('poolkeeper_leader 0\n');
  });

  it('a leader that the API server does not answer gives Consul up to one that it answers', async () => {
    const instances = await registered();
    const [former, heir] = [leader, standby];
    const brokenAtMs = Date.now();
    hang(former.kubernetes);
    await led(heir);
    expect(Date.now() - brokenAtMs).toBeGreaterThan(20_000);
    expect(await registered()).toEqual(instances);
    await follows(heir);
    swap();
    heal(former.kubernetes);
    await former.daemon.waitFor('the API server again', ({ sources }) => sources.every(({ kind }) => kind === 'complete'));
    expect((await former.daemon.status()).leader).toMatchObject({ consul: false, kubernetes: false });
    expect(await leads(heir)).toBe(true);
    expectHandover(former, heir);
  });

  it('a leader that Consul does not answer gives the Kubernetes Lease up to one that it answers', async () => {
    const instances = await registered();
    const [former, heir] = [leader, standby];
    drop(former.consul);
    await led(heir);
    expect(await registered()).toEqual(instances);
    await follows(heir);
    swap();
    heal(former.consul);
    await former.daemon.waitFor('Consul again', (report) => report.leader.holder?.includes(heir.daemon.url) === true);
    expect(await leads(heir)).toBe(true);
    expectHandover(former, heir);
  });

  it('a leader stays one when the API server answers nobody', async () => {
    const instances = await registered();
    const before = await holder();
    for (const { kubernetes } of [leader, standby]) hang(kubernetes);
    await waitUntil('the lease to be offered', async () => ((await holder()).session === undefined ? true : undefined), {
      timeoutMs: HANDOVER_MS,
    });
    const offeredAtMs = Date.now();
    const again = await waitUntil('somebody to lead again', async () => {
      const now = await holder();
      return now.session === undefined ? undefined : now;
    });
    expect(Date.now() - offeredAtMs).toBeLessThan(8_000);
    expect(again.url).toBe(before.url);
    expect(again.session).not.toBe(before.session);
    expect(await registered()).toEqual(instances);
    for (const { kubernetes } of [leader, standby]) heal(kubernetes);
    await led(leader);
    await follows(leader);
  });

  it('a leader that was paused for a minute writes nothing when it goes on, not even what was on its way', async () => {
    const [former, heir] = [leader, standby];
    const inConsul = holdEach(former.consul, [(request) => writeKindsOf(request).includes('pool change')]);
    const inKubernetes = holdEach(former.kubernetes, [
      ({ method, path }) => method === 'PATCH' && path.endsWith('/configmaps/first'),
      ({ method, path }) => method === 'DELETE' && path.endsWith('/configmaps/unwanted'),
    ]);
    const held = [...inConsul, ...inKubernetes];
    const { unwanted: _, ...late } = TEXTS;
    await site.git.commit({ 'a.yaml': appManifest(SERVICE, { tags: 'late' }), ...texts('late', late) }, 'what comes too late');
    const [lateTransaction, latePatch, lateRemoval] = await Promise.all(held.map(({ came }) => came));
    await former.daemon.process().signal('SIGSTOP');
    const pausedAtMs = Date.now();
    try {
      await led(heir, 25_000);
      const supersededAtMs = Date.now();
      await follows(heir, texts('new'));
      await shows({ first: 'new', second: 'new', unwanted: 'new' });
      for (const { release } of held) release();
      const statuses = [lateTransaction, latePatch, lateRemoval].map((one) => waitUntil('the late answers', () => one?.status));
      // Both stores refuse what names the state that it was planned on. The patch names none: who leads now puts it right.
      expect(await Promise.all(statuses)).toEqual([409, 200, 409]);
      await shows({ first: 'new', second: 'new', unwanted: 'new' });
      const tags = await registered();
      // The time itself is what is asked for here: longer than anything that the leader held could last.
      await sleep(Math.max(0, pausedAtMs + 60_000 - Date.now()));
      // Something that whoever believes to lead puts right at once: no request for it has failed, so nothing is put off.
      held.push(...holdEach(heir.kubernetes, [({ method, path }) => method === 'PATCH' && path.endsWith('/configmaps/calm')]));
      const path = `/api/v1/namespaces/${NAME}/configmaps/calm`;
      await kubeRequest(stack, 'PATCH', path, { data: { text: 'drifted' } }, patchTypes.merge);
      await held.at(-1)?.came;
      const versions = await textVersions();
      await former.daemon.process().signal('SIGCONT');
      await former.daemon.waitFor('its new place', (report) => report.leader.holder?.includes(heir.daemon.url) === true);
      const revision = await site.git.commit({ 'e.yaml': configMap('another', 'text') }, 'something new to look at');
      await former.daemon.waitFor(
        'a run of its own that sees what it may not put right',
        (report) => report.revision === revision && report.specs.some(({ id, state }) => id.includes('d.yaml') && state !== 'in-step'),
      );
      const sentLater = ({ atMs }: RecordedRequest): boolean => atMs > supersededAtMs;
      const taken = [...former.kubernetes.requests, ...former.consul.requests]
        .filter((request) => sentLater(request) && writeKindsOf(request).length > 0)
        .filter(({ status = 0 }) => status < 400);
      expect(taken.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
      // `second` was next in the run that was paused. Kubernetes has no fence: it must not even be sent.
      expect(appliesOf(former).filter(sentLater)).toEqual([]);
      expect([await registered(), await textVersions()]).toEqual([tags, versions]);
      expect(await leads(heir)).toBe(true);
      swap();
    } finally {
      for (const { release } of held) release();
      await former.daemon.process().signal('SIGCONT');
    }
  });

  it('the session of the leader is bound to no check', async () => {
    const answer = await fetch(`${stack.consulUrl}/v1/session/info/${(await holder()).session}`);
    const [session] = (await answer.json()) as {
      readonly Checks: unknown;
      readonly NodeChecks: unknown;
      readonly ServiceChecks: unknown;
    }[];
    expect(session).toBeDefined();
    for (const checks of [session?.Checks, session?.NodeChecks, session?.ServiceChecks]) expect(checks ?? []).toEqual([]);
  });

  function swap(): void {
    [leader, standby] = [standby, leader];
  }

  const startedAtMs = async ({ daemon }: Replica): Promise<number> => (await daemon.status()).startedAtMs;

  async function leads({ daemon }: Replica): Promise<boolean> {
    const report = await daemon.status();
    return report.leader.consul && report.leader.kubernetes;
  }

  /** What the leader key says. */
  async function holder(): Promise<{ readonly session: string | undefined; readonly url: string | undefined }> {
    const [entry] = await kvEntries(stack, `${NAME}/.poolkeeper/${NAME}/leader`);
    const { address } = JSON.parse(entry?.value ?? '{}') as { readonly address?: string };
    return { session: entry?.session, url: address?.split(' ').at(-1) };
  }

  async function led(replica: Replica, timeoutMs = HANDOVER_MS): Promise<void> {
    await waitUntil('the other one to lead both', async () => ((await leads(replica)) ? true : undefined), { timeoutMs });
  }

  async function atRest(): Promise<void> {
    await led(leader);
    const { url } = leader.daemon;
    await standby.daemon.waitFor(
      'a standby that sees everything',
      (report) => report.leader.holder?.includes(url) === true && report.sources.every(({ kind }) => kind === 'complete'),
    );
    for (const { kubernetes, consul } of [leader, standby]) for (const proxy of [kubernetes, consul]) proxy.forget();
  }

  function hang(proxy: Replica['kubernetes']): void {
    proxy.intercept(() => ({ kind: 'delay', work: () => new Promise(() => {}) }));
    proxy.cut();
  }

  function drop(proxy: Replica['consul']): void {
    proxy.intercept(() => ({ kind: 'before', work: async () => undefined }));
    proxy.cut();
  }

  function heal(proxy: Replica['consul']): void {
    proxy.intercept(undefined);
    proxy.cut();
  }

  async function registered(): Promise<readonly string[]> {
    return (await instancesOf(stack, SERVICE)).map(
      ({ ServiceID, ServicePort, ModifyIndex }) => `${ServiceID} ${ServicePort} ${ModifyIndex}`,
    );
  }

  /** A change of the repository reaches both stores. */
  async function follows({ daemon }: Replica, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const tag = `round${++round}`;
    await site.git.commit({ 'a.yaml': appManifest(SERVICE, { tags: tag, replicas: round }), ...more }, 'another tag');
    await daemon.resync();
    await waitUntil('the tag in Consul', async () =>
      (await instancesOf(stack, SERVICE)).every(({ ServiceTags }) => ServiceTags.includes(tag)) ? true : undefined,
    );
  }

  async function configMaps(): Promise<readonly ConfigMap[]> {
    const { items } = (await kubeRequest(stack, 'GET', `/api/v1/namespaces/${NAME}/configmaps`)) as {
      readonly items: readonly ConfigMap[];
    };
    return items.filter(({ metadata }) => metadata.name in TEXTS || metadata.name === 'calm');
  }

  const textVersions = async (): Promise<readonly string[]> => (await configMaps()).map(({ metadata }) => metadata.resourceVersion);

  async function shows(expected: Readonly<Record<string, string>>): Promise<void> {
    const shown = async (): Promise<unknown> =>
      Object.fromEntries((await configMaps()).map(({ metadata, data }) => [metadata.name, data['text']]));
    await expect.poll(shown).toEqual({ calm: 'always', ...expected });
  }

  /** What the one wrote came before what the other wrote; leases aside. */
  function expectHandover(from: Replica, to: Replica): void {
    const [before, after] = [writesOf(from), writesOf(to)];
    expect(after.length).toBeGreaterThan(0);
    expect(Math.max(0, ...before)).toBeLessThan(Math.min(...after));
  }
});

/** The ConfigMaps, by the file that holds them. */
const TEXTS: Readonly<Record<string, string>> = { first: 'b.yaml', second: 'b.yaml', unwanted: 'c.yaml' };

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data: Readonly<Record<string, string>>;
}

/** The files of ConfigMaps, each with this text, and of two that stay as they are. */
function texts(text: string, named = TEXTS): Readonly<Record<string, string>> {
  const files: Record<string, string> = { 'b.yaml': '', 'c.yaml': configMap('kept', 'always'), 'd.yaml': configMap('calm', 'always') };
  for (const [name, file] of Object.entries(named)) files[file] += configMap(name, text);
  return files;
}

const configMap = (name: string, text: string): string =>
  `---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { text: ${text} }\n`;

/** A request that a proxy keeps to itself: when it came, and what passes it on. */
interface HeldRequest {
  readonly came: Promise<RecordedRequest>;
  readonly release: () => void;
}

/** Keeps the requests that are asked for; each of them is to come. */
function holdEach(proxy: RecordingProxy, asked: readonly ((request: RecordedRequest) => boolean)[]): readonly HeldRequest[] {
  const holds = asked.map((isIt) => ({ isIt, came: Promise.withResolvers<RecordedRequest>(), goOn: Promise.withResolvers<void>() }));
  proxy.intercept((request) => {
    const hold = holds.find(({ isIt }) => isIt(request));
    hold?.came.resolve(request);
    return hold === undefined ? undefined : { kind: 'delay', work: () => hold.goOn.promise };
  });
  return holds.map(({ came, goOn }) => ({ came: came.promise, release: goOn.resolve }));
}

/** What a replica has written to Kubernetes, but for the lease. */
const appliesOf = ({ kubernetes }: Replica): readonly RecordedRequest[] =>
  kubernetes.requests.filter((request) => writeKindsOf(request).some((kind) => !kind.startsWith('Lease')));

/** When a replica wrote, but for the leases. */
function writesOf(replica: Replica): readonly number[] {
  const transactions = replica.consul.requests.filter(({ path }) => path === '/v1/txn');
  return [...appliesOf(replica), ...transactions].map(({ atMs }) => atMs);
}
