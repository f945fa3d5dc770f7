import { afterEach, describe, expect, it } from 'vitest';
import { poolKey } from '../../../src/core/model/ids.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { MigrationResult, MigrationWish } from '../../../src/http/http-server-options.ts';
import { type ProblemCode, problem } from '../../../src/shared/problem.ts';
import { httpOptions } from '../../support/http-options.ts';
import { runReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

function serve(answer: MigrationResult = { kind: 'done', moving: [poolKey('prod', 'web')] }) {
  const asked: MigrationWish[] = [];
  const server = createHttpServer(
    httpOptions({
      token: 'hunter22',
      report: () => runReport(),
      migrate: async (wish) => {
        asked.push(wish);
        return answer;
      },
    }),
  );
  servers.push(server);
  const headers = { authorization: 'Bearer hunter22' };
  const post = (body: object) => server.app.inject({ method: 'POST', url: '/api/v1/migrations', headers, body });
  return { asked, post, app: server.app };
}

describe('POST /api/v1/migrations', () => {
  it('asks for pools by name, or for all', async () => {
    const { asked, post } = serve();
    expect(await post({ pools: ['prod/web'] })).toMatchObject({ statusCode: 202, body: '{"moving":["prod/web"]}' });
    expect((await post({ all: true })).statusCode).toBe(202);
    expect(asked).toEqual([{ pools: ['prod/web'] }, { all: true }]);
  });

  it.each([[{}], [{ all: false }], [{ pools: [] }], [{ pools: ['a'], all: true }], [{ pools: [''] }]])(
    'refuses the body %j',
    async (body) => {
      const { asked, post } = serve();
      expect([(await post(body)).statusCode, asked]).toEqual([400, []]);
    },
  );

  it('needs the token', async () => {
    const { asked, app } = serve();
    expect((await app.inject({ method: 'POST', url: '/api/v1/migrations', body: { all: true } })).statusCode).toBe(401);
    expect(asked).toEqual([]);
  });

  it.each<readonly [ProblemCode, number]>([
    ['POOL_UNKNOWN', 404],
    ['MIGRATION_REFUSED', 409],
    ['LEASE_HELD_ELSEWHERE', 503],
    ['CONSUL_FORBIDDEN', 502],
  ])('answers %s with %i and what to do', async (code, status) => {
    const { post } = serve({ kind: 'refused', problem: problem(code, 'it cannot be done') });
    const { statusCode, body } = await post({ all: true });
    expect([statusCode, JSON.parse(body)]).toMatchObject([status, { code, detail: 'it cannot be done.', remedy: expect.any(String) }]);
  });
});
