import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/core/report/run-report.ts';
import type { ApprovalWish } from '../../../src/http/http-server-options.ts';
import { type ProblemCode, problem } from '../../../src/shared/problem.ts';
import { callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { removalHold, runReport } from '../../support/run-report.ts';

const { serve: serveReports } = reportServers();
const HELD = { id: 'h-3f2a91c07b6e', removals: 3, pools: 3, objects: 1 };
const holding: RunReport = runReport({
  held: HELD,
  holds: [removalHold('a.yaml', 'pool prod/a'), removalHold('a.yaml', 'Service prod/a')],
});

async function serve(report: RunReport = holding, code?: ProblemCode) {
  const asked: ApprovalWish[] = [];
  const url = await serveReports([report], {
    approve: async (wish) => {
      asked.push(wish);
      const named = 'hold' in wish ? { id: wish.hold, hold: wish.hold, removals: 3 } : { id: 'n-1', removals: wish.removals };
      if (code !== undefined) return { kind: 'refused', problem: problem(code, 'h-0 is not what is held now') };
      return { kind: 'done', approval: { ...named, left: named.removals, atMs: 0, untilMs: 3_600_000 } };
    },
  });
  return { asked, url };
}

const approve = (...argv: readonly string[]) => callCli(['approve', ...argv]);

describe('approve', () => {
  it('tells what is held, and how to let it go, and approves nothing', async () => {
    const { url, asked } = await serve();
    expect(await approve('--url', url)).toEqual({
      code: 0,
      stdout: [
        '3 pools and 1 object are held as h-3f2a91c07b6e:',
        '  a.yaml: pool prod/a (REMOVAL_LIMIT)',
        '  a.yaml: Service prod/a (REMOVAL_LIMIT)',
        '',
        'If all of it is meant: poolkeeper approve h-3f2a91c07b6e\n',
      ].join('\n'),
      stderr: '',
    });
    const { stdout } = await approve('--output', 'json', '--url', url);
    expect(JSON.parse(stdout)).toEqual({ held: HELD, approvals: [] });
    expect(asked).toEqual([]);
  });

  it('says so when nothing is held, or only what no approval releases', async () => {
    const nothing = await serve(runReport());
    expect(await approve('--url', nothing.url)).toEqual({ code: 0, stdout: 'Nothing is held.\n', stderr: '' });
    expect(JSON.parse((await approve('--output', 'json', '--url', nothing.url)).stdout)).toEqual({ held: null, approvals: [] });
    const reason = problem('BROKEN_SPEC_MAY_OWN', 'b.yaml is broken');
    const broken = await serve(runReport({ holds: [{ spec: 'b.yaml' as never, what: 'pool prod/b', reason }] }));
    expect((await approve('--url', broken.url)).stdout).toMatch(
      /^Nothing is held that an approval could release.*\n {2}b\.yaml: pool prod\/b: b\.yaml is broken\. Mend/,
    );
  });

  it('lets go what it names, or a number', async () => {
    const { url, asked } = await serve();
    expect(await approve('h-3f2a91c07b6e', '--url', url)).toEqual({
      code: 0,
      stdout: 'What is held as h-3f2a91c07b6e may go, if that begins within 60 minutes. poolkeeper status tells how far it is.\n',
      stderr: '',
    });
    expect((await approve('--removals', '3', '--url', url)).stdout).toMatch(/^Up to 3 removals may go/);
    expect(JSON.parse((await approve('--removals', '3', '--output', 'json', '--url', url)).stdout)).toMatchObject({ id: 'n-1', left: 3 });
    expect(asked).toEqual([{ hold: 'h-3f2a91c07b6e' }, { removals: 3 }, { removals: 3 }]);
  });

  it('warns of a number that cannot be enough', async () => {
    const { url } = await serve();
    expect(await approve('--removals', '2', '--url', url)).toMatchObject({
      code: 0,
      stderr: '3 removals are held: none of them goes before all are allowed, here and by trailers together.\n',
    });
    expect((await approve('--removals', '3', '--url', url)).stderr).toBe('');
  });

  it('fails with what is held now', async () => {
    const { url } = await serve(holding, 'HOLD_CHANGED');
    expect(await approve('h-0', '--url', url)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/HOLD_CHANGED: .*h-0 is not what is held now\. Look at what is held now with `poolkeeper approve`/),
    });
  });

  it.each([[['--removals', '0']], [['--removals', '1.5']], [['--removals', 'all']], [['h-1', '--removals', '2']], [['h-1', 'h-2']]])(
    'refuses %j',
    async (argv) => {
      expect((await approve(...argv)).code).toBe(64);
    },
  );

  it('has the name of what is held completed', async () => {
    const { url } = await serve();
    const env = { POOLKEEPER_URL: url };
    expect((await callCli(['__complete', 'holds'], { env })).stdout).toBe('h-3f2a91c07b6e\n');
    const nothing = { POOLKEEPER_URL: (await serve(runReport())).url };
    expect((await callCli(['__complete', 'holds'], { env: nothing })).stdout).toBe('');
  });

  it('shows in the status while it counts', async () => {
    const approvals = [{ id: 'h-1', hold: 'h-1', removals: 3, left: 3, atMs: 0, untilMs: 120_000 }];
    const suspensions = [
      { atMs: 0, reason: 'new racks' },
      { spec: 'a.yaml' as never, atMs: 0, untilMs: 60_000 },
    ];
    const { url } = await serve(runReport({ approvals, suspensions }));
    const { stdout } = await callCli(['status', '--url', url]);
    expect(stdout).toContain('approved h-1: 3 may still go, for 2m 0s\n');
    expect(stdout).toContain('suspended every spec: new racks, until poolkeeper resume --all\nsuspended a.yaml, for 1m 0s\n');
  });
});
