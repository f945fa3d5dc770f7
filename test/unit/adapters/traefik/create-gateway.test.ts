import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createGateway, type TraefikGateway } from '../../../../src/adapters/traefik/create-gateway.ts';
import type { GatewayTimings } from '../../../../src/adapters/traefik/follow-replica.ts';
import type { ReplicaOptions } from '../../../../src/adapters/traefik/read-api.ts';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { Clock } from '../../../../src/core/model/ports.ts';
import { type Certificate, selfSigned } from '../../../support/certificate.ts';
import { type FakeTraefik, startFakeTraefik } from '../../../support/fake-traefik.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const EDGE = replicaName('edge');
const clock = { now: () => Date.now(), random: () => 0.5 };
/** A clock that a test sets ahead. */
const setClock = () => {
  let aheadMs = 0;
  return {
    now: (): number => Date.now() + aheadMs,
    random: (): number => 0.5,
    pass: (ms: number): void => {
      aheadMs += ms;
    },
  };
};
const OLD = 'http://10.0.0.1:30080';
const NEW = 'http://10.0.0.1:30081';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function fake(): Promise<FakeTraefik> {
  const server = await startFakeTraefik();
  endings.push(() => server.stop());
  return server;
}

function watch(
  url: string,
  timings: Partial<GatewayTimings> & { readonly by?: Clock } = {},
  more: Partial<ReplicaOptions> = {},
): TraefikGateway {
  const quick = { briskMs: 20, restMs: 60_000, timeoutMs: 500, backoff: { baseMs: 20, maxMs: 50 } };
  const gateway = createGateway({
    replicas: [{ name: EDGE, url, ...more }],
    clock: timings.by ?? clock,
    timings: { ...quick, ...timings },
  });
  endings.push(() => gateway.stop());
  return gateway;
}

const until = (what: string, holds: () => boolean) => waitUntil(what, () => (holds() ? true : undefined));
const never = new AbortController().signal;
const points = (gateway: TraefikGateway): unknown => {
  const found = snapshot(gateway);
  return found.kind === 'unavailable' ? undefined : found.value.elsewhere?.entryPoints;
};
const snapshot = (gateway: TraefikGateway) => {
  const found = gateway.state().get(EDGE);
  if (found === undefined) throw new Error('there is no such replica');
  return found;
};
const servers = (gateway: TraefikGateway): readonly string[] => {
  const found = snapshot(gateway);
  return found.kind === 'unavailable' ? [] : [...found.value.services.values()].flatMap((service) => service.servers.map(({ url }) => url));
};
const reason = (gateway: TraefikGateway): string => {
  const found = snapshot(gateway);
  return found.kind === 'complete' ? 'none' : `${found.reason.code}: ${found.reason.message}`;
};

describe('createGateway', () => {
  it('knows nothing before the first answer, and everything after it', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    expect(snapshot(gateway).kind).toBe('unavailable');
    const askedAtMs = Date.now();
    await gateway.refresh(never);
    expect(snapshot(gateway).kind).toBe('complete');
    expect(servers(gateway)).toEqual([OLD]);
    const found = snapshot(gateway);
    expect(found.kind === 'complete' ? found.readAtMs : 0).toBeGreaterThanOrEqual(askedAtMs);
  });

  it('keeps the very same map, and tells nobody, while nothing changes', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    let told = 0;
    gateway.changed(() => told++);
    const before = snapshot(gateway);
    expect(gateway.state()).toBe(gateway.state());
    await gateway.refresh(never);
    const after = snapshot(gateway);
    expect(told).toBe(0);
    expect(after.kind === 'complete' && before.kind === 'complete' && after.value === before.value).toBe(true);
  });

  it('remembers when a server went, and forgets it when it comes back', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    const wentAtMs = Date.now();
    traefik.show({ shop: [NEW] });
    await gateway.refresh(never);
    const left = (): ReadonlyMap<string, number> | undefined => {
      const found = snapshot(gateway);
      return found.kind === 'complete' ? found.value.leftAtMs : undefined;
    };
    expect([...(left()?.keys() ?? [])]).toEqual(['10.0.0.1:30080']);
    expect(left()?.get('10.0.0.1:30080')).toBeGreaterThanOrEqual(wentAtMs);
    traefik.show({ shop: [NEW, OLD] });
    await gateway.refresh(never);
    expect([...(left()?.keys() ?? [])]).toEqual([]);
  });

  it('asks rarely at rest, and briskly while something is awaited', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    gateway.start(never);
    await until('the first answer', () => snapshot(gateway).kind === 'complete');
    expect(traefik.requests()).toBe(1);
    traefik.show({ shop: [NEW] });
    gateway.expect(Date.now());
    await until('the change', () => servers(gateway)[0] === NEW);
    await until('more requests', () => traefik.requests() > 4);
    gateway.expect(undefined);
    const { length } = servers(gateway);
    const before = traefik.requests();
    await gateway.refresh(never);
    expect(length).toBe(1);
    // One under way when it was told, and the one that was asked for.
    expect(traefik.requests() - before).toBeLessThanOrEqual(2);
  });

  it('asks the more rarely the longer something has been awaited', async () => {
    const traefik = await fake();
    const gateway = watch(traefik.url);
    gateway.start(never);
    await until('the first answer', () => traefik.requests() === 1);
    // Awaited for an hour: the next request would come three minutes after the last, but for the rest of a minute.
    gateway.expect(Date.now() - 3_600_000);
    gateway.expect(Date.now() - 3_500_000);
    await gateway.refresh(never);
    expect(traefik.requests()).toBe(2);
  });

  it('tells of the first answer since what is awaited, though nothing has changed', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    let told = 0;
    gateway.changed(() => told++);
    gateway.expect(Date.now());
    await gateway.refresh(never);
    await gateway.refresh(never);
    expect(told).toBe(1);
  });

  it('reads the entry points with the first answer, and seldom again', async () => {
    const traefik = await fake();
    traefik.showEntryPoints(JSON.stringify([{ name: 'web', address: ':80' }]));
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    expect(points(gateway)).toEqual([{ name: 'web' }]);
    traefik.show({ shop: [NEW] });
    await gateway.refresh(never);
    await gateway.refresh(never);
    expect(traefik.requests('/api/entrypoints')).toBe(1);
    // It may have been started with others while it did not answer.
    traefik.answerWith((_request, response) => void response.writeHead(503).end());
    await gateway.refresh(never);
    await gateway.refresh(never);
    traefik.answerWith(undefined);
    traefik.showEntryPoints(JSON.stringify([{ name: 'other', address: ':80' }]));
    await gateway.refresh(never);
    expect(points(gateway)).toEqual([{ name: 'other' }]);
  });

  it('reads entry points again after a minute, though nothing else has changed, and soon after a reading that failed', async () => {
    const traefik = await fake();
    const by = setClock();
    traefik.showEntryPoints(JSON.stringify([{ name: 'web', address: ':80' }]));
    const gateway = watch(traefik.url, { by });
    await gateway.refresh(never);
    traefik.showEntryPoints('');
    by.pass(60_000);
    await gateway.refresh(never);
    expect(points(gateway)).toEqual([{ name: 'web' }]);
    traefik.showEntryPoints(JSON.stringify([{ name: 'new', address: ':80' }]));
    by.pass(60_000);
    await gateway.refresh(never);
    expect(points(gateway)).toEqual([{ name: 'new' }]);
    expect(traefik.requests('/api/entrypoints')).toBe(3);
  });

  it('does without entry points where they cannot be read', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    await gateway.refresh(never);
    const found = snapshot(gateway);
    expect(found.kind).toBe('complete');
    expect(found.kind === 'complete' ? Object.keys(found.value.elsewhere ?? {}) : []).toEqual(['middlewares', 'services']);
    expect(traefik.requests('/api/entrypoints')).toBe(1);
  });

  it('notes when a replica has started anew: nothing is left of what it had, or half of it is gone after a silence', async () => {
    const traefik = await fake();
    const by = setClock();
    const gateway = watch(traefik.url, { by, restartMs: 60_000 });
    const startedAtMs = (): number | undefined => {
      const found = snapshot(gateway);
      return found.kind === 'unavailable' ? undefined : found.value.startedAtMs;
    };
    const seen = async (services: Readonly<Record<string, readonly string[]>>): Promise<number | undefined> => {
      traefik.show(services);
      await gateway.refresh(never);
      return startedAtMs();
    };
    expect(await seen({})).toBeUndefined();
    expect(await seen({ a: [OLD], b: [OLD], c: [OLD] })).toBeUndefined();
    expect(await seen({ a: [OLD] })).toBeUndefined();
    await seen({ a: [OLD], b: [OLD], c: [OLD] });
    traefik.answerWith((_request, response) => void response.writeHead(503).end());
    await gateway.refresh(never);
    await gateway.refresh(never);
    traefik.answerWith(undefined);
    const backMs = await seen({ a: [OLD] });
    expect(backMs).toBeGreaterThan(0);
    expect(await seen({ a: [OLD], b: [OLD] })).toBe(backMs);
    // One that starts again and again is not new each time.
    for (let starts = 0; starts < 3; starts++) {
      by.pass(50_000);
      expect(await seen({})).toBe(backMs);
      expect(await seen({ a: [OLD], b: [OLD] })).toBe(backMs);
    }
    by.pass(60_000);
    const before = by.now();
    expect(await seen({})).toBeGreaterThanOrEqual(before);
  });

  it('holds on to what it knew when an answer fails, and calls it stale after the second failure', async () => {
    const traefik = await fake();
    traefik.show({ shop: [OLD] });
    const gateway = watch(traefik.url);
    await gateway.refresh(never);
    const told: string[] = [];
    gateway.changed(() => told.push(snapshot(gateway).kind));
    traefik.answerWith((_request, response) => void response.writeHead(503).end());
    await gateway.refresh(never);
    expect(snapshot(gateway).kind).toBe('complete');
    await gateway.refresh(never);
    expect(snapshot(gateway).kind).toBe('stale');
    expect(servers(gateway)).toEqual([OLD]);
    traefik.answerWith(undefined);
    await gateway.refresh(never);
    expect(told).toEqual(['stale', 'complete']);
  });

  it('does not wait for ever for a server that takes requests and does not answer', async () => {
    const traefik = await fake();
    traefik.answerWith(() => undefined);
    const gateway = watch(traefik.url, { timeoutMs: 100 });
    await gateway.refresh(never);
    expect(reason(gateway)).toBe('TRAEFIK_UNREACHABLE: Traefik replica edge does not answer: no answer in time');
  });

  it.each<readonly [string, (url: FakeTraefik) => void, string]>([
    ['nothing listens', (traefik) => void traefik.stop(), 'TRAEFIK_UNREACHABLE: Traefik replica edge does not answer: '],
    [
      'it wants a password',
      (traefik) => traefik.answerWith((_r, response) => void response.writeHead(401).end('x')),
      'TRAEFIK_FORBIDDEN: ',
    ],
    ['it is no Traefik 3', (traefik) => traefik.answerWith((_r, response) => void response.writeHead(404).end()), 'TRAEFIK_BAD_ANSWER: '],
    ['it answers something else', (traefik) => traefik.answerWith((_r, response) => void response.end('<html>')), 'TRAEFIK_BAD_ANSWER: '],
    [
      'it never comes to an end',
      (traefik) =>
        traefik.answerWith((_r, response) => {
          const more = (): void => void response.write(Buffer.alloc(1024 * 1024, ' '), () => (response.destroyed ? undefined : more()));
          more();
        }),
      'TRAEFIK_BAD_ANSWER: Traefik replica edge does not answer like Traefik 3: the answer is longer than 64 MiB',
    ],
  ])('says so when %s', async (_name, spoil, expected) => {
    const traefik = await fake();
    spoil(traefik);
    const gateway = watch(traefik.url, { timeoutMs: 5_000 });
    await gateway.refresh(never);
    expect(reason(gateway)).toContain(expected);
    expect(snapshot(gateway).kind).toBe('unavailable');
  });

  it('sends user name and password, which it reads anew each time, and shows neither', async () => {
    const traefik = await fake();
    const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-test-'));
    endings.push(() => rm(directory, { recursive: true }));
    const passwordFile = join(directory, 'password');
    const sent: (string | undefined)[] = [];
    traefik.answerWith((request, response) => {
      sent.push(request.headers.authorization);
      response.writeHead(403).end();
    });
    const gateway = watch(traefik.url, {}, { username: 'ops', passwordFile });
    await writeFile(passwordFile, 'first-secret\n');
    await gateway.refresh(never);
    await writeFile(passwordFile, 'second-secret\n');
    await gateway.refresh(never);
    expect(sent).toEqual(['first-secret', 'second-secret'].map((password) => `Basic ${btoa(`ops:${password}`)}`));
    expect(reason(gateway)).not.toContain('secret');
  });

  it('asks a replica below a path', async () => {
    const traefik = await fake();
    let path: string | undefined;
    traefik.answerWith((request, response) => {
      path = request.url;
      response.end();
    });
    await watch(`${traefik.url}/edge-1/`).refresh(never);
    expect(path).toBe('/edge-1/api/rawdata');
  });

  it.each<readonly [string, (certificate: Certificate) => Partial<ReplicaOptions>, string]>([
    ['trusts nobody by itself', () => ({}), 'TRAEFIK_UNREACHABLE: Traefik replica edge does not answer: self-signed certificate'],
    ['trusts an authority that it is given', ({ cert }) => ({ ca: cert }), 'none'],
    ['trusts anybody when it is told to', () => ({ insecureSkipVerify: true }), 'none'],
  ])('over TLS %s', async (_name, more, expected) => {
    const certificate = selfSigned('traefik');
    const traefik = await startFakeTraefik(certificate);
    endings.push(() => traefik.stop());
    const gateway = watch(traefik.url, { timeoutMs: 5_000 }, more(certificate));
    await gateway.refresh(never);
    expect(reason(gateway)).toContain(expected);
  });
});
