import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { AliveEvent } from '../../../src/http/events.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import type { OverviewAnswer, OverviewChange, RunFailure } from '../../../src/http/overview.ts';
import { httpOptions } from '../../support/http-options.ts';
import { runReport, specReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];
let streams: AbortController[] = [];

afterEach(async () => {
  for (const stream of streams) stream.abort();
  await Promise.all(servers.map((server) => server.stop()));
  [servers, streams] = [[], []];
});

const report = runReport({ startedAtMs: 1 });

async function serve(more: Partial<HttpServerOptions> = {}): Promise<{ readonly server: HttpServer; readonly url: string }> {
  const server = createHttpServer(
    httpOptions({
      report: () => report,
      ...more,
    }),
  );
  servers.push(server);
  return { server, url: (await server.start()).url };
}

/** The events of a stream, one at a time; undefined when it has ended. */
async function listen(url: string, headers: Record<string, string> = {}) {
  const stream = new AbortController();
  streams.push(stream);
  const answer = await fetch(`${url}/api/v1/events`, { headers, signal: stream.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Record<string, string> | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
      }
      const { done = true, value = '' } = (await reader?.read()) ?? {};
      if (done) return undefined;
      text += value;
    }
  };
  return { answer, next };
}

describe('the event stream', () => {
  it('says how it is read, that all is well, and then each run', async () => {
    const { server, url } = await serve();
    const { answer, next } = await listen(url);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await next()).toEqual({ retry: '1000' });
    expect(await next()).toMatchObject({ event: 'alive', data: expect.stringContaining('"source":"git"') });
    server.publish(runReport({ startedAtMs: 2, specs: [specReport('a.yaml')] }));
    const told = await next();
    expect(told).toMatchObject({ event: 'change', id: expect.stringMatching(/\.2$/) });
    expect(JSON.parse(told?.['data'] ?? '')).toMatchObject({
      from: expect.stringMatching(/\.1$/),
      head: { startedAtMs: 2 },
      rows: [{ key: 'a.yaml' }],
    });
  });

  it('says again and again that all is well', async () => {
    const { url } = await serve({ events: { heartbeatMs: 20 } });
    const { next } = await listen(url);
    await next();
    expect([(await next())?.['event'], (await next())?.['event'], (await next())?.['event']]).toEqual(['alive', 'alive', 'alive']);
  });

  it('names the state that was told last, and what keeps runs from ending', async () => {
    let failing: RunFailure | undefined = { sinceMs: 7, says: 'no such field' };
    const { server, url } = await serve({ events: { heartbeatMs: 20 }, failing: () => failing });
    const { next } = await listen(url);
    await next();
    const alive = async () => JSON.parse((await next())?.['data'] ?? '') as AliveEvent;
    const first = await alive();
    expect(first.failing).toEqual({ sinceMs: 7, says: 'no such field' });
    failing = undefined;
    await expect.poll(async () => (await alive()).failing).toBeUndefined();
    expect((await server.app.inject('/api/v1/overview')).json()).toMatchObject({ head: { id: first.id } });
  });

  it('tells runs that follow each other closely together, the first of them at once', async () => {
    const { server, url } = await serve({ events: { gatherMs: 50 } });
    const { next } = await listen(url);
    await next();
    await next();
    for (const ms of [2, 3, 4, 5]) server.publish(runReport({ startedAtMs: ms, specs: [specReport(`${ms}.yaml`)] }));
    const changes = [await next(), await next()].map((told) => JSON.parse(told?.['data'] ?? '') as OverviewChange);
    expect(changes.map(({ rows, gone }) => [rows.map(({ key }) => key), [...gone].sort()])).toEqual([
      [['2.yaml'], []],
      [['5.yaml'], ['2.yaml', '3.yaml', '4.yaml']],
    ]);
    expect(changes[1]?.from).toBe(changes[0]?.head.id);
  });

  it('tells what is still to be told before it answers with the state of now', async () => {
    const { server, url } = await serve({ events: { gatherMs: 600_000 } });
    const { next } = await listen(url);
    await next();
    await next();
    server.publish(runReport({ startedAtMs: 2 }));
    server.publish(runReport({ startedAtMs: 3 }));
    const { head } = (await (await fetch(`${url}/api/v1/overview`)).json()) as OverviewAnswer;
    await next();
    expect((await next())?.['id']).toBe(head.id);
  });

  it('may pass through proxies: it is neither gathered nor compressed on the way', async () => {
    const { url } = await serve();
    const { headers } = (await listen(url)).answer;
    expect([headers.get('cache-control'), headers.get('x-accel-buffering')]).toEqual(['no-store, no-transform', 'no']);
  });

  it('tells a client that has missed something to read everything again, and no other', async () => {
    const { server, url } = await serve();
    server.publish(runReport({ startedAtMs: 2 }));
    const overview = (await (await fetch(`${url}/api/v1/overview`)).json()) as { head: { id: string } };
    const late = await listen(url, { 'last-event-id': 'another.7' });
    await late.next();
    expect((await late.next())?.['event']).toBe('reload');
    const current = await listen(url, { 'last-event-id': overview.head.id });
    await current.next();
    expect((await current.next())?.['event']).toBe('alive');
  });

  it('takes no more clients than it may, and others when one has gone', async () => {
    const { url } = await serve({ events: { maxClients: 1 } });
    const first = await listen(url);
    expect((await listen(url)).answer.status).toBe(503);
    streams[0]?.abort();
    await first.next().catch(() => undefined);
    await expect.poll(async () => (await listen(url)).answer.status).toBe(200);
  });

  it('ends when the server stops', async () => {
    const { server, url } = await serve();
    const { next } = await listen(url);
    await next();
    await next();
    await server.stop();
    expect(await next()).toBeUndefined();
  });
});

describe('the overview', () => {
  it('is there as soon as there is a report, although nobody has told of a run', async () => {
    const { server } = await serve();
    expect((await server.app.inject('/api/v1/overview')).json()).toMatchObject({ token: false, head: { startedAtMs: 1 }, rows: [] });
  });

  it('says what keeps the first run from ending', async () => {
    const { server } = await serve({ report: () => undefined, failing: () => ({ sinceMs: 7, says: 'no such field' }) });
    expect((await server.app.inject('/api/v1/overview')).json()).toMatchObject({ detail: 'No run has ended yet: no such field.' });
  });

  it('is answered with 503 before, and says whether changes need a token', async () => {
    const { server } = await serve({ report: () => undefined });
    expect((await server.app.inject('/api/v1/overview')).statusCode).toBe(503);
    const { server: guarded } = await serve({ token: 'hunter22' });
    expect((await guarded.app.inject('/api/v1/overview')).json()).toMatchObject({ token: true });
  });

  it('is told by a server that can say whether a token is right', async () => {
    const { server } = await serve({ token: 'hunter22' });
    const ask = (token: string) =>
      server.app.inject({ method: 'POST', url: '/api/v1/token', headers: { authorization: `Bearer ${token}` } });
    expect([(await ask('hunter22')).statusCode, (await ask('other')).statusCode]).toEqual([204, 401]);
  });
});
