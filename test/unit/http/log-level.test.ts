import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { httpOptions } from '../../support/http-options.ts';

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

function serve(more: Partial<HttpServerOptions> = {}) {
  const wishes: unknown[] = [];
  const server = createHttpServer(
    httpOptions({
      token: 'hunter22',
      logLevel: {
        state: () => ({ level: 'info', configured: 'info' }),
        set: (level, forMs) => {
          wishes.push([level, forMs]);
          return { level, configured: 'info', untilMs: forMs };
        },
      },
      ...more,
    }),
  );
  servers.push(server);
  const put = (body: unknown, headers: Readonly<Record<string, string>> = { authorization: 'Bearer hunter22' }) =>
    server.app.inject({ method: 'PUT', url: '/api/v1/log-level', headers, body: body as object });
  return { put, wishes, get: () => server.app.inject('/api/v1/log-level') };
}

describe('PUT /api/v1/log-level', () => {
  it('changes the level for as long as is wished, an hour otherwise', async () => {
    const { put, wishes } = serve();
    const answer = await put({ level: 'debug', for: '10m' });
    expect([answer.statusCode, answer.json()]).toEqual([200, { level: 'debug', configured: 'info', untilMs: 600_000 }]);
    await put({ level: 'error' });
    await put({ level: 'warn', for: '24h' });
    expect(wishes).toEqual([
      ['debug', 600_000],
      ['error', 3_600_000],
      ['warn', 86_400_000],
    ]);
  });

  it.each([
    [{}],
    [{ level: 'silent' }],
    [{ level: 'debug', for: 600 }],
    [{ level: 'debug', for: '0s' }],
    [{ level: 'debug', for: '24h1s' }],
    [{ level: 'debug', more: 1 }],
  ])('refuses the body %j', async (body) => {
    const { put, wishes } = serve();
    expect([(await put(body)).statusCode, wishes]).toEqual([400, []]);
  });

  it('needs the token, as all changes do; to look needs none', async () => {
    const { put, get, wishes } = serve();
    expect((await put({ level: 'debug' }, {})).statusCode).toBe(401);
    expect(wishes).toEqual([]);
    expect((await get()).json()).toEqual({ level: 'info', configured: 'info' });
  });

  it('is limited as all changes are', async () => {
    const { put } = serve({ mutationsPerMinute: 1 });
    expect([(await put({ level: 'debug' })).statusCode, (await put({ level: 'debug' })).statusCode]).toEqual([200, 429]);
  });

  it('is for the replica that is asked, also while another one leads', async () => {
    const { put, wishes } = serve({ leader: () => 'http://127.0.0.1:9' });
    expect((await put({ level: 'debug', for: '1m' })).statusCode).toBe(200);
    expect(wishes).toHaveLength(1);
  });
});
