import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommitVerdict, SpecHistoryAnswer } from '../../src/core/report/commit-verdict.ts';
import type { Explanation } from '../../src/core/report/explanation.ts';
import type { OverviewAnswer } from '../../src/http/overview.ts';
import { appManifest } from '../support/app-manifest.ts';
import { type SandboxSite, startSandboxSite } from '../support/sandbox-site.ts';
import { waitUntil } from '../support/wait-until.ts';

const BROKEN = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { typ: NodePort }\n';
const apps = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`${name}.yaml`, appManifest(name)]));

/** Tests build on one another: the world of each is what the ones before have left. */
describe('the verdicts of commits', () => {
  let site: SandboxSite;
  beforeAll(async () => {
    // Only who asks looks at Git, so that several commits can come in at once.
    site = await startSandboxSite({ env: { POOLKEEPER_GIT_INTERVAL: '10m', POOLKEEPER_INTERVAL_FULL_COMPARE: '1m' } });
    await waitUntil('the daemon to lead', () => site.reports.at(-1)?.leader.consul || undefined);
  }, 60_000);
  afterAll(async () => {
    await site?.stop();
  });

  const ask = async <T>(path: string): Promise<T> => (await (await fetch(`${site.daemon.url}/api/v1/${path}`)).json()) as T;
  const record = async (files: Readonly<Record<string, string | undefined>>, message = 'Change'): Promise<string> => {
    const revision = await site.record(files, message);
    await site.daemon.resync();
    return revision;
  };
  const verdictOf = async (revision: string): Promise<CommitVerdict | undefined> =>
    (await ask<OverviewAnswer>('overview')).head.revisions.find((one) => one.revision === revision)?.verdict;
  const stateOf = async (revision: string): Promise<string | undefined> => (await verdictOf(revision))?.state;
  const timed = async (): Promise<number> =>
    Number(
      /sync_latency_seconds_count\{stage="total",start="poll"\} (\d+)/.exec(
        await (await fetch(`${site.daemon.url}/metrics`)).text(),
      )?.[1] ?? 0,
    );
  const why = (revision: string): Promise<Explanation> => ask(`why?name=${revision}`);

  it('are given to each of several commits that come in at once', async () => {
    const first = await site.record(apps('a', 'b'), 'Two apps');
    const second = await site.record(apps('c', 'd'), 'Two more');
    const third = await record(
      { ...apps('e'), 'a.yaml': appManifest('a', { tags: 'kubernetes,again' }), 'README.txt': 'x' },
      'Another, and one again',
    );
    await expect.poll(() => stateOf(third)).toBe('in-traffic');
    for (const revision of [first, second, third])
      expect(await verdictOf(revision)).toMatchObject({
        state: 'in-traffic',
        says: expect.stringMatching(/^in traffic after \d+\.\d s(, but for a\.yaml: changed again by \w{10})?$/),
        seconds: expect.any(Number),
      });
    expect(await timed()).toBe(1);
    expect(await why(second.slice(0, 10))).toMatchObject({
      about: `commit ${second.slice(0, 10)}`,
      verdict: 'in-traffic',
      links: [
        { link: 'commit', state: 'ok', says: expect.stringContaining('Two more') },
        { link: 'file', state: 'ok', says: 'c.yaml (added): in step, served by Traefik' },
        { link: 'file', state: 'ok', says: 'd.yaml (added): in step, served by Traefik' },
      ],
    });
    expect((await why(first)).links[1]?.says).toBe(`a.yaml (added): changed again by ${third.slice(0, 10)}`);
  });

  it('tell of a commit that changes no spec that there is nothing to do', async () => {
    const revision = await record({ 'README.txt': 'more' });
    expect(await verdictOf(revision)).toEqual({ state: 'nothing-to-do', says: 'it changed no spec' });
    expect(await why(revision)).toMatchObject({ verdict: 'in-traffic' });
  });

  it('time a commit that only removes when Consul and Traefik have let go, and its metric counts it', async () => {
    const before = await timed();
    const revision = await record({ 'e.yaml': undefined });
    await expect.poll(() => stateOf(revision)).toBe('in-traffic');
    expect(await verdictOf(revision)).toMatchObject({
      says: expect.stringMatching(/^out of traffic after \d+\.\d s$/),
      seconds: expect.any(Number),
    });
    expect(await timed()).toBe(before + 1);
    expect((await why(revision)).links[1]).toMatchObject({ says: 'e.yaml (removed): out of Consul and Traefik' });
  });

  it('say of a commit with one broken spec which it is, do not count it, and name what superseded it', async () => {
    const before = await timed();
    const broken = await record({ 'a.yaml': BROKEN, 'b.yaml': appManifest('b', { tags: 'kubernetes,blue' }) });
    await expect.poll(() => stateOf(broken)).toBe('broken');
    expect((await verdictOf(broken))?.says).toMatch(/^a\.yaml: line 4: .*typ/);
    await expect.poll(async () => (await why(broken)).links.map(({ state }) => state)).toEqual(['ok', 'broken', 'ok']);
    expect(await why(broken)).toMatchObject({ verdict: 'out', cause: { says: expect.stringContaining('typ') } });
    const mended = await record(apps('a'));
    await expect.poll(() => stateOf(mended)).toBe('in-traffic');
    // What it made of b.yaml is in traffic, and what it broke is another's now.
    expect(await verdictOf(broken)).toMatchObject({ state: 'in-traffic' });
    expect(await timed()).toBe(before + 1);
    const again = await record({ 'a.yaml': BROKEN });
    const other = await record(apps('a'));
    await expect.poll(() => stateOf(other)).toBe('in-traffic');
    expect(await verdictOf(again)).toEqual({ state: 'superseded', says: `a.yaml: changed again by ${other.slice(0, 10)}`, by: other });
    expect(await why(again)).toMatchObject({
      verdict: 'out',
      says: `commit ${again.slice(0, 10)} was superseded: a.yaml: changed again by ${other.slice(0, 10)}`,
    });
  });

  it('name the hold of a commit, and say that it is in traffic once that is released', async () => {
    const before = await timed();
    const held = await record({ 'a.yaml': undefined, 'b.yaml': undefined, 'c.yaml': undefined });
    await expect.poll(() => stateOf(held)).toBe('held');
    expect(await verdictOf(held)).toMatchObject({ says: expect.stringMatching(/^a\.yaml: held: .*\(and 2 more\)$/) });
    expect((await why(held)).verdict).toBe('out');
    const approving = await record({ 'README.txt': 'go' }, 'Let them go\n\nPoolkeeper-Allow-Removal: 3');
    await expect.poll(() => stateOf(held), { timeout: 30_000 }).toBe('in-traffic');
    expect(await verdictOf(held)).toMatchObject({ seconds: expect.any(Number) });
    expect(await stateOf(approving)).toBe('nothing-to-do');
    expect(await timed()).toBe(before);
  });

  it('stand in the history of a spec, which Git goes on with', async () => {
    const history = await ask<SpecHistoryAnswer>('history?spec=b.yaml');
    expect(history.revisions.map(({ change, subject, verdict }) => [change, subject, verdict?.state])).toEqual([
      ['removed', 'Change', 'in-traffic'],
      ['changed', 'Change', 'in-traffic'],
      ['added', 'Two apps', 'in-traffic'],
    ]);
    expect(history).toMatchObject({
      spec: 'b.yaml',
      more: false,
      revisions: [{ author: 'poolkeeper demo', committedAtMs: expect.any(Number) }, {}, {}],
    });
    expect(await fetch(`${site.daemon.url}/api/v1/history?spec=nobody.yaml`)).toMatchObject({ status: 404 });
    expect(await fetch(`${site.daemon.url}/api/v1/history`)).toMatchObject({ status: 400 });
  });

  it("are the leader's at a standby, which knows where that one really listens", async () => {
    const standby = await site.another();
    const at = async <T>(path: string): Promise<T> => (await (await fetch(`${standby.url}/api/v1/${path}`)).json()) as T;
    await expect.poll(async () => (await at<Partial<OverviewAnswer>>('overview')).head?.leader.url).toBe(site.daemon.url);
    const { revision = '' } = site.reports.at(-1) ?? {};
    expect((await at<OverviewAnswer>('overview')).head.revisions).toEqual([expect.not.objectContaining({ verdict: expect.anything() })]);
    expect((await at<Explanation>(`why?name=${revision}`)).commit).toEqual(await verdictOf(revision));
    expect(await at('history?spec=b.yaml')).toEqual(await ask('history?spec=b.yaml'));
  });

  it('are told of ids that nobody knows, too', async () => {
    expect(await why('0123456789abcdef')).toMatchObject({
      verdict: 'out',
      cause: { code: 'not-found', says: expect.stringMatching(/^none of the last \d+ commits is/) },
    });
  });
});
