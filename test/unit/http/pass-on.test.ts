import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { httpOptions } from '../../support/http-options.ts';
import { runReport } from '../../support/run-report.ts';

const TOKEN = 'hunter22';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

describe('a request to change something, at a standby', () => {
  const servers: HttpServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  /** A replica, and what it was asked to do itself. */
  async function replica(more: Partial<HttpServerOptions> = {}) {
    const asked: unknown[] = [];
    const server = createHttpServer(
      httpOptions({
        token: TOKEN,
        report: () => runReport({}),
        resync: async (spec) => {
          asked.push(spec ?? 'all');
          return { queued: spec !== 'gone', coalesced: false };
        },
        drain: async (wish) => void asked.push(wish),
        ...more,
      }),
    );
    servers.push(server);
    return { ...(await server.start()), app: server.app, asked };
  }

  const resync = { method: 'POST', url: '/api/v1/resync', headers: AUTHORIZED } as const;

  it('is answered by the leader, with its token and body', async () => {
    const leader = await replica();
    const standby = await replica({ leader: () => leader.url });
    expect(await standby.app.inject(resync)).toMatchObject({ statusCode: 202, body: '{"queued":true,"coalesced":false}' });
    expect(await standby.app.inject({ ...resync, body: { spec: 'a.yaml' } })).toMatchObject({ statusCode: 202 });
    const drain = { method: 'POST', url: '/api/v1/nodes/n1/drain', headers: AUTHORIZED, body: { reason: 'disk' } } as const;
    expect(await standby.app.inject(drain)).toMatchObject({ statusCode: 200 });
    expect(leader.asked).toEqual(['all', 'a.yaml', { node: 'n1', drain: true, reason: 'disk' }]);
    expect(standby.asked).toEqual([]);
  });

  it('gets the refusals of the leader as they are', async () => {
    const leader = await replica();
    const standby = await replica({ leader: () => leader.url });
    const answer = await standby.app.inject({ ...resync, body: { spec: 'gone' } });
    expect(answer).toMatchObject({ statusCode: 404, headers: { 'content-type': 'application/problem+json' } });
    expect(answer.json()).toMatchObject({ detail: 'There is no spec gone.' });
  });

  it('is refused here when it would not be taken here', async () => {
    const leader = await replica();
    const standby = await replica({ leader: () => leader.url });
    expect((await standby.app.inject({ ...resync, headers: {} })).statusCode).toBe(401);
    expect(leader.asked).toEqual([]);
  });

  it('is answered here while nobody can tell who leads', async () => {
    const standby = await replica({ leader: () => undefined });
    expect((await standby.app.inject(resync)).statusCode).toBe(202);
    expect(standby.asked).toEqual(['all']);
  });

  it('says so when the leader does not answer', async () => {
    const gone = await replica();
    await servers
      .splice(
        servers.findIndex(({ app }) => app === gone.app),
        1,
      )[0]
      ?.stop();
    const standby = await replica({ leader: () => gone.url });
    const answer = await standby.app.inject(resync);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'DAEMON_UNREACHABLE', detail: expect.stringContaining(gone.url) });
    expect(standby.asked).toEqual([]);
  });

  it('is passed on once at most, also when the address of the leader leads back here', async () => {
    let url: string | undefined;
    const standby = await replica({ leader: () => url });
    url = standby.url;
    expect((await standby.app.inject(resync)).statusCode).toBe(503);
    expect(standby.asked).toEqual([]);
  });
});
