import { afterEach, describe, expect, it } from 'vitest';
import type { CliIo } from '../../../src/cli/cli-io.ts';
import { runCli } from '../../../src/cli/run-cli.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { poolReport, runReport, specReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

async function serve(more: Partial<HttpServerOptions> = {}): Promise<string> {
  const server = createHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    token: undefined,
    report: () => runReport({ specs: [specReport('prod/web.yaml')], pools: [poolReport('prod', 'web')] }),
    livez: () => true,
    ready: () => ({ ready: true, checks: [] }),
    metrics: async () => '',
    drain: async () => undefined,
    resync: async (spec) => ({ queued: spec !== 'gone.yaml', coalesced: spec === 'twice.yaml' }),
    ...more,
  });
  servers.push(server);
  return (await server.start()).url;
}

async function cli(argv: readonly string[], more: Partial<CliIo> = {}) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const unused = () => Promise.reject(new Error('must not be loaded'));
  const code = await runCli({
    argv,
    env: {},
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    isTerminal: false,
    readFile: (path) => {
      if (path === 'token') return 'hunter22\n';
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    },
    now: () => 1_700_000_060_020,
    signal: new AbortController().signal,
    load: { daemon: unused, once: unused, demo: unused, rights: unused, doctor: unused },
    ...more,
  });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

describe('status', () => {
  it('shows what the daemon last saw', async () => {
    const url = await serve();
    const { code, stdout } = await cli(['status', '--url', url]);
    expect(code).toBe(0);
    expect(stdout).toContain('Revision 4f1c0de; last run 1m 0s ago; this replica leads\n');
    expect(stdout).toContain('prod/web.yaml  in-step');
    expect(JSON.parse((await cli(['status', '--output', 'json'], { env: { POOLKEEPER_URL: url } })).stdout)).toMatchObject({
      pools: [{ pool: 'prod/web' }],
    });
  });

  it('says that nothing answers, or something else', async () => {
    const url = await serve();
    await servers[0]?.stop();
    expect(await cli(['status', '--url', url])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('DAEMON_UNREACHABLE'),
    });
    const stranger = createHttpServer({ listen: { host: '127.0.0.1', port: 0 } } as HttpServerOptions);
    stranger.app.addHook('onRequest', async (_request, reply) => reply.code(200).send('hello'));
    servers.push(stranger);
    expect((await cli(['status', '--url', (await stranger.start()).url])).stderr).toContain('is not poolkeeper');
  });

  it('hands on what the daemon says', async () => {
    const { code, stderr } = await cli(['status', '--url', await serve({ report: () => undefined })]);
    expect(code).toBe(1);
    expect(stderr).toContain('answered 503: The first run has not ended yet. Try again in a moment.');
  });

  it('refuses an address that is none', async () => {
    expect(await cli(['status', '--url', 'localhost:8080'])).toMatchObject({ code: 78, stderr: expect.stringContaining('--url') });
  });
});

describe('resync', () => {
  it.each([
    [[], 'A resync of every spec begins.\n'],
    [['prod/web.yaml'], 'A resync of prod/web.yaml begins.\n'],
    [['twice.yaml'], 'A resync of twice.yaml waits already; this one joins it.\n'],
  ])('asks for %j', async (args, text) => {
    expect(await cli(['resync', ...args, '--url', await serve()])).toEqual({ code: 0, stdout: text, stderr: '' });
  });

  it('tells a spec that does not exist', async () => {
    expect(await cli(['resync', 'gone.yaml', '--url', await serve()])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no spec gone.yaml'),
    });
  });

  it('sends the token, and says when it is wrong or missing', async () => {
    const url = await serve({ token: 'hunter22' });
    expect((await cli(['resync', '--url', url, '--token-file', 'token'])).code).toBe(0);
    expect((await cli(['resync', '--url', url], { env: { POOLKEEPER_TOKEN_FILE: 'token' } })).code).toBe(0);
    expect(await cli(['resync', '--url', url])).toMatchObject({ code: 78, stderr: expect.stringContaining('UNAUTHORIZED') });
    expect(await cli(['resync', '--url', url, '--token-file', 'gone'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('ENOENT'),
    });
  });
});
