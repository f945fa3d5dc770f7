import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PlannedChange } from '../../src/core/report/plan-diff.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import type { PlanAnswer, SpecAnswer } from '../../src/http/api-answers.ts';
import { appManifest } from '../support/app-manifest.ts';
import { callCli, modules } from '../support/call-cli.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const files: Readonly<Record<string, string>> = Object.fromEntries(NAMES.map((name) => [`${name}.yaml`, appManifest(name)]));
const short = ({ state, op, on }: PlannedChange): string => `${state} ${op} ${on}`;

describe('what is not yet as it should be', () => {
  let site: SandboxSite | undefined;
  const releasers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const release of releasers.splice(0).reverse()) await release();
  });

  const start = async (drainSeconds: string): Promise<SandboxSite> => {
    const started = await startSandboxSite({ env: { POOLKEEPER_DRAIN_SECONDS: drainSeconds } });
    releasers.push(() => started.stop());
    site = started;
    return started;
  };
  const until = (look: (report: RunReport | undefined) => boolean) =>
    expect.poll(() => look(site?.reports.at(-1)), { timeout: 20_000 }).toBe(true);
  const changesOf = async (spec: string): Promise<readonly PlannedChange[]> => {
    const answer = await fetch(`${site?.daemon.url}/api/v1/specs/${spec}`);
    return ((await answer.json()) as SpecAnswer).changes ?? [];
  };
  /** `plan` with the servers of the site. */
  const plan = async ({ repository, kubernetes, consul }: SandboxSite, ...argv: readonly string[]) => {
    const directory = await makeTempDirectory('pending');
    releasers.push(() => directory.remove());
    const kubeconfig = join(directory.path, 'kubeconfig');
    await writeFile(kubeconfig, kubernetes.kubeconfig());
    const flags = ['--git-url', repository, '--kubernetes-kubeconfig', kubeconfig, '--consul-address', consul.url, '--cluster', 'site'];
    return callCli(['plan', ...flags, ...argv], {
      env: { PATH: process.env['PATH'] },
      readFile: (path) => readFileSync(path, 'utf8'),
      load: modules({ once: () => import('../../src/cli/plan-once.ts') }),
    });
  };

  it('is empty in step, then what is held with the reason, and what waits for the drain once it may go', async () => {
    const { commit } = await start('60');
    await commit(files);
    await until((report) => report?.pools.length === 4 && report.specs.every(({ state }) => state === 'in-step'));
    expect(await changesOf('a.yaml')).toEqual([]);
    await commit({ 'a.yaml': undefined, 'b.yaml': undefined, 'c.yaml': undefined });
    await until((report) => report?.held !== undefined);
    const held = await changesOf('a.yaml');
    expect(held.map(short)).toEqual([
      'held deregister-pool pool default/a',
      'held route routes of pool default/a',
      'held delete-object Deployment default/a',
      'held delete-object Service default/a',
    ]);
    expect(held.every(({ code, reason, remedy }) => code === 'REMOVAL_LIMIT' && reason !== '' && remedy?.includes('approve'))).toBe(true);
    expect(held[0]?.lines).toHaveLength(3);
    const all = (await (await fetch(`${site?.daemon.url}/api/v1/plan`)).json()) as PlanAnswer;
    expect(new Set(all.changes?.map(({ spec }) => spec))).toEqual(new Set(['a.yaml', 'b.yaml', 'c.yaml']));
    const id = site?.reports.at(-1)?.held?.id ?? '';
    expect((await callCli(['approve', id, '--url', site?.daemon.url ?? ''])).code).toBe(0);
    await expect
      .poll(async () => (await changesOf('a.yaml')).map(short), { timeout: 20_000 })
      .toEqual(['waiting delete-object Deployment default/a', 'waiting delete-object Service default/a']);
    expect((await changesOf('a.yaml'))[0]?.reason).toContain('pool default/a drains before its objects are deleted');
  }, 60_000);

  it('is told by plan for a branch, and a branch that is not there is one error', async () => {
    const started = await start('1');
    await started.commit(files);
    await until((report) => report?.pools.length === 4 && report.specs.every(({ state }) => state === 'in-step'));
    const missing = await plan(started, '--ref', 'mian');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('has no branch mian; it has main');
    expect(missing.stderr).toContain('--ref');
    await started.record({ 'd.yaml': undefined }, 'd goes');
    const told = await plan(started, '--ref', 'main');
    expect(told.stdout).toContain('deleted after the drain: Deployment default/d, Service default/d: ');
    expect(told.stdout).toContain('- deregister-pool pool default/d');
  }, 60_000);
});
