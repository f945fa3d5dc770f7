import { afterEach, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { callCli } from '../support/call-cli.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const fileOf = (name: string): string => `${name}.yaml`;
const filesOf = (names: readonly string[], more: Parameters<typeof appManifest>[1] = {}): Record<string, string> =>
  Object.fromEntries(names.map((name) => [fileOf(name), appManifest(name, more)]));

describe('what people ask of a running daemon', () => {
  let site: SandboxSite | undefined;
  afterEach(() => site?.stop());

  const last = (): RunReport | undefined => site?.reports.at(-1);
  const run = (...argv: readonly string[]) => callCli([...argv, '--url', site?.daemon.url ?? '']);
  const until = (look: (report: RunReport | undefined) => boolean) => expect.poll(() => look(last()), { timeout: 20_000 }).toBe(true);
  const services = (): readonly string[] =>
    site?.kubernetes
      .services()
      .map(({ name }) => name)
      .sort() ?? [];
  const stateOf = (spec: string): string | undefined => last()?.specs.find(({ id }) => id === spec)?.state;

  it('lets go exactly what is held, which leaves by way of its drain', async () => {
    const lines: string[] = [];
    site = await startSandboxSite({ onLine: (line) => lines.push(line) });
    await site.commit(filesOf(NAMES));
    await until((report) => report?.pools.length === 4 && report.pools.every(({ passing }) => passing > 0));
    expect((await run('approve')).stdout).toBe('Nothing is held.\n');
    expect(await run('approve', '--removals', '9')).toMatchObject({ code: 1, stderr: expect.stringContaining('NOTHING_HELD') });
    await site.commit({ 'a.yaml': undefined, 'b.yaml': undefined, 'c.yaml': undefined });
    await until((report) => report?.held !== undefined);
    const held = last()?.held;
    expect(held).toMatchObject({ removals: 3, pools: 3, objects: 6 });
    // Another commit makes it another hold: nobody has looked at that.
    await site.commit(filesOf(['e']));
    await until((report) => report?.held !== undefined && report.held.id !== held?.id);
    expect(await run('approve', held?.id ?? '')).toMatchObject({ code: 1, stderr: expect.stringContaining(last()?.held?.id ?? 'none') });
    expect((await run('approve', last()?.held?.id ?? '')).code).toBe(0);
    await until((report) => report?.specs.length === 2 && report.specs.every(({ state }) => state === 'in-step'));
    expect([services(), last()?.approvals]).toEqual([['d', 'e'], undefined]);
    const events = lines.map((line) => JSON.parse(line) as { event?: string; hold?: string; result?: string });
    expect(events.filter(({ event }) => event === 'approve').map(({ result }) => result)).toEqual(['NOTHING_HELD', 'HOLD_CHANGED', 'done']);
  });

  it('leaves a spec as it is until it is resumed, and its pool follows the nodes', async () => {
    site = await startSandboxSite();
    await site.commit(filesOf(['a', 'b']));
    await until((report) => report?.pools.length === 2 && report.pools.every(({ passing }) => passing === 3));
    expect(await run('suspend', 'a', '--reason', 'by hand')).toMatchObject({ code: 1, stderr: expect.stringContaining('"a.yaml"') });
    expect((await run('suspend', 'a.yaml', '--reason', 'by hand')).code).toBe(0);
    await until(() => stateOf('a.yaml') === 'suspended');
    await site.commit(filesOf(['a', 'b'], { annotations: { 'poolkeeper.dev/service-name': 'other' } }));
    await until((report) => report?.pools.some(({ service }) => service === 'other') === true);
    const nameOf = (spec: string): string | undefined => last()?.pools.find((pool) => pool.spec === spec)?.service;
    expect([nameOf('a.yaml'), stateOf('a.yaml')]).toEqual(['a', 'suspended']);
    expect((await run('status')).stdout).toMatch(/^a\.yaml +suspended .*suspended: by hand/m);
    expect((await run('why', 'default/a')).stdout).toContain('a.yaml is left as it is (suspended: by hand)');
    expect(await (await fetch(`${site.daemon.url}/metrics`)).text()).toContain('poolkeeper_specs{state="suspended"} 1');
    expect((await run('drain', 'worker-1')).code).toBe(0);
    await until((report) => report?.pools.find((pool) => pool.spec === 'a.yaml')?.passing === 2);
    await site.commit({ 'a.yaml': undefined });
    expect([stateOf('a.yaml'), services()]).toEqual(['suspended', ['a', 'b']]);
    await site.commit(filesOf(['a'], { annotations: { 'poolkeeper.dev/service-name': 'third' } }));
    expect((await run('resume', 'a.yaml')).stdout).toBe('a.yaml goes on.\n');
    await until(() => nameOf('a.yaml') === 'third' && last()?.suspensions === undefined);
  });

  it('leaves every spec as it is for a time, and goes on by itself', async () => {
    site = await startSandboxSite();
    await site.commit(filesOf(['a']));
    await until((report) => report?.pools.length === 1);
    expect((await run('suspend', '--all', '--for', '3s')).code).toBe(0);
    await until(() => stateOf('a.yaml') === 'suspended');
    expect(last()?.suspensions).toMatchObject([{ untilMs: expect.any(Number) }]);
    await site.commit(filesOf(['a'], { annotations: { 'poolkeeper.dev/service-name': 'other' } }));
    await until((report) => report?.pools[0]?.service === 'other' && report.suspensions === undefined);
  });
});
