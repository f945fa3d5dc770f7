import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createConsulClient } from '../../../../src/adapters/consul/create-consul-client.ts';
import { kvKey } from '../../../../src/core/model/ids.ts';
import { errorText } from '../../../../src/shared/errors.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A server that gives every request to `handle`, and a client of it. */
async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: { token?: string; tokenFile?: string; scope?: { namespace?: string; partition?: string } } = {},
) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createConsulClient({
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    timeoutMs: 1_000,
    ...options,
  });
  cleanups.push(
    () => {
      server.closeAllConnections();
      server.close();
    },
    () => client.close(),
  );
  return client;
}

const signal = () => AbortSignal.timeout(5_000);
const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json', 'x-consul-index': '7' }).end(JSON.stringify(body));

describe('the Consul client', () => {
  it('reads consistently and blocks in the default mode', async () => {
    const urls: string[] = [];
    const client = await serve((request, response) => {
      urls.push(request.url ?? '');
      json(response, request.url?.includes('services') ? {} : []);
    });
    await client.listNodes('Node == "n"', signal());
    await client.listServices({ nodeMeta: ['a:b', 'c:d'], blocking: { index: 7, waitMs: 250 } }, signal());
    await client.readTree(kvKey('a/b c/'), signal());
    expect(urls).toEqual([
      '/v1/catalog/nodes?consistent=1&filter=Node%20%3D%3D%20%22n%22',
      '/v1/catalog/services?index=7&wait=250ms&node-meta=a%3Ab&node-meta=c%3Ad',
      '/v1/kv/a%2Fb%20c%2F?recurse=true&consistent=1',
    ]);
  });

  it('reads its token file again for every request, so that a rotated token counts at once', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'token-'));
    cleanups.push(() => rm(directory, { recursive: true }));
    const tokenFile = join(directory, 'token');
    const tokens: unknown[] = [];
    const client = await serve(
      (request, response) => {
        tokens.push(request.headers['x-consul-token']);
        json(response, request.url?.includes('node-services') ? { Node: null } : []);
      },
      { token: 'ignored', tokenFile },
    );
    await expect(client.listNodes('', signal())).rejects.toMatchObject({ problem: { code: 'CONFIG_UNREADABLE' } });
    await writeFile(tokenFile, 'first\n');
    await client.listNodes('', signal());
    await writeFile(tokenFile, 'second\n');
    await client.listInstances('n', signal());
    expect(tokens).toEqual(['first', 'second']);
  });

  it('no error holds the token', async () => {
    const client = await serve((_, response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('No cluster leader'), {
      token: 'hush-hush',
    });
    const error: unknown = await client.listNodes('', signal()).catch((thrown: unknown) => thrown);
    expect(errorText(error)).toContain('No cluster leader');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hush-hush');
    expect((error as Error).cause).toBeUndefined();
  });

  it('names the namespace and the partition of Consul Enterprise in every request', async () => {
    const headers: unknown[] = [];
    const bodies: Promise<string>[] = [];
    const client = await serve(
      (request, response) => {
        headers.push([request.headers['x-consul-namespace'], request.headers['x-consul-partition']]);
        bodies.push(request.toArray().then((chunks) => Buffer.concat(chunks).toString()));
        json(response, request.url?.includes('txn') ? {} : request.url?.includes('session') ? { ID: 's' } : { Node: null });
      },
      { token: 't', scope: { namespace: 'n', partition: 'p' } },
    );
    await client.listInstances('x', signal());
    await client.createSession({ name: 's', ttlMs: 10_000, lockDelayMs: 0 }, signal());
    await client.transact([{ KV: { Verb: 'delete', Key: 'k' } }], signal());
    expect(headers).toEqual([1, 2, 3].map(() => ['n', 'p']));
    expect(JSON.parse((await bodies[2]) ?? '')).toEqual([{ KV: { Verb: 'delete', Key: 'k', Namespace: 'n', Partition: 'p' } }]);
  });

  it('tells its token from none, and from ACLs that are off', async () => {
    let answer: readonly [unknown, number] = [{ AccessorID: 'a', Description: 'd', ExpirationTime: '2030-01-01T00:00:00Z' }, 200];
    const client = await serve((_, response) => {
      const [body, status] = answer;
      if (status === 200) json(response, body);
      else response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
    });
    expect(await client.readToken(signal())).toEqual({ accessor: 'a', description: 'd', expires: '2030-01-01T00:00:00Z' });
    answer = ['ACL support disabled', 401];
    expect(await client.readToken(signal())).toBeUndefined();
    answer = ['ACL not found', 403];
    await expect(client.readToken(signal())).rejects.toMatchObject({ problem: { code: 'CONSUL_FORBIDDEN' } });
  });

  it('tells that nobody leads', async () => {
    let leader: unknown = '';
    const client = await serve((_, response) => json(response, leader));
    expect(await client.readLeader(signal())).toBeUndefined();
    leader = '127.0.0.1:8300';
    expect(await client.readLeader(signal())).toBe('127.0.0.1:8300');
    leader = {};
    await expect(client.readLeader(signal())).rejects.toMatchObject({ problem: { code: 'CONSUL_BAD_ANSWER' } });
  });

  it('takes 404 for "nothing there" only from Consul', async () => {
    let index: Record<string, string> = { 'x-consul-index': '9' };
    const client = await serve((_, response) => response.writeHead(404, index).end());
    expect(await client.readKey({ key: kvKey('k') }, signal())).toEqual({ value: undefined, index: 9, filtered: false });
    index = {};
    await expect(client.readKey({ key: kvKey('k') }, signal())).rejects.toMatchObject({ problem: { code: 'CONSUL_BAD_ANSWER' } });
  });

  it('tells a lock that was not got from a strange answer', async () => {
    let body: unknown = false;
    const client = await serve((_, response) => json(response, body));
    const lock = { key: kvKey('k'), session: 's', value: 'v', flags: 1 };
    expect(await client.acquireKey(lock, signal())).toBe(false);
    body = true;
    expect(await client.acquireKey(lock, signal())).toBe(true);
    body = { ok: 1 };
    await expect(client.acquireKey(lock, signal())).rejects.toMatchObject({ problem: { code: 'CONSUL_BAD_ANSWER' } });
  });

  it('opens no more than 16 connections, however much is asked at once', async () => {
    const sockets = new Set<unknown>();
    const waiting: ServerResponse[] = [];
    const client = await serve((request, response) => {
      sockets.add(request.socket);
      waiting.push(response);
      // The first sixteen are answered together, when no other one can be under way: then each has a connection.
      if (waiting.length >= 16) for (const one of waiting) if (!one.headersSent) json(one, []);
    });
    const asked = Array.from({ length: 40 }, () => client.listNodes('', signal()));
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual(asked.map(() => []));
    expect([waiting.length, sockets.size]).toEqual([40, 16]);
  });

  it('ends with its signal, before and during the request', async () => {
    const client = await serve(() => undefined);
    const controller = new AbortController();
    const reading = client.listNodes('', controller.signal);
    controller.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    await expect(client.transact([], controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    [409, { Errors: [{ OpIndex: 1, What: 'stale' }] }, { kind: 'refused', errors: [{ operation: 1, what: 'stale' }] }],
    [409, { nonsense: true }, { kind: 'failed', unclear: false, problem: { code: 'CONSUL_BAD_ANSWER' } }],
    [500, 'x', { kind: 'failed', unclear: true, problem: { code: 'CONSUL_UNAVAILABLE' } }],
    [429, 'x', { kind: 'failed', unclear: false, problem: { code: 'CONSUL_UNAVAILABLE' } }],
    [403, 'x', { kind: 'failed', unclear: false, problem: { code: 'CONSUL_FORBIDDEN' } }],
    [400, 'x', { kind: 'failed', unclear: false, problem: { code: 'CONSUL_REFUSED' } }],
    [200, { Results: 'x' }, { kind: 'failed', unclear: true, problem: { code: 'CONSUL_BAD_ANSWER' } }],
  ])('a transaction answered with %i %j', async (status, body, outcome) => {
    const client = await serve((_, response) => json(response, body, status));
    expect(await client.transact([{ KV: {} }], signal())).toMatchObject(outcome);
  });

  it('a transaction that nobody takes has not been applied', async () => {
    const client = createConsulClient({ address: 'http://127.0.0.1:1' });
    expect(await client.transact([{ KV: {} }], signal())).toMatchObject({ kind: 'failed', unclear: false });
    client.close();
  });
});
