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
  server = createServer((asked, answer) => void (asked.url === '/late' ? undefined : answer.writeHead(418).end())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  facts = [];
});
afterAll(() => server.close().closeAllConnections());

const byNode = (url: string): Promise<void> =>
  new Promise((resolve) => {
    get(url, (answer) => void answer.resume().on('end', resolve)).on('error', () => resolve());
  });
const byUndici = async (url: string, signal?: AbortSignal): Promise<void> => {
  await request(url, signal === undefined ? {} : { signal }).then(
    ({ body }) => body.dump(),
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

  it('is silent once it has been stopped', async () => {
    watchRequests(new Map([[origin, 'traefik']]), (fact) => facts.push(fact))();
    await byUndici(origin);
    expect(facts).toEqual([]);
  });
});
