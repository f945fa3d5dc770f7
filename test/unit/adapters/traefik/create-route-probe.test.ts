import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createRouteProbe, type RouteProbeOptions, type StoppableRouteProbe } from '../../../../src/adapters/traefik/create-route-probe.ts';
import { poolKey } from '../../../../src/core/model/ids.ts';
import type { RouteAnswer, RouteTarget } from '../../../../src/core/model/ports.ts';
import { type Certificate, selfSigned } from '../../../support/certificate.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const POOL = poolKey('prod', 'shop');
const HOST = 'shop.example.com';
const never = new AbortController().signal;

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** An entry point that answers as a test says; gives its URL. */
async function entryPoint(serve: RequestListener, certificate?: Certificate): Promise<string> {
  const server = certificate === undefined ? createServer(serve) : createTlsServer({ ...certificate }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function probeOf(url: string, more: Partial<RouteProbeOptions> = {}): StoppableRouteProbe {
  const clock = { now: () => Date.now(), random: () => 0.5 };
  const probe = createRouteProbe({ url, intervalMs: 60_000, timeoutMs: 1_000, clock, ...more });
  endings.push(() => probe.stop());
  return probe;
}

const target = (more: Partial<RouteTarget> = {}): RouteTarget => ({ pool: POOL, router: 'shop', host: HOST, path: '/', ...more });
async function once(probe: StoppableRouteProbe, more: Partial<RouteTarget> = {}): Promise<RouteAnswer> {
  probe.want([target(more)]);
  const [answer] = await probe.probe(POOL, never);
  if (answer === undefined) throw new Error('nothing was tried');
  return answer;
}

describe('createRouteProbe', () => {
  it('asks as a client of the host would, and follows no redirection', async () => {
    const seen: IncomingMessage[] = [];
    const url = await entryPoint((request, response) => {
      seen.push(request);
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('go there');
    });
    const beganAtMs = Date.now();
    const answer = await once(probeOf(`${url}/ignored`), { path: '/a?b=c' });
    expect(seen.map(({ method, url: path, headers }) => [method, path, headers.host])).toEqual([['GET', '/a?b=c', HOST]]);
    expect(answer).toMatchObject({ router: 'shop', host: HOST, path: '/a?b=c', ok: true, status: 302, failures: 0 });
    expect(answer.atMs).toBeGreaterThanOrEqual(beganAtMs);
    expect(answer).not.toHaveProperty('error');
  });

  const CODES = [
    { from: 200, to: 299 },
    { from: 401, to: 401 },
  ];
  it.each<readonly [string, number, string, Partial<RouteTarget>, Partial<RouteAnswer>]>([
    ['takes any answer of the application', 403, 'no', {}, { ok: true, status: 403 }],
    ['takes a 404 of the application', 404, '{"error":"none"}', {}, { ok: true, status: 404 }],
    ['knows a 404 that has the length of the one of Traefik', 404, 'nineteen characters', {}, { ok: true, status: 404 }],
    [
      'knows the 404 of Traefik itself',
      404,
      '404 page not found\n',
      {},
      { ok: false, status: 404, error: 'HTTP 404 of Traefik itself: no router takes the request' },
    ],
    ['does not take 502', 502, 'Bad Gateway', {}, { ok: false, status: 502, error: 'HTTP 502' }],
    ['takes the codes that are said', 401, '', { codes: CODES }, { ok: true, status: 401 }],
    ['takes no others then', 302, '', { codes: CODES }, { ok: false, status: 302, error: 'HTTP 302' }],
  ])('%s', async (_name, status, body, more, expected) => {
    const url = await entryPoint((_request, response) => void response.writeHead(status, { 'content-length': body.length }).end(body));
    expect(await once(probeOf(url), more)).toMatchObject(expected);
  });

  it('does not wait for the end of an answer that never ends', async () => {
    const url = await entryPoint((_request, response) => void response.writeHead(200).write('event: tick\n\n'));
    expect(await once(probeOf(url, { timeoutMs: 30_000 }))).toMatchObject({ ok: true, status: 200 });
  });

  it('has a deadline, and says what else went wrong', async () => {
    const silent = await entryPoint(() => undefined);
    expect(await once(probeOf(silent, { timeoutMs: 50 }))).toMatchObject({ ok: false, error: 'no answer in time' });
    const answer = await once(probeOf('http://127.0.0.1:1'));
    expect(answer.error).toMatch(/ECONNREFUSED/);
    expect(answer).not.toHaveProperty('status');
  });

  it('names the host of the route in TLS, and checks the certificate against it', async () => {
    const names: unknown[] = [];
    const certificate = selfSigned('edge', [HOST]);
    const url = await entryPoint((request, response) => {
      names.push((request.socket as TLSSocket).servername);
      response.end('ok');
    }, certificate);
    const probe = probeOf(url, { ca: certificate.cert });
    expect(probe.tls).toBe(true);
    expect(await once(probe)).toMatchObject({ ok: true });
    const other = await once(probe, { host: 'other.example.com' });
    expect(other.ok).toBe(false);
    expect(other.error).toMatch(/other\.example\.com/);
    expect(await once(probeOf(url, { insecureSkipVerify: true }), { host: 'other.example.com' })).toMatchObject({ ok: true });
    expect(names).toEqual([HOST, 'other.example.com']);
  });

  it('tries again and again, tells of a second failure in a row and of the end of it, and forgets what is not wanted', async () => {
    let status = 200;
    let requests = 0;
    const url = await entryPoint((_request, response) => {
      requests++;
      response.writeHead(status).end();
    });
    const probe = probeOf(url, { intervalMs: 40 });
    let told = 0;
    probe.changed(() => told++);
    probe.want([target()]);
    const answer = (): RouteAnswer | undefined => probe.state().get(POOL)?.[0];
    const until = (what: string, holds: () => boolean) => waitUntil(what, () => (holds() ? true : undefined));
    await until('three tries', () => requests >= 3);
    expect(told).toBe(0);
    status = 503;
    await until('two failures', () => (answer()?.failures ?? 0) >= 2);
    expect(told).toBe(1);
    status = 200;
    await until('the end of them', () => answer()?.ok === true);
    expect(told).toBe(2);
    probe.want([target()]);
    expect(answer()?.ok).toBe(true);
    probe.want([target({ path: '/other' })]);
    expect(probe.state().size).toBe(0);
    probe.want([]);
    expect(await probe.probe(POOL, never)).toEqual([]);
  });

  it('has no more than eight requests under way', async () => {
    let [open, most, count] = [0, 0, 0];
    const url = await entryPoint((_request, response) => {
      most = Math.max(most, ++open);
      count++;
      setImmediate(() => {
        open--;
        response.end();
      });
    });
    const probe = probeOf(url);
    probe.want(Array.from({ length: 40 }, (_, i) => target({ router: `r${i}` })));
    await probe.probe(POOL, never);
    expect(count).toBe(40);
    expect(most).toBeLessThanOrEqual(8);
  });
});
