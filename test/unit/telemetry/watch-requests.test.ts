import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RequestFact, watchRequests } from '../../../src/telemetry/watch-requests.ts';

const NOWHERE = 'http://127.0.0.1:1';
let server: Server;
let origin: string;
let facts: RequestFact[];
beforeAll(async () => {
  server = createServer((asked, answer) => {
    if (asked.url === '/late') return;
    if (asked.url === '/broken') {
      answer.writeHead(200, { 'content-length': 100 }).write('half', () => answer.destroy());
      return;
    }
    if (asked.url === '/hinted') answer.writeEarlyHints({ link: '</a>; rel=preload' });
    answer.writeHead(418).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  facts = [];
});
afterAll(() => server.close().closeAllConnections());

const byNode = (url: string): Promise<void> =>
  new Promise((resolve) => {
    get(
      url,
      (answer) =>
        void answer
          .resume()
          .on('close', resolve)
          .on('error', () => undefined),
    ).on('error', () => resolve());
  });
const byUndici = async (url: string, signal?: AbortSignal): Promise<void> => {
  await request(url, signal === undefined ? {} : { signal }).then(
    ({ body }) =>
      body.text().then(
        () => undefined,
        () => undefined,
      ),
    () => undefined,
  );
};

describe('watchRequests', () => {
  it('tells the requests of both clients to the servers that it is asked about, and no others', async () => {
    const stop = watchRequests(new Map([[origin, 'consul']]), (fact) => facts.push(fact));
    await Promise.all([byNode(`${origin}/v1`), byUndici(`${origin}/api`), byUndici(NOWHERE), byNode(NOWHERE)]);
    stop();
    const fact = { leg: 'consul', method: 'GET', code: '418' };
    expect(facts).toEqual([fact, fact]);
  });

  it('tells a failure by its class, and says nothing of requests that were given up', async () => {
    const tls = origin.replace('http:', 'https:');
    const servers = new Map([NOWHERE, tls, origin].map((url) => [url, 'kubernetes'] as const));
    const stop = watchRequests(servers, (fact) => facts.push(fact));
    await byUndici(NOWHERE);
    await byNode(NOWHERE);
    await byUndici(tls);
    await byUndici(`${origin}/late`, AbortSignal.timeout(20));
    const givenUp = new AbortController();
    setTimeout(() => givenUp.abort(), 20);
    await byUndici(`${origin}/late`, givenUp.signal);
    stop();
    expect(facts.map(({ code }) => code)).toEqual(['error', 'error', 'tls', 'timeout']);
  });

  it.each([
    ['undici', byUndici],
    ['Node', byNode],
  ])('tells a request of %s once, when its answer breaks off and when hints come before it', async (_, send) => {
    const stop = watchRequests(new Map([[origin, 'kubernetes']]), (fact) => facts.push(fact));
    await send(`${origin}/broken`);
    await send(`${origin}/hinted`);
    stop();
    expect(facts.map(({ code }) => code)).toEqual(['200', '418']);
  });

  it('is silent once it has been stopped', async () => {
    watchRequests(new Map([[origin, 'traefik']]), (fact) => facts.push(fact))();
    await byUndici(origin);
    expect(facts).toEqual([]);
  });
});
