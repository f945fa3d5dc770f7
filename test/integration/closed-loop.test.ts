import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { askHost } from '../support/ask-host.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { runCli } from '../support/run-cli.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'closed-loop';
const APP = `web-${NAME}`;
const NEXT = `next-${NAME}`;
const LET_GO_MS = 3_000;
// Below 30086, where Kubernetes takes none by itself while there are others.
const [FIRST_PORT, SECOND_PORT, THIRD_PORT] = [30_074, 30_075, 30_076];

/** A Traefik that never looks at Consul again: what it serves is what stood there when it was started. */
const FROZEN = { kind: 'poll', intervalMs: 3_600_000 } as const;

describe('Traefik, watched by its API', () => {
  const stack = inject('stack');
  let site: Site;
  let listeners: NodeListeners;
  let second: TraefikServer;
  let frozen: TraefikServer;

  beforeAll(async () => {
    listeners = await startNodeListeners({ stack, nodes: SHARED_NODES });
    [second, frozen] = await Promise.all([
      startTraefik({ consulUrl: stack.consulUrl, refresh: { kind: 'poll', intervalMs: 500 } }),
      startTraefik({ consulUrl: stack.consulUrl, refresh: FROZEN }),
    ]);
    const urls = { first: stack.traefik?.apiUrl ?? '', second: second.apiUrl, frozen: frozen.apiUrl };
    const env = {
      POOLKEEPER_TRAEFIK_API: `[${Object.entries(urls)
        .map(([name, url]) => `{name: ${name}, url: "${url}"}`)
        .join(', ')}]`,
      POOLKEEPER_TRAEFIK_LET_GO: `${LET_GO_MS}ms`,
      POOLKEEPER_DRAIN_MAX_WAIT: '5s',
    };
    site = await prepareSite({ stack, name: NAME, files: { 'web.yaml': appManifest(APP, { nodePort: FIRST_PORT }) }, env });
    await site.daemon.start();
    await waitUntil('the app in Consul', async () => ((await instancesOf(stack, APP)).length === 3 ? true : undefined));
    await frozen.restart();
    await site.daemon.waitFor('all three serve the app', (report) => states(report, APP).every((state) => state === 'in-step'));
  });

  afterAll(async () => {
    await second?.resume();
    await site?.remove();
    await Promise.all([second?.stop(), frozen?.stop(), listeners?.stop()]);
  });

  const poolOf = (report: RunReport, app: string): RunReport['pools'][number] | undefined =>
    report.pools.find(({ pool }) => pool === `${NAME}/${app}`);
  const states = (report: RunReport, app: string): readonly string[] => {
    const found = (poolOf(report, app)?.replicas ?? []).map(({ state }) => state);
    return found.length === 0 ? ['not watched'] : found;
  };
  const isOpen = (port: number): boolean => listeners.open().includes(`n1:${port}`);
  const commit = async (files: Readonly<Record<string, string>>, message: string, remove: readonly string[] = []): Promise<void> => {
    await site.git.commit(files, message, { remove });
    await site.daemon.resync();
  };

  it('tells what serves, and is in step only when every replica is', async () => {
    const report = await site.daemon.status();
    expect(report.specs).toMatchObject([{ state: 'in-step', legs: { traefik: 'in-step' } }]);
    expect(poolOf(report, APP)).toMatchObject({ registered: 3, serving: 3 });
    expect(report.sources.filter(({ source }) => source.startsWith('traefik:')).map(({ source, kind }) => `${source} ${kind}`)).toEqual([
      'traefik:first complete',
      'traefik:second complete',
      'traefik:frozen complete',
    ]);
    const metrics = await site.daemon.metrics();
    expect(metrics).toContain(`poolkeeper_pool_backends{namespace="${NAME}",service="${APP}",state="serving"} 3`);
    expect(metrics).toMatch(/poolkeeper_last_success_timestamp_seconds\{leg="traefik"\} \d/);
    const status = await runCli(site.daemon, 'status', '--url', site.daemon.url);
    expect(status.stdout).toMatch(/SERVING/);
  });

  it('names a replica that does not follow Consul, and keeps its NodePort open for as long', async () => {
    await commit({ 'web.yaml': appManifest(APP, { nodePort: SECOND_PORT }) }, 'another NodePort');
    const late = await site.daemon.waitFor('the frozen replica by name', ({ problems }) =>
      problems.some(({ code }) => code === 'TRAEFIK_FROZEN'),
    );
    const behind = late.problems.filter(({ code }) => code === 'TRAEFIK_FROZEN').map(({ message }) => message);
    expect(behind).toEqual([
      expect.stringMatching(
        /^Traefik replica frozen serves what it did before Consul changed: .*3 backends are missing.*first, second have followed$/,
      ),
    ]);
    expect((late.gateways ?? []).map(({ replica, state }) => `${replica} ${state}`)).toEqual([
      'first in-step',
      'second in-step',
      'frozen frozen',
    ]);
    expect(states(late, APP)).toEqual(['in-step', 'in-step', 'behind']);
    // By time the old NodePort would have closed after the time to let go and a second: it serves the frozen replica still.
    await new Promise((resolve) => setTimeout(resolve, LET_GO_MS + 2_000));
    expect([isOpen(FIRST_PORT), isOpen(SECOND_PORT)]).toEqual([true, true]);
    expect((await askHost(frozen.webUrl, `${APP}.example.com`)).status).toBe(200);
    expect(await site.daemon.metrics()).toContain('poolkeeper_replica_pools{replica="frozen",state="behind"} 1');

    await frozen.restart();
    await waitUntil('the old NodePort closed', () => (isOpen(FIRST_PORT) ? undefined : true));
    const mended = await site.daemon.waitFor('all in step', (report) => states(report, APP).every((state) => state === 'in-step'));
    expect(mended.problems).toEqual([]);
    for (const { webUrl } of [second, frozen]) expect((await askHost(webUrl, `${APP}.example.com`)).status).toBe(200);
  });

  it('names a replica that does not answer, goes on without it, and drains by time', async () => {
    await second.pause();
    await commit({ 'web.yaml': appManifest(APP, { nodePort: THIRD_PORT }) }, 'a third NodePort');
    const silent = await site.daemon.waitFor('the silent replica by name', ({ sources }) =>
      sources.some(({ source, kind }) => source === 'traefik:second' && kind === 'stale'),
    );
    const reason = silent.sources.find(({ source }) => source === 'traefik:second')?.reason;
    expect(reason).toMatchObject({ code: 'TRAEFIK_UNREACHABLE', message: 'Traefik replica second does not answer: no answer in time' });
    await waitUntil('the third NodePort', () => (isOpen(THIRD_PORT) ? true : undefined));
    const lost = await site.daemon.waitFor('the alarm', ({ problems }) => problems.some(({ code }) => code === 'TRAEFIK_LOST'));
    expect((lost.gateways ?? []).find(({ replica }) => replica === 'second')).toMatchObject({ state: 'unreachable' });
    expect(await site.daemon.metrics()).toContain('poolkeeper_traefik_replica_state{replica="second",state="unreachable"} 1');
    await waitUntil('the first replica serves it', async () => {
      const pool = poolOf(await site.daemon.status(), APP);
      return pool?.replicas?.[0]?.state === 'in-step' && pool.registered === 3 ? true : undefined;
    });
    expect(isOpen(SECOND_PORT)).toBe(true);
    // The replica that never looks again lets go when it is started anew.
    await frozen.restart();
    await waitUntil('the second NodePort closed', () => (isOpen(SECOND_PORT) ? undefined : true));
    await second.resume();
    const back = await site.daemon.waitFor('all three in step again', (report) =>
      states(report, APP).every((state) => state === 'in-step'),
    );
    expect(back.sources.every(({ kind }) => kind === 'complete')).toBe(true);
  });

  it('measures a commit until every replica serves it', async () => {
    const sumOf = async (stage: string): Promise<number> => {
      const lines = (await site.daemon.metrics())
        .split('\n')
        .filter((one) => one.startsWith('poolkeeper_sync_latency_seconds_sum') && one.includes(`stage="${stage}"`));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    };
    const [total, traefik] = [await sumOf('total'), await sumOf('traefik')];
    const committedAtMs = Date.now();
    await site.git.commit({ 'next.yaml': appManifest(NEXT) }, 'one more app');
    await waitUntil('the app in Consul', async () => ((await instancesOf(stack, NEXT)).length === 3 ? true : undefined));
    await frozen.restart();
    const urls = [stack.traefik?.webUrl ?? '', second.webUrl, frozen.webUrl];
    const served = await Promise.all(
      urls.map((url) =>
        waitUntil(`${NEXT} by ${url}`, async () => ((await askHost(url, `${NEXT}.example.com`)).status === 200 ? Date.now() : undefined)),
      ),
    );
    await site.daemon.waitFor('rest', ({ specs }) => specs.length === 2 && specs.every(({ state }) => state === 'in-step'));
    const [last, seconds, inTraefik] = [Math.max(...served), (await sumOf('total')) - total, (await sumOf('traefik')) - traefik];
    expect(inTraefik).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(inTraefik);
    // It begins at the last look that still saw the old head, and ends when the last replica has been seen to serve: never before one does.
    expect(seconds).toBeGreaterThan((last - committedAtMs) / 1000 - 1);
  });

  it('deletes in Kubernetes only when every replica has let go', async () => {
    const port = poolOf(await site.daemon.status(), NEXT)?.nodePort ?? 0;
    await commit({}, 'one app less', ['next.yaml']);
    const waiting = await site.daemon.waitFor('the wait', ({ specs }) =>
      specs.some(({ waiting: waits }) => waits.some(({ what }) => what.includes('Traefik replica frozen still has'))),
    );
    expect(waiting.specs.find(({ id }) => id === 'next.yaml')).toMatchObject({ state: 'leaving' });
    expect(await instancesOf(stack, NEXT)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, LET_GO_MS + 2_000));
    expect(isOpen(port)).toBe(true);
    await frozen.restart();
    await waitUntil('the NodePort closed', () => (isOpen(port) ? undefined : true));
    await site.daemon.waitFor('rest', ({ specs }) => specs.length === 1 && specs.every(({ state }) => state === 'in-step'));
  });
});
