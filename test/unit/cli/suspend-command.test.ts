import { describe, expect, it } from 'vitest';
import { problem } from '../../../src/shared/problem.ts';
import { callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { runReport } from '../../support/run-report.ts';

const { serve: serveReports } = reportServers();

/** A daemon that knows `prod/web.yaml`; `all`: every spec is suspended. */
async function serve({ all = false } = {}) {
  const asked: unknown[] = [];
  const unknown = problem('SPEC_UNKNOWN', 'there is no spec web', { remedy: 'Did you mean "prod/web.yaml"?' });
  const isUnknown = (wish: object): boolean => 'spec' in wish && wish.spec !== 'prod/web.yaml';
  const url = await serveReports([runReport()], {
    suspensions: {
      suspend: async (wish) => {
        asked.push(wish);
        const { untilMs } = wish;
        const times = { atMs: 0, ...(untilMs === undefined ? {} : { untilMs: 7_200_000 }) };
        const spec = 'spec' in wish ? { spec: wish.spec as never } : {};
        return isUnknown(wish) ? { kind: 'refused', problem: unknown } : { kind: 'done', suspension: { ...spec, ...times } };
      },
      resume: async (scope) => {
        asked.push(scope);
        return isUnknown(scope) ? { kind: 'refused', problem: unknown } : { kind: 'done', suspended: all && 'spec' in scope };
      },
    },
  });
  return { asked, url };
}

describe('suspend', () => {
  it('leaves a spec, or every spec, as it is, for a time if told', async () => {
    const { url, asked } = await serve();
    expect(await callCli(['suspend', 'prod/web.yaml', '--url', url])).toEqual({
      code: 0,
      stdout: 'prod/web.yaml is left as it is until poolkeeper resume prod/web.yaml.\n',
      stderr: '',
    });
    const timed = await callCli(['suspend', '--all', '--for', '2h', '--reason', 'new racks', '--url', url]);
    expect(timed).toMatchObject({ code: 0, stdout: 'Every spec is left as it is until 1970-01-01T02:00:00.000Z.\n' });
    const { stdout } = await callCli(['suspend', 'prod/web.yaml', '--output', 'json', '--url', url]);
    expect(JSON.parse(stdout)).toEqual({ spec: 'prod/web.yaml', atMs: 0 });
    expect(asked).toEqual([
      { spec: 'prod/web.yaml' },
      { all: true, untilMs: expect.any(Number), reason: 'new racks' },
      { spec: 'prod/web.yaml' },
    ]);
  });
});

describe('resume', () => {
  it('goes on with a spec, or every spec', async () => {
    const { url, asked } = await serve();
    expect(await callCli(['resume', 'prod/web.yaml', '--url', url])).toEqual({ code: 0, stdout: 'prod/web.yaml goes on.\n', stderr: '' });
    expect((await callCli(['resume', '--all', '--url', url])).stdout).toBe('Every spec goes on, but for those suspended by name.\n');
    expect(JSON.parse((await callCli(['resume', 'prod/web.yaml', '--output', 'json', '--url', url])).stdout)).toEqual({
      spec: 'prod/web.yaml',
      suspended: false,
    });
    expect(asked).toEqual([{ spec: 'prod/web.yaml' }, { all: true }, { spec: 'prod/web.yaml' }]);
  });

  it('tells of one that stays suspended with all the others', async () => {
    const { url } = await serve({ all: true });
    expect(await callCli(['resume', 'prod/web.yaml', '--url', url])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'prod/web.yaml stays suspended, as every spec is: run poolkeeper resume --all.\n',
    });
  });
});

describe('both', () => {
  it.each(['suspend', 'resume'])('%s tells which spec may have been meant', async (command) => {
    const { url } = await serve();
    const { code, stderr } = await callCli([command, 'web', '--url', url]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/SPEC_UNKNOWN: .*there is no spec web\. Did you mean "prod\/web\.yaml"\?/)]);
  });

  it.each([[['suspend']], [['suspend', 'a', '--all']], [['suspend', 'a', '--for', 'soon']], [['resume']], [['resume', 'a', '--all']]])(
    'refuses %j',
    async (argv) => {
      expect((await callCli(argv)).code).toBe(64);
    },
  );
});
