import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { type ProblemCode, problem } from '../../../src/shared/problem.ts';
import { httpOptions } from '../../support/http-options.ts';
import { nodeDecision, nodeReport, poolReport, runReport, sourceReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

const report = runReport({
  nodes: [nodeReport('w1', { registered: 2 }), nodeReport('w2', { eligible: false, code: 'drained', draining: true, reason: 'new disk' })],
  pools: [
    poolReport('prod', 'api', { decisions: [nodeDecision('w1'), nodeDecision('w2', { in: false, code: 'drained', reason: 'new disk' })] }),
    poolReport('prod', 'web', {
      decisions: [nodeDecision('w1'), nodeDecision('w2', { code: 'kept-by-floor', reason: 'kept: the pool must not fall below 3' })],
      registeredOn: ['w0', 'w1', 'w2'] as never,
      passingOn: ['w1'] as never,
    }),
  ],
});

function serve(more: Partial<HttpServerOptions> = {}) {
  const asked: unknown[] = [];
  const server = createHttpServer(
    httpOptions({
      report: () => report,
      drain: async (wish) => void asked.push(wish),
      ...more,
    }),
  );
  servers.push(server);
  return { app: server.app, asked };
}

describe('drain and undrain', () => {
  const drain = { method: 'POST', url: '/api/v1/nodes/w1/drain' } as const;
  const undrain = { method: 'POST', url: '/api/v1/nodes/w1.example.com/undrain' } as const;

  it('mark a node, with a reason or without, and unmark it', async () => {
    const { app, asked } = serve();
    expect(await app.inject(drain)).toMatchObject({ statusCode: 200, body: '{"node":"w1","draining":true}' });
    expect((await app.inject({ ...drain, body: { reason: ' new disk ' } })).statusCode).toBe(200);
    expect(await app.inject(undrain)).toMatchObject({ statusCode: 200, body: '{"node":"w1.example.com","draining":false}' });
    expect(asked).toEqual([
      { node: 'w1', drain: true },
      { node: 'w1', drain: true, reason: 'new disk' },
      { node: 'w1.example.com', drain: false },
    ]);
  });

  it.each([
    [drain, { reason: '' }],
    [drain, { reason: 'two\nlines' }],
    [drain, { reason: 'x'.repeat(201) }],
    [drain, { why: 'typing error' }],
    [drain, ['new disk']],
    [undrain, { reason: 'done' }],
  ] as const)('refuse %j with the body %j', async (request, body) => {
    const { app, asked } = serve();
    expect(await app.inject({ ...request, body: body as object })).toMatchObject({ statusCode: 400 });
    expect(asked).toEqual([]);
  });

  it.each<readonly [ProblemCode, number]>([
    ['NODE_UNKNOWN', 404],
    ['DRAIN_DISABLED', 403],
    ['KUBERNETES_UNAVAILABLE', 503],
    ['KUBERNETES_FORBIDDEN', 502],
  ])('answer %s by a problem document of status %i', async (code, status) => {
    const { app } = serve({ drain: async () => problem(code, 'this is what went wrong', { remedy: 'Mend it.' }) });
    const answer = await app.inject(drain);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status, code, detail: 'this is what went wrong.', remedy: 'Mend it.' });
  });

  it('need the token, and are no resync in the count', async () => {
    const counted: string[] = [];
    const { app, asked } = serve({ token: 'hunter22', onResync: (result) => counted.push(result) });
    expect((await app.inject(drain)).statusCode).toBe(401);
    expect((await app.inject(undrain)).statusCode).toBe(401);
    expect([asked, counted]).toEqual([[], []]);
    expect((await app.inject({ ...drain, headers: { authorization: 'Bearer hunter22' } })).statusCode).toBe(200);
    await app.inject({ method: 'POST', url: '/api/v1/resync' });
    expect(counted).toEqual(['unauthorized']);
  });
});

describe('the nodes', () => {
  it('are shown with the pools that their agents register, and no other machine with them', async () => {
    const agents = { nodes: ['w1', 'elsewhere'] as never, moving: false };
    const pool = poolReport('prod', 'web', { decisions: [nodeDecision('w1'), nodeDecision('w2')], agents });
    const told = runReport({ nodes: [nodeReport('w1'), nodeReport('w2')], pools: [pool] });
    const { app } = serve({ report: () => told });
    const { nodes } = (await app.inject('/api/v1/nodes')).json<{ nodes: { node: string; pools: object[] }[] }>();
    expect(nodes.map(({ node, pools }) => [node, pools])).toMatchObject([
      ['w1', [{ registered: false, byAgent: true, instances: 2 }]],
      ['w2', [{ registered: false, byAgent: false, instances: 2 }]],
    ]);
  });

  it('are shown with their place in every pool, those included that only Consul still has', async () => {
    const { sources, startedAtMs } = report;
    const own = sources.filter(({ source }) => source === 'nodes' || source === 'consul');
    const api = { pool: 'prod/api', service: 'api', registered: false, passing: false, byAgent: false, instances: 0 };
    const web = { pool: 'prod/web', service: 'web', registered: true, byAgent: false, instances: 3 };
    const drained = { in: false, code: 'drained', reason: 'new disk' };
    const ready = { in: true, code: 'ready', reason: 'the node is ready' };
    const w1 = {
      ...nodeReport('w1', { registered: 2 }),
      inCluster: true,
      pools: [
        { ...api, ...ready, cell: 'w' },
        { ...web, ...ready, passing: true, cell: 'p' },
      ],
    };
    const kept = { ...web, passing: false, cell: 'c', in: true, code: 'kept-by-floor', reason: 'kept: the pool must not fall below 3' };
    const { app } = serve();
    expect((await app.inject('/api/v1/nodes')).json()).toEqual({
      startedAtMs,
      sources: own,
      nodes: [
        {
          node: 'w0',
          eligible: false,
          code: 'deleting',
          reason: 'the node is no longer in the cluster',
          draining: false,
          registered: 1,
          inCluster: false,
          pools: [{ ...web, passing: false, cell: 'c', reason: expect.stringContaining('not decided') }],
        },
        w1,
        { ...report.nodes[1], inCluster: true, pools: [{ ...api, ...drained, cell: 'o' }, kept] },
      ],
    });
    expect((await app.inject('/api/v1/nodes/w1')).json()).toEqual({ startedAtMs, sources: own, node: w1 });
    expect((await app.inject('/api/v1/nodes/w0')).json()).toMatchObject({ node: { node: 'w0', inCluster: false } });
    expect((await app.inject('/api/v1/nodes/w9')).statusCode).toBe(404);
  });

  it('tell how far their sources can be trusted', async () => {
    const { app } = serve({ report: () => runReport({ sources: [sourceReport('git'), sourceReport('consul', { kind: 'stale' })] }) });
    expect((await app.inject('/api/v1/nodes')).json()).toMatchObject({ sources: [{ source: 'consul', kind: 'stale' }], nodes: [] });
  });
});
