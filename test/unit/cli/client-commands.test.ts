import { describe, expect, it } from 'vitest';
import { createHttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { type CliWorld, callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { poolReport, runReport, specReport } from '../../support/run-report.ts';

const { serve: serveReports, stop } = reportServers();
const REPORT = runReport({ specs: [specReport('prod/web.yaml')], pools: [poolReport('prod', 'web')] });

const serve = (more: Partial<HttpServerOptions> = {}): Promise<string> =>
  serveReports([REPORT], { resync: async (spec) => ({ queued: spec !== 'gone.yaml', coalesced: spec === 'twice.yaml' }), ...more });

const cli = (argv: readonly string[], more: CliWorld = {}) =>
  callCli(argv, { files: { token: 'hunter22\n' }, now: () => 1_700_000_060_020, ...more });

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
    await stop();
    expect(await cli(['status', '--url', url])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('DAEMON_UNREACHABLE'),
    });
    const stranger = createHttpServer({ listen: { host: '127.0.0.1', port: 0 } } as HttpServerOptions);
    stranger.app.addHook('onRequest', async (_request, reply) => reply.code(200).send('hello'));
    const { url: strange } = await stranger.start();
    expect((await cli(['status', '--url', strange])).stderr).toContain('is not poolkeeper');
    await stranger.stop();
  });

  it('hands on what the daemon says', async () => {
    const { code, stderr } = await cli(['status', '--url', await serve({ report: () => undefined })]);
    expect(code).toBe(1);
    expect(stderr).toContain('DAEMON_REFUSED');
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
      stderr: expect.stringMatching(/SPEC_UNKNOWN: .*there is no spec gone\.yaml/),
    });
  });

  it.each(['prod/wbe.yaml', 'web'])('tells the spec that %s was most likely to be', async (word) => {
    const url = await serve({ resync: async () => ({ queued: false, coalesced: false }) });
    expect(await cli(['resync', word, '--url', url])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean "prod/web.yaml"?'),
    });
  });

  it('sends the token, and says when it is wrong or missing', async () => {
    const url = await serve({ token: 'hunter22' });
    expect((await cli(['resync', '--url', url, '--token-file', 'token'])).code).toBe(0);
    expect((await cli(['resync', '--url', url], { env: { POOLKEEPER_TOKEN_FILE: 'token' } })).code).toBe(0);
    expect(await cli(['resync', '--url', url])).toMatchObject({ code: 78, stderr: expect.stringContaining('UNAUTHORIZED') });
    expect(await cli(['resync', '--url', url, '--token-file', 'gone'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('cannot read gone: no such file'),
    });
  });
});

describe('log-level', () => {
  const levels: unknown[] = [];
  const logLevel: HttpServerOptions['logLevel'] = {
    state: () => ({ level: 'info', configured: 'info' }),
    set: (level, forMs) => {
      levels.push([level, forMs]);
      return { level, configured: 'info', untilMs: 1_700_000_060_020 + forMs };
    },
  };

  it('tells which level is in force', async () => {
    const url = await serve({ logLevel });
    expect(await cli(['log-level', '--url', url])).toEqual({ code: 0, stdout: 'The log level is info, as configured.\n', stderr: '' });
    expect(JSON.parse((await cli(['log-level', '--url', url, '--output', 'json'])).stdout)).toEqual({ level: 'info', configured: 'info' });
  });

  it('changes it for a while', async () => {
    const url = await serve({ logLevel });
    const { code, stdout } = await cli(['log-level', 'debug', '--for', '10m', '--url', url]);
    expect([code, stdout]).toEqual([0, 'The log level is debug; info comes back in 10 minutes.\n']);
    expect(levels).toEqual([['debug', 600_000]]);
  });

  it.each([[['loud']], [['debug', '--for', '10']], [['debug', '--for', '25h']], [['--for', '10m']]])('refuses %j', async (args) => {
    expect((await cli(['log-level', ...args])).code).toBe(64);
  });
});
