import { describe, expect, it } from 'vitest';
import { waitForDrain } from '../../../src/cli/wait-for-drain.ts';
import { nodeName } from '../../../src/core/model/ids.ts';
import type { RunReport } from '../../../src/core/report/run-report.ts';
import type { DrainWish, HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { nodeAnswer } from '../../../src/http/node-views.ts';
import { AppError } from '../../../src/shared/errors.ts';
import { problem } from '../../../src/shared/problem.ts';
import { type CliWorld, callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { nodeDecision, nodeReport, poolReport, runReport } from '../../support/run-report.ts';

const { serve: serveReports } = reportServers();

const w1 = nodeName('w1');
const inside = runReport({
  nodes: [nodeReport('w1')],
  pools: [poolReport('prod', 'web', { decisions: [nodeDecision('w1')], registeredOn: [w1], passingOn: [w1] })],
});
const outside = runReport({
  nodes: [nodeReport('w1', { draining: true, eligible: false, code: 'drained', registered: 0 })],
  pools: [poolReport('prod', 'web', { decisions: [nodeDecision('w1', { in: false, code: 'drained' })] })],
});
const floor = nodeDecision('w1', { code: 'kept-by-floor', reason: 'kept: the pool must not fall below 1' });
const kept = runReport({
  nodes: [nodeReport('w1', { draining: true, eligible: false, code: 'drained' })],
  pools: ['a', 'b', 'c', 'd'].map((name) => poolReport('prod', name, { decisions: [floor], registeredOn: [w1], passingOn: [w1] })),
});

/** A daemon that tells these reports one after the other, the last one for ever. */
async function serve(reports: readonly RunReport[], more: Partial<HttpServerOptions> = {}) {
  const asked: DrainWish[] = [];
  return { asked, url: await serveReports(reports, { drain: async (wish) => void asked.push(wish), ...more }) };
}

const cli = (argv: readonly string[], more: CliWorld = {}) => callCli(argv, { readFile: () => 'hunter22\n', ...more });

describe('drain and undrain', () => {
  it('ask the daemon', async () => {
    const { url, asked } = await serve([inside], { token: 'hunter22' });
    const common = ['--url', url, '--token-file', 'token'];
    expect(await cli(['drain', 'w1', '--reason', 'new disk', ...common])).toEqual({
      code: 0,
      stdout: 'w1 leaves its pools, as far as their floors allow.\n',
      stderr: '',
    });
    expect(await cli(['undrain', 'w1', ...common])).toEqual({ code: 0, stdout: 'w1 may come back.\n', stderr: '' });
    expect(JSON.parse((await cli(['drain', 'w1', '--output', 'json', ...common])).stdout)).toEqual({ node: 'w1', draining: true });
    expect(asked).toEqual([
      { node: 'w1', drain: true, reason: 'new disk' },
      { node: 'w1', drain: false },
      { node: 'w1', drain: true },
    ]);
  });

  it('tell what the daemon refuses', async () => {
    const unknown = problem('NODE_UNKNOWN', 'there is no node w0', { remedy: 'Did you mean "w1"?' });
    const { url } = await serve([inside], { drain: async () => unknown });
    expect(await cli(['drain', 'w0', '--url', url])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NODE_UNKNOWN: .*there is no node w0\. Did you mean "w1"\?/),
    });
    const { url: other } = await serve([inside], { drain: async () => problem('DRAIN_DISABLED', 'drain.api is false') });
    expect((await cli(['undrain', 'w1', '--url', other])).code).toBe(78);
  });

  it.each(['5', 'soon', '0s', ''])('refuse the time %j', async (timeout) => {
    expect(await cli(['drain', 'w1', '--wait', '--timeout', timeout])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('a duration such as'),
    });
  });
});

describe('--wait', () => {
  it('waits until the node is out, and says meanwhile for what', async () => {
    const { url } = await serve([inside, outside]);
    const { code, stdout } = await cli(['drain', 'w1', '--wait', '--url', url]);
    expect([code, stdout]).toEqual([0, 'w1: waiting: the daemon has not seen the mark yet\nw1 is out of all pools in Consul.\n']);
  });

  it('writes one line anew on a terminal', async () => {
    const { url } = await serve([outside, inside]);
    const { stdout } = await cli(['undrain', 'w1', '--wait', '--url', url], { isTerminal: true, env: { NO_COLOR: '1' } });
    expect(stdout).toBe('\r\u001b[Kw1: waiting: the daemon still sees the mark\r\u001b[Kw1 is back: Consul has it passing in 1 pool.\n');
  });

  it('tells in the end which pools still hold the node, and why', async () => {
    const { url } = await serve([kept]);
    const { code, stdout, stderr } = await cli(['drain', 'w1', '--wait', '--timeout', '100ms', '--url', url]);
    expect(code).toBe(1);
    const why = 'kept: the pool must not fall below 1';
    expect(stdout).toBe(`w1: waiting: prod/a: ${why}; prod/b: ${why}; prod/c: ${why}; and 1 more\n`);
    expect(stderr).toBe(
      `w1 is not out of all pools after 100ms. It stays marked, and leaves when it may:\n${['a', 'b', 'c', 'd'].map((name) => `  prod/${name}: ${why}\n`).join('')}`,
    );
  });

  it('tells it to programs as one JSON document', async () => {
    const { url } = await serve([kept]);
    const { code, stdout, stderr } = await cli(['drain', 'w1', '--wait', '--timeout', '100ms', '--output', 'json', '--url', url]);
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({ node: 'w1', draining: true, done: false, waitingFor: [{ pool: 'prod/a' }, {}, {}, {}] });
  });

  it('says that a node is no backend anyway', async () => {
    const { url } = await serve([
      runReport({ nodes: [nodeReport('w1', { eligible: false, code: 'control-plane', reason: 'it is a control-plane node' })] }),
    ]);
    expect((await cli(['undrain', 'w1', '--wait', '--url', url])).stdout).toBe(
      'w1 is not drained; it is no backend: it is a control-plane node.\n',
    );
  });

  it('goes on while the daemon does not answer, and ends with a node that is gone', async () => {
    const down = new AppError(problem('DAEMON_UNREACHABLE', 'the daemon does not answer'));
    const answers = [down, down, nodeAnswer(inside, 'w1'), undefined];
    const node = async () => {
      const next = answers.shift();
      if (next instanceof AppError) throw next;
      return next;
    };
    const told: string[] = [];
    const onWaits = (waits: readonly { readonly why: string }[]): void => void told.push(waits.map(({ why }) => why).join());
    const options = { client: { node }, node: 'w1', timeoutMs: 10_000, pollMs: 1, onWaits };
    const { signal } = new AbortController();
    expect(await waitForDrain({ ...options, wish: 'drain' }, signal)).toEqual({ answer: undefined, waits: [] });
    expect(told).toEqual(['the daemon does not answer', 'the daemon has not seen the mark yet']);
    const gone = await waitForDrain({ ...options, wish: 'undrain', timeoutMs: 20 }, signal);
    expect(gone.waits).toEqual([{ why: 'neither the cluster nor Consul has the node any more' }]);
  });

  it('ends at once when the user wants it to', async () => {
    const { url } = await serve([kept]);
    const stop = new AbortController();
    const stdout = { write: () => stop.abort() };
    expect((await cli(['drain', 'w1', '--wait', '--url', url], { stdout, signal: stop.signal })).code).toBe(130);
  });
});
