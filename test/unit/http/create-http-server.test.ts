import { afterEach, describe, expect, it } from 'vitest';
import { specId } from '../../../src/core/model/ids.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { AppError } from '../../../src/shared/errors.ts';
import { httpOptions } from '../../support/http-options.ts';
import { actionReport, nodeDecision, poolReport, removalHold, runReport, specReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

const report = runReport({
  specs: [specReport('prod/web.yaml', { actions: [actionReport()] }), specReport('b.yaml', { state: 'held' })],
  pools: [poolReport('prod', 'web', { decisions: [nodeDecision('w1')] })],
  holds: [removalHold('b.yaml', 'pool prod/b')],
});

function serve(more: Partial<HttpServerOptions> = {}) {
  const server = createHttpServer(
    httpOptions({
      report: () => report,
      metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => '# HELP x\n' },
      ...more,
    }),
  );
  servers.push(server);
  return server.app;
}

describe('health', () => {
  it('tells whether the loop turns', async () => {
    expect(await serve().inject('/livez')).toMatchObject({ statusCode: 200, body: 'ok\n' });
    expect(await serve({ livez: () => false }).inject('/livez')).toMatchObject({ statusCode: 503 });
  });

  it('tells which check is not ready, and everything when asked', async () => {
    const checks = [
      { name: 'git', ok: true },
      { name: 'consul', ok: false, detail: 'no answer' },
    ];
    expect(await serve({ ready: () => ({ ready: false, checks }) }).inject('/readyz')).toMatchObject({
      statusCode: 503,
      body: '[+] git\n[-] consul: no answer\nnot ready\n',
    });
    const ready = serve({ ready: () => ({ ready: true, checks }) });
    expect((await ready.inject('/readyz')).body).toBe('ok\n');
    expect((await ready.inject('/readyz?verbose')).body).toBe('[+] git\n[-] consul: no answer\nok\n');
  });

  it('serves the metrics in the Prometheus format', async () => {
    const answer = await serve().inject('/metrics');
    expect(answer).toMatchObject({ statusCode: 200, body: '# HELP x\n' });
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});

describe('the API', () => {
  it('shows the last report, the pools without their nodes', async () => {
    const { decisions, registeredOn, passingOn, ...summary } = poolReport('prod', 'web', { decisions: [nodeDecision('w1')] });
    const app = serve();
    expect((await app.inject('/api/v1/status')).json()).toEqual({ ...JSON.parse(JSON.stringify(report)), pools: [summary] });
    expect((await app.inject('/api/v1/pools')).json()).toEqual({ pools: [summary] });
    expect((await app.inject('/api/v1/pools/prod/web')).json()).toEqual({ ...summary, decisions, registeredOn, passingOn });
  });

  it('shows specs, also single ones, whose path has slashes', async () => {
    const app = serve();
    expect((await app.inject('/api/v1/specs')).json()).toMatchObject({
      revision: '4f1c0de',
      specs: [{ id: 'prod/web.yaml' }, { id: 'b.yaml' }],
    });
    expect((await app.inject('/api/v1/specs/prod/web.yaml')).json()).toMatchObject({ id: 'prod/web.yaml', state: 'in-step' });
    expect((await app.inject('/api/v1/specs/prod%2Fweb.yaml')).statusCode).toBe(200);
  });

  it('shows the plan: the actions with their specs, and what is held', async () => {
    expect((await serve().inject('/api/v1/plan')).json()).toMatchObject({
      actions: [{ spec: 'prod/web.yaml', op: 'apply-object', result: 'done' }],
      holds: [{ spec: 'b.yaml', reason: { code: 'REMOVAL_LIMIT' } }],
    });
  });

  it.each(['/api/v1/specs/nothing.yaml', '/api/v1/pools/prod/nothing', '/nothing'])('answers %s with a problem document', async (url) => {
    const answer = await serve().inject(url);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toEqual({ type: 'about:blank', title: 'Not Found', status: 404, detail: expect.any(String) });
  });

  it('says that there is no report yet', async () => {
    const answer = await serve({ report: () => undefined }).inject('/api/v1/status');
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  });

  it('keeps the text of unexpected errors to itself', async () => {
    const errors: unknown[] = [];
    const metrics = { contentType: 'text/plain', text: () => Promise.reject(new Error('hunter2')) };
    const answer = await serve({ metrics, onError: (error) => errors.push(error) }).inject('/metrics');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('hunter2');
    expect(String(errors[0])).toContain('hunter2');
  });

  it('sends the headers that keep browsers from doing harm', async () => {
    for (const url of ['/', '/api/v1/status', '/nothing']) {
      expect((await serve().inject(url)).headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
    }
  });
});

describe('resync', () => {
  const post = { method: 'POST', url: '/api/v1/resync' } as const;

  it.each(['/api/v1/resync', '/resync'])('asks for everything at %s, with or without a body', async (url) => {
    const asked: unknown[] = [];
    const app = serve({
      resync: async (spec) => {
        asked.push(spec);
        return { queued: true, coalesced: asked.length > 1 };
      },
    });
    expect(await app.inject({ method: 'POST', url })).toMatchObject({ statusCode: 202, body: '{"queued":true,"coalesced":false}' });
    expect((await app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body: '' })).statusCode).toBe(202);
    expect((await app.inject({ method: 'POST', url, body: { spec: 'prod/web.yaml' } })).statusCode).toBe(202);
    expect(asked).toEqual([undefined, undefined, specId('prod/web.yaml')]);
  });

  it('counts how requests end', async () => {
    const outcomes: string[] = [];
    const app = serve({
      mutationsPerMinute: 5,
      token: 'hunter22',
      onResync: (outcome) => outcomes.push(outcome),
      resync: async (spec) => ({ queued: spec !== 'gone', coalesced: spec === 'twice' }),
    });
    const headers = { authorization: 'Bearer hunter22' };
    await app.inject(post);
    await app.inject({ ...post, headers });
    await app.inject({ ...post, headers, body: { spec: 'twice' } });
    expect(await app.inject({ ...post, headers, body: { spec: 'gone' } })).toMatchObject({ statusCode: 404 });
    await app.inject({ ...post, headers, body: { specs: 'all' } });
    expect(await app.inject({ ...post, headers })).toMatchObject({
      statusCode: 429,
      headers: { 'retry-after': expect.stringMatching(/^1[0-2]$/) },
    });
    expect(outcomes).toEqual(['unauthorized', 'queued', 'coalesced', 'unknown-spec', 'invalid', 'limited']);
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer hunter23' }],
    ['the start of the token', { authorization: 'Bearer hunter2' }],
    ['another scheme', { authorization: 'Basic hunter22' }],
  ])('refuses %s', async (_, headers) => {
    const answer = await serve({ token: 'hunter22' }).inject({ ...post, headers });
    expect(answer).toMatchObject({ statusCode: 401, headers: { 'www-authenticate': 'Bearer realm="poolkeeper"' } });
    expect(answer.json()).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('needs no token to read', async () => {
    expect((await serve({ token: 'hunter22' }).inject('/api/v1/status')).statusCode).toBe(200);
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another origin', { origin: 'http://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['a name that was bound to us', { host: 'evil.example:8080' }],
  ])('refuses a page of %s', async (_, headers) => {
    expect((await serve().inject({ ...post, headers: { host: '127.0.0.1:8080', ...headers } })).statusCode).toBe(403);
  });

  it.each([{ host: '[::1]:8080' }, { host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }])(
    'takes requests of our own page: %j',
    async (headers) => {
      expect((await serve().inject({ ...post, headers })).statusCode).toBe(202);
    },
  );

  it('is not read by pages of a name that was bound to us, but for what tells nothing', async () => {
    const app = serve({ allowedHosts: ['Pools.example.com'] });
    const status = async (url: string, host: string) => (await app.inject({ url, headers: { host } })).statusCode;
    for (const url of ['/', '/plain', '/metrics', '/api/v1/status', '/api/v1/events', '/livez/../metrics'])
      expect([url, await status(url, 'evil.example:8080')]).toEqual([url, 403]);
    for (const url of ['/livez', '/readyz?verbose']) expect([url, await status(url, 'evil.example')]).toEqual([url, 200]);
    for (const host of ['127.0.0.1:8080', '[::1]:8080', 'LOCALHOST', 'pools.example.com:80', ''])
      expect([host, await status('/api/v1/status', host)]).toEqual([host, 200]);
    expect((await serve({ token: 'hunter22' }).inject({ url: '/metrics', headers: { host: 'any.example' } })).statusCode).toBe(200);
  });

  it('takes other host names with a token', async () => {
    const headers = { host: 'poolkeeper.example.com', authorization: 'Bearer hunter22' };
    expect((await serve({ token: 'hunter22' }).inject({ ...post, headers })).statusCode).toBe(202);
  });

  it.each([
    ['broken JSON', 'application/json', '{', 400],
    ['a form', 'application/x-www-form-urlencoded', 'spec=x', 415],
    ['too much', 'application/json', JSON.stringify({ spec: 'x'.repeat(20_000) }), 413],
    ['a number', 'application/json', '{"spec":1}', 400],
  ])('refuses %s', async (_, type, body, status) => {
    const answer = await serve().inject({ ...post, headers: { 'content-type': type }, body });
    expect(answer).toMatchObject({ statusCode: status, headers: { 'content-type': 'application/problem+json' } });
  });
});

describe('the server', () => {
  it('listens, tells its URL, and stops', async () => {
    serve();
    const [server] = servers;
    const { url = '' } = (await server?.start()) ?? {};
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await server?.stop();
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  });

  it('says which address it cannot use', async () => {
    serve();
    const url = new URL((await servers[0]?.start())?.url ?? '');
    serve({ listen: { host: '127.0.0.1', port: Number(url.port) } });
    const error: unknown = await servers[1]?.start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain(`cannot listen on 127.0.0.1 port ${url.port}`);
  });
});
