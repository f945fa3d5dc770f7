import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { revision, specId } from '../../../src/core/model/ids.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { StandbySignatures } from '../../../src/http/standby-signatures.ts';
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

  it('is answered by the leader, with its body', async () => {
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
    expect(answer.json()).toMatchObject({ detail: 'there is no spec gone.' });
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

  describe('what only shows', () => {
    const explanation = (about: string) => ({ about, verdict: 'unknown', says: about, links: [], runAgeMs: 0, sources: [] }) as never;
    const history = (subject: string) => async (spec: string) =>
      ({
        spec: specId(spec),
        more: false,
        revisions: [{ revision: revision('4f1c0de'), author: 'x', committedAtMs: 0, subject, change: 'added' }],
      }) as const;
    const saying = (who: string): Partial<HttpServerOptions> => ({ why: () => explanation(who), history: history(who) });
    const told = async (at: HttpServer['app'], url: string): Promise<string> => (await at.inject({ method: 'GET', url })).body;

    it.each(['/api/v1/why?name=x', '/api/v1/history?spec=a.yaml'])(
      'is what the leader says, and what is known here without it: %s',
      async (url) => {
        const leader = await replica(saying('leader'));
        const standby = await replica({ leader: () => leader.url, ...saying('standby') });
        expect(await told(standby.app, url)).toBe(await told(leader.app, url));
        await servers
          .splice(
            servers.findIndex(({ app }) => app === leader.app),
            1,
          )[0]
          ?.stop();
        expect(await told(standby.app, url)).toMatch(/standby/);
      },
    );

    it('comes from here where the leader knows nothing of it, or leads back here', async () => {
      const older = await replica();
      const standby = await replica({ leader: () => older.url, ...saying('standby') });
      expect(await told(standby.app, '/api/v1/history?spec=a.yaml')).toMatch(/standby/);
      let here: string | undefined;
      const circle = await replica({ leader: () => here, ...saying('circle') });
      here = circle.url;
      expect(await told(circle.app, '/api/v1/why?name=x')).toMatch(/circle/);
    });

    it('tells of a token without asking the leader: it is the same', async () => {
      const standby = await replica({ leader: () => 'http://127.0.0.1:1' });
      const ask = (token: string) =>
        standby.app.inject({ method: 'POST', url: '/api/v1/token', headers: { authorization: `Bearer ${token}` } });
      expect((await ask(TOKEN)).statusCode).toBe(204);
      expect((await ask('another')).statusCode).toBe(401);
    });
  });

  describe('while somebody else says where the leader is', () => {
    const thieves: { close(): unknown }[] = [];
    afterEach(() => {
      for (const thief of thieves.splice(0)) thief.close();
    });

    interface Caught {
      readonly path: string;
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
    }

    /** A server that a leader key may name, with all that comes to it. */
    async function thief(type = 'application/json', answer = '{}') {
      const caught: Caught[] = [];
      const server = createServer(async (request, response) => {
        caught.push({ path: request.url ?? '', headers: request.headers, body: await text(request) });
        response.writeHead(202, { 'content-type': type }).end(answer);
      });
      thieves.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { caught, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    }

    const sendTo = (url: string, { path, headers, body }: Caught) => {
      const { 'poolkeeper-passed-on': signature, 'content-type': type } = headers;
      const sent = { 'poolkeeper-passed-on': String(signature), ...(type === undefined ? {} : { 'content-type': type }) };
      return fetch(`${url}${path}`, { method: 'POST', headers: sent, ...(body === '' ? {} : { body }) });
    };

    it('tells neither the token nor the secret of webhooks', async () => {
      const { caught, url } = await thief();
      const hook = { secret: 'swordfish', wake: () => undefined };
      const standby = await replica({ leader: () => url, hook });
      await standby.app.inject({ ...resync, body: { spec: 'a.yaml' } });
      await standby.app.inject({ method: 'POST', url: '/hooks/gitlab', headers: { 'x-gitlab-token': hook.secret } });
      await standby.app.inject({ method: 'POST', url: '/hooks/generic', headers: { authorization: `Bearer ${hook.secret}` } });
      expect(caught.map(({ path }) => path)).toEqual(['/api/v1/resync', '/hooks/gitlab', '/hooks/generic']);
      expect(JSON.stringify(caught)).not.toMatch(new RegExp(`${TOKEN}|${hook.secret}`));
    });

    it('proves one request only, once', async () => {
      const { caught, url } = await thief();
      const standby = await replica({ leader: () => url });
      await standby.app.inject({ ...resync, body: { spec: 'a.yaml' } });
      await standby.app.inject(resync);
      const [one, other] = caught as [Caught, Caught];
      const leader = await replica();
      const changed = [
        { ...one, body: '{"spec":"b.yaml"}' },
        { ...one, body: '' },
        { ...one, path: '/resync' },
        { ...other, body: one.body, headers: { ...one.headers, 'poolkeeper-passed-on': other.headers['poolkeeper-passed-on'] } },
        { ...one, headers: { ...one.headers, 'poolkeeper-passed-on': 'yes' } },
      ];
      for (const request of changed) expect((await sendTo(leader.url, request)).status).toBe(401);
      expect(leader.asked).toEqual([]);
      expect((await sendTo(leader.url, one)).status).toBe(202);
      expect((await sendTo(leader.url, one)).status).toBe(401);
      expect(leader.asked).toEqual(['a.yaml']);
    });

    it('proves nothing after a minute, nor to who has another token', () => {
      let nowMs = 1_700_000_000_000;
      const standby = new StandbySignatures(TOKEN, () => nowMs);
      const request = { method: 'POST', path: '/resync', body: '' };
      const early = standby.sign(request);
      const late = standby.sign(request);
      expect(new StandbySignatures('other', () => nowMs).take(early, request)).toBe(false);
      const leader = new StandbySignatures(TOKEN, () => nowMs);
      nowMs += 60_000;
      expect(leader.take(early, request)).toBe(true);
      nowMs += 1;
      expect(leader.take(late, request)).toBe(false);
      expect(leader.take(early.replace(/^\d+/, String(nowMs)), request)).toBe(false);
    });

    it('hands on no page, and no answer without an end', async () => {
      const page = await thief('text/html', '<script>alert(1)</script>');
      const endless = await thief('application/json', `"${'x'.repeat(2 ** 20)}"`);
      for (const { url } of [page, endless]) {
        const answer = await (await replica({ leader: () => url })).app.inject(resync);
        expect(answer).toMatchObject({ statusCode: 503, headers: { 'content-type': 'application/problem+json' } });
        expect(answer.body.length).toBeLessThan(1_000);
      }
    });
  });
});
