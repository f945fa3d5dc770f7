import { describe, expect, it } from 'vitest';
import { nodeName, poolKey } from '../../../src/core/model/ids.ts';
import type { PoolReport, RunReport } from '../../../src/core/report/run-report.ts';
import type { MigrationResult, MigrationWish } from '../../../src/http/http-server-options.ts';
import { problem } from '../../../src/shared/problem.ts';
import { callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { poolReport, runReport, sourceReport } from '../../support/run-report.ts';

const { serve: serveReports } = reportServers();

const web = (more: Partial<PoolReport>): RunReport =>
  runReport({ pools: [poolReport('prod', 'web', { desired: 2, passing: 0, ...more })] });
const begun = web({ registered: 0, agents: { nodes: [nodeName('n1'), nodeName('n2')], moving: true } });
const half = web({ registered: 1, agents: { nodes: [nodeName('n2')], moving: true } });
const moved = web({ registered: 2 });
const MOVING: MigrationResult = { kind: 'done', moving: [poolKey('prod', 'web')] };

/** A daemon that tells these reports one after the other, the last one for ever. */
async function serve(reports: readonly RunReport[], answer: MigrationResult = MOVING) {
  const asked: MigrationWish[] = [];
  const migrations = async (wish: MigrationWish): Promise<MigrationResult> => {
    asked.push(wish);
    return answer;
  };
  return { asked, url: await serveReports(reports, { migrate: migrations }) };
}

const migrate = (...argv: readonly string[]) => callCli(['migrate', ...argv], { readFile: () => '' });

describe('migrate', () => {
  it('asks the daemon, and tells how far it is until all have moved', async () => {
    const { url, asked } = await serve([begun, half, moved]);
    expect(await migrate('prod/web', '--wait', '--url', url)).toEqual({
      code: 0,
      stdout: [
        'prod/web: 0 of 2 in the catalog, 2 registered by agents',
        'prod/web: 1 of 2 in the catalog, 1 registered by agents',
        'prod/web: 2 of 2 in the catalog, 0 registered by agents',
        'The pool is in the catalog.\n',
      ].join('\n'),
      stderr: '',
    });
    expect(asked).toEqual([{ pools: ['prod/web'] }]);
  });

  it('takes nothing for moved while the daemon does not see Consul', async () => {
    const blind: RunReport = { ...web({ registered: 0 }), sources: [sourceReport('consul', { kind: 'unavailable' })] };
    const { url } = await serve([begun, blind, half, moved]);
    const { code, stdout } = await migrate('prod/web', '--wait', '--url', url);
    expect([code, stdout.split('\n').slice(1, 4)]).toEqual([
      0,
      [
        'prod/web: 1 of 2 in the catalog, 1 registered by agents',
        'prod/web: 2 of 2 in the catalog, 0 registered by agents',
        'The pool is in the catalog.',
      ],
    ]);
    const never = await serve([blind]);
    const late = await migrate('prod/web', '--wait', '--timeout', '1ms', '--output', 'json', '--url', never.url);
    expect([late.code, JSON.parse(late.stdout)]).toEqual([1, { moving: ['prod/web'], left: ['prod/web'] }]);
  });

  it('does not wait unless told', async () => {
    const { url, asked } = await serve([begun]);
    expect(await migrate('--all', '--url', url)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 pool moves') });
    expect(await migrate('--all', '--output', 'json', '--url', url)).toMatchObject({
      code: 0,
      stdout: '{\n  "moving": [\n    "prod/web"\n  ]\n}\n',
    });
    expect(asked).toEqual([{ all: true }, { all: true }]);
  });

  it('names those that have not moved in time', async () => {
    const { url } = await serve([half]);
    const { code, stderr } = await migrate('prod/web', '--wait', '--timeout', '1ms', '--url', url);
    expect([code, stderr]).toEqual([1, expect.stringContaining('prod/web: agents still register it on n2')]);
    const json = await migrate('prod/web', '--wait', '--timeout', '1ms', '--output', 'json', '--url', url);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([1, { moving: ['prod/web'], left: ['prod/web'] }]);
  });

  it('says when there is nothing to move, and what is refused', async () => {
    const nothing = await serve([moved], { kind: 'done', moving: [] });
    expect(await migrate('--all', '--wait', '--url', nothing.url)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing moves'),
    });
    const refused = await serve([moved], { kind: 'refused', problem: problem('POOL_UNKNOWN', 'there is no pool x/y') });
    expect(await migrate('x/y', '--url', refused.url)).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no pool x/y') });
  });

  it.each([[[]], [['prod/web', '--all']], [['prod/web', '--timeout', 'soon']]])('refuses %j', async (argv) => {
    expect((await migrate(...argv)).code).toBe(64);
  });
});
