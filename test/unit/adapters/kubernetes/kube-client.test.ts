import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../../../src/adapters/kubernetes/kube-client.ts';
import { AppError } from '../../../../src/shared/errors.ts';
import { problem } from '../../../../src/shared/problem.ts';

describe('the client', () => {
  let server: Server;
  let client: KubeClient;
  let connections: number;
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown;
  const signal = AbortSignal.timeout(20_000);

  function open(timeoutMs: number): KubeClient {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`;
    return createKubeClient({ connection: { kind: 'explicit', server: url, token: 'secret-token\n', skipTlsVerify: true }, timeoutMs });
  }

  beforeEach(async () => {
    connections = 0;
    handle = (_, response) => response.end('{}');
    server = createServer((request, response) => handle(request, response));
    server.on('connection', () => connections++);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = open(10_000);
  });
  afterEach(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('takes the time to wait as seconds or as a date', async () => {
    const waits: (number | undefined)[] = [];
    for (const value of ['3', new Date(Date.now() + 60_000).toUTCString(), new Date(0).toUTCString(), 'soon']) {
      handle = (_request, response) => void response.writeHead(429, { 'retry-after': value }).end('{}');
      const answer = await client.send({ method: 'GET', path: '/' }, signal);
      waits.push('retryAfterMs' in answer ? answer.retryAfterMs : undefined);
    }
    const [seconds, date = 0, past, none] = waits;
    expect([seconds, past, none]).toEqual([3_000, 0, undefined]);
    expect(date).toBeGreaterThan(50_000);
    expect(date).toBeLessThanOrEqual(60_000);
  });

  it('sends path, query, headers and body as they are given', async () => {
    const seen: unknown[] = [];
    handle = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const { authorization, accept, 'content-type': type, 'user-agent': agent } = request.headers;
      seen.push([request.method, request.url, authorization, accept, type, agent, body]);
      response.writeHead(201, { 'retry-after': '2' });
      response.end('{"kind":"X"}');
    };
    const body = { apiVersion: 'v1', unknownField: 1, created: '2026-01-01T00:00:00Z' };
    const answer = await client.send(
      { method: 'PATCH', path: '/api/v1/x', query: { a: '1 2', b: undefined }, contentType: 'application/apply-patch+yaml', body },
      signal,
    );
    expect(answer).toEqual({ status: 201, body: { kind: 'X' }, retryAfterMs: 2_000 });
    expect(seen).toEqual([
      [
        'PATCH',
        '/prefix/api/v1/x?a=1+2',
        'Bearer secret-token',
        'application/json',
        'application/apply-patch+yaml',
        'poolkeeper',
        JSON.stringify(body),
      ],
    ]);
  });

  it('reuses its connections', async () => {
    for (let index = 0; index < 20; index++) await client.send({ method: 'GET', path: '/x' }, signal);
    expect(connections).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, () => client.send({ method: 'GET', path: '/x' }, signal)));
    expect(connections).toBeLessThanOrEqual(16);
  });

  it('asks whether a request may go when its bytes are about to, not before it waited for a connection', async () => {
    const waiting: ServerResponse[] = [];
    const paths: unknown[] = [];
    handle = (request, response) => {
      paths.push(request.url);
      waiting.push(response);
    };
    const others = Array.from({ length: 16 }, () => client.send({ method: 'GET', path: '/other' }, signal));
    await expect.poll(() => waiting.length).toBe(16);
    let may = true;
    const permit = (): void => {
      if (!may) throw new AppError(problem('LEASE_HELD_ELSEWHERE', 'held by another'));
    };
    const late = client.send({ method: 'PATCH', path: '/late', body: {}, permit }, signal).catch((error: unknown) => error);
    const first = client.send({ method: 'GET', path: '/next' }, signal);
    may = false;
    handle = (request, response) => {
      paths.push(request.url);
      response.end('{}');
    };
    for (const response of waiting) response.end('{}');
    await Promise.all([...others, first]);
    expect(await late).toMatchObject({ problem: { code: 'LEASE_HELD_ELSEWHERE' } });
    expect(paths).not.toContain('/prefix/late');
    may = true;
    expect(await client.send({ method: 'PATCH', path: '/late', body: {}, permit }, signal)).toMatchObject({ status: 200 });
  });

  it('has a connection for a call however many streams are open', async () => {
    handle = (request, response) => {
      if (request.url?.endsWith('/call') === true) response.end('{}');
      else response.write('{"type":"BOOKMARK"}\n');
    };
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => client.open({ method: 'GET', path: '/watch', timeoutMs: 5_000 }, signal)),
    );
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect((await client.send({ method: 'GET', path: '/call' }, signal)).status).toBe(200);
  });

  it('gives up at its deadline, and says so', async () => {
    handle = () => undefined;
    const hasty = open(300);
    await expect(hasty.send({ method: 'GET', path: '/x' }, signal)).rejects.toMatchObject({
      problem: { code: 'KUBERNETES_UNAVAILABLE', message: expect.stringContaining('GET /x: no end after 0.3 s') },
    });
    await hasty.close();
  });

  it('ends a stream at its deadline', async () => {
    handle = (_, response) => response.write('{"n":1}\n');
    const stream = await client.open({ method: 'GET', path: '/watch', timeoutMs: 200 }, signal);
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      if (!('documents' in stream)) throw new Error('no stream');
      for await (const document of stream.documents) seen.push(document);
    };
    await expect(read()).rejects.toMatchObject({ problem: { code: 'KUBERNETES_UNAVAILABLE' } });
    expect(seen).toEqual([{ n: 1 }]);
  });

  it('passes an abort through, and never tells the token', async () => {
    handle = () => undefined;
    const stop = new AbortController();
    const sending = client.send({ method: 'GET', path: '/x' }, stop.signal);
    stop.abort();
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
    handle = (request) => request.socket.destroy();
    const error: unknown = await client.send({ method: 'GET', path: '/x' }, signal).catch((reason: unknown) => reason);
    expect(String(error)).toContain('KUBERNETES_UNAVAILABLE');
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
  });

  it('gives the text of an answer that is not JSON, and the whole answer when a stream is refused', async () => {
    handle = (_, response) => {
      response.statusCode = 502;
      response.end('<html>');
    };
    expect(await client.send({ method: 'GET', path: '/x' }, signal)).toEqual({ status: 502, body: '<html>' });
    expect(await client.open({ method: 'GET', path: '/x' }, signal)).toEqual({ status: 502, body: '<html>' });
  });
});
