import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { type ProblemCode, problem } from '../../../src/shared/problem.ts';
import { httpOptions } from '../../support/http-options.ts';

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

const APPROVAL = { id: 'h-1', hold: 'h-1', removals: 5, left: 5, atMs: 1, untilMs: 3_600_001 };

/** A server that takes every wish, or refuses it with `code`; with the wishes. */
function serve(code?: ProblemCode, more: Partial<HttpServerOptions> = {}) {
  const asked: unknown[] = [];
  const take = async <T>(wish: unknown, done: T) => {
    asked.push(wish);
    return code === undefined
      ? ({ kind: 'done', ...done } as const)
      : ({ kind: 'refused', problem: problem(code, 'it cannot be done') } as const);
  };
  const server = createHttpServer(
    httpOptions({
      token: 'hunter22',
      approve: (wish) => take(wish, { approval: APPROVAL }),
      suspensions: {
        suspend: (wish) => take(wish, { suspension: { atMs: 1 } }),
        resume: (scope) => take(scope, { suspended: false }),
      },
      ...more,
    }),
  );
  servers.push(server);
  const headers = { authorization: 'Bearer hunter22' };
  const send = (method: 'POST' | 'DELETE', url: string, body?: object) =>
    server.app.inject({ method, url, headers, ...(body === undefined ? {} : { body }) });
  return { asked, send, app: server.app };
}

describe('POST /api/v1/approvals', () => {
  it('asks for what is held by name, or for a number', async () => {
    const { asked, send } = serve();
    const answer = await send('POST', '/api/v1/approvals', { hold: 'h-1' });
    expect([answer.statusCode, answer.json()]).toEqual([201, APPROVAL]);
    expect((await send('POST', '/api/v1/approvals', { removals: 5 })).statusCode).toBe(201);
    expect(asked).toEqual([{ hold: 'h-1' }, { removals: 5 }]);
  });

  it.each([[undefined], [{}], [{ hold: '' }], [{ removals: 0 }], [{ removals: 1.5 }], [{ removals: '5' }], [{ hold: 'h', removals: 5 }]])(
    'refuses the body %j',
    async (body) => {
      const { asked, send } = serve();
      expect([(await send('POST', '/api/v1/approvals', body)).statusCode, asked]).toEqual([400, []]);
    },
  );

  it.each<readonly [ProblemCode, number]>([
    ['NOTHING_HELD', 409],
    ['HOLD_CHANGED', 409],
    ['LEASE_HELD_ELSEWHERE', 503],
    ['CONSUL_UNAVAILABLE', 503],
    ['CONSUL_FORBIDDEN', 502],
  ])('answers %s with %i and what to do', async (code, status) => {
    const answer = await serve(code).send('POST', '/api/v1/approvals', { removals: 1 });
    expect([answer.statusCode, answer.json()]).toMatchObject([status, { code, detail: 'it cannot be done.', remedy: expect.any(String) }]);
  });
});

describe('/api/v1/suspensions', () => {
  it('suspends one spec, or every spec, for a time or until one', async () => {
    const { asked, send } = serve();
    const until = new Date(Date.now() + 60_000).toISOString();
    const before = Date.now();
    const bodies = [{ spec: 'a.yaml' }, { all: true, reason: ' why ' }, { spec: 'a.yaml', for: '2h' }, { all: true, until }];
    for (const body of bodies) expect((await send('POST', '/api/v1/suspensions', body)).statusCode).toBe(201);
    const [, , timed] = asked as readonly { readonly untilMs?: number }[];
    expect(timed?.untilMs).toBeGreaterThanOrEqual(before + 7_200_000);
    expect(timed?.untilMs).toBeLessThanOrEqual(Date.now() + 7_200_000);
    expect(asked).toEqual([
      { spec: 'a.yaml' },
      { all: true, reason: 'why' },
      { spec: 'a.yaml', untilMs: expect.any(Number) },
      { all: true, untilMs: Date.parse(until) },
    ]);
  });

  it.each([
    [{}],
    [{ spec: '' }],
    [{ spec: 'a', all: true }],
    [{ all: false }],
    [{ spec: 'a', for: 'soon' }],
    [{ spec: 'a', for: '9000h' }],
    [{ spec: 'a', until: '2001-01-01T00:00:00Z' }],
    [{ spec: 'a', until: '2999-01-01' }],
    [{ spec: 'a', until: '2999-01-01T00:00:00Z', for: '1h' }],
    [{ spec: 'a', reason: 'two\nlines' }],
    [{ spec: 'a', reason: 'x'.repeat(201) }],
  ])('refuses the body %j', async (body) => {
    const { asked, send } = serve();
    expect([(await send('POST', '/api/v1/suspensions', body)).statusCode, asked]).toEqual([400, []]);
  });

  it('goes on with one spec, or every spec', async () => {
    const { asked, send } = serve();
    const one = await send('DELETE', '/api/v1/suspensions?spec=prod%2Fweb.yaml');
    expect([one.statusCode, one.json()]).toEqual([200, { spec: 'prod/web.yaml', suspended: false }]);
    expect((await send('DELETE', '/api/v1/suspensions?all=true')).json()).toEqual({ suspended: false });
    expect(asked).toEqual([{ spec: 'prod/web.yaml' }, { all: true }]);
    for (const query of ['', '?all=yes', '?spec=', '?spec=a&all=true', '?spec=a&spec=b'])
      expect((await send('DELETE', `/api/v1/suspensions${query}`)).statusCode).toBe(400);
  });

  it.each<readonly [ProblemCode, number]>([
    ['SPEC_UNKNOWN', 404],
    ['SNAPSHOT_STALE', 503],
    ['CONSUL_CHANGED', 502],
  ])('answers %s with %i', async (code, status) => {
    const { send } = serve(code);
    const answers = [await send('POST', '/api/v1/suspensions', { spec: 'a' }), await send('DELETE', '/api/v1/suspensions?spec=a')];
    for (const answer of answers) expect([answer.statusCode, answer.json()]).toMatchObject([status, { code }]);
  });
});

it('none is taken without the token, or from the page of another site', async () => {
  const { asked, app } = serve();
  const requests = [
    { method: 'POST', url: '/api/v1/approvals', body: { removals: 1 } },
    { method: 'POST', url: '/api/v1/suspensions', body: { all: true } },
    { method: 'DELETE', url: '/api/v1/suspensions?all=true' },
  ] as const;
  for (const request of requests) {
    expect((await app.inject(request)).statusCode).toBe(401);
    const headers = { authorization: 'Bearer hunter22', origin: 'http://elsewhere.example.com' };
    expect((await app.inject({ ...request, headers })).statusCode).toBe(403);
  }
  expect(asked).toEqual([]);
});

it('a standby passes all of them on to the leader, signed', async () => {
  const leader = serve();
  const { url } = await (servers[0] as HttpServer).start();
  const standby = serve(undefined, { leader: () => url });
  expect((await standby.send('POST', '/api/v1/approvals', { hold: 'h-1' })).json()).toEqual(APPROVAL);
  expect((await standby.send('POST', '/api/v1/suspensions', { spec: 'prod/a b.yaml' })).statusCode).toBe(201);
  expect((await standby.send('DELETE', '/api/v1/suspensions?spec=prod%2Fa%20b.yaml')).statusCode).toBe(200);
  expect([standby.asked, leader.asked]).toEqual([[], [{ hold: 'h-1' }, { spec: 'prod/a b.yaml' }, { spec: 'prod/a b.yaml' }]]);
});
