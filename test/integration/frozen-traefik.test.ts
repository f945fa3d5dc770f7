import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { askHost } from '../support/ask-host.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { type ForgetfulConsul, startForgetfulConsul } from '../support/forgetful-consul.ts';
import { type NodeListeners, startNodeListeners } from '../support/node-listeners.ts';
import { runCli } from '../support/run-cli.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { consulRequest, instancesOf, prepareSite, type Site } from '../support/site.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'frozen-traefik';
const APP = `web-${NAME}`;
const HOST = `${APP}.example.com`;
// Below 30086, where Kubernetes takes none by itself while there are others.
const [FIRST_PORT, SECOND_PORT, THIRD_PORT] = [30_071, 30_072, 30_073];
/** Traefik takes up changes at most every two seconds: the interval of one that watches. */
const INTERVAL_MS = 2_000;
const TOUCH = /touched so that Traefik looks again, ms \d+/g;

// A Consul of its own: whatever another test writes would wake a Traefik that waits for a change.
describe('a Traefik that watches Consul and misses a change', () => {
  const shared = inject('stack');
  let consul: ConsulServer;
  let forgetful: ForgetfulConsul;
  let well: TraefikServer;
  let deaf: TraefikServer;
  let listeners: NodeListeners;
  let site: Site;

  beforeAll(async () => {
    consul = await startConsul();
    forgetful = await startForgetfulConsul(consul.consulUrl);
    const stack = { ...shared, consulUrl: consul.consulUrl };
    listeners = await startNodeListeners({ stack, nodes: SHARED_NODES });
    [well, deaf] = await Promise.all([
      startTraefik({ consulUrl: consul.consulUrl, refresh: { kind: 'watch' } }),
      startTraefik({ consulUrl: forgetful.url, refresh: { kind: 'watch' } }),
    ]);
    const env = {
      POOLKEEPER_TRAEFIK_API: `[{name: well, url: "${well.apiUrl}"}, {name: deaf, url: "${deaf.apiUrl}"}]`,
      POOLKEEPER_TRAEFIK_REFRESH: 'watch',
      POOLKEEPER_TRAEFIK_PROBE_URL: well.webUrl,
      POOLKEEPER_TRAEFIK_PROBE_INTERVAL: '400ms',
      POOLKEEPER_DRAIN_SECONDS: '1',
    };
    site = await prepareSite({ stack, name: NAME, files: { 'web.yaml': appManifest(APP, { nodePort: FIRST_PORT }) }, env });
    await site.daemon.start();
    await site.daemon.waitFor(
      'both serve the app',
      (report) => stateOf(report, 'well') === 'in-step' && stateOf(report, 'deaf') === 'in-step' && serving(report) === 3,
    );
  });

  afterAll(async () => {
    await site?.remove();
    await Promise.all([well?.stop(), deaf?.stop(), listeners?.stop()]);
    await forgetful?.stop();
    await consul?.stop();
  });

  const gatewayOf = (report: RunReport, replica: string) => (report.gateways ?? []).find((gateway) => gateway.replica === replica);
  const stateOf = (report: RunReport, replica: string) => gatewayOf(report, replica)?.state;
  const serving = (report: RunReport): number | undefined => report.pools[0]?.serving;
  /** How often a check was touched: a touch stays in the check when its pool changes. */
  const touches = (): number => {
    const sent = site.consul.requests.filter(({ path }) => path === '/v1/txn').flatMap(({ body }) => body.match(TOUCH) ?? []);
    return new Set(sent).size;
  };
  const registrations = (): number =>
    site.consul.requests.filter(({ path, body }) => path === '/v1/txn' && body.includes('"Service"')).length;
  const commit = async (nodePort: number): Promise<void> => {
    await site.git.commit({ 'web.yaml': appManifest(APP, { nodePort }) }, `NodePort ${nodePort}`);
    await site.daemon.resync();
  };
  const inConsul = (nodePort: number): Promise<true> =>
    waitUntil(`NodePort ${nodePort} in Consul`, async () => {
      const instances = await instancesOf(site.stack, APP);
      return instances.length === 3 && instances.every(({ ServicePort }) => ServicePort === nodePort) ? true : undefined;
    });
  const wellFollows = (): Promise<RunReport> =>
    site.daemon.waitFor('the other replica follows', (report) => stateOf(report, 'well') === 'in-step');

  it('is named within two intervals, and woken by one touch of a check that nobody takes back', async () => {
    forgetful.behave('forget');
    await commit(SECOND_PORT);
    await inConsul(SECOND_PORT);
    await wellFollows();
    forgetful.behave('pass');
    const named = await site.daemon.waitFor('the frozen replica by name', (report) => stateOf(report, 'deaf') === 'frozen');
    expect(touches()).toBe(0);
    const { sinceMs = 0 } = gatewayOf(named, 'deaf') ?? {};
    expect((named.startedAtMs - sinceMs) / INTERVAL_MS).toBeLessThan(2);
    expect(named.problems.map(({ code }) => code)).toEqual(['TRAEFIK_FROZEN']);
    expect(named.problems[0]?.message).toMatch(
      /^Traefik replica deaf serves what it did before Consul changed: .*3 backends are missing.*; well has followed$/,
    );
    expect(await site.daemon.metrics()).toContain('poolkeeper_traefik_replica_state{replica="deaf",state="frozen"} 1');

    const woken = await site.daemon.waitFor('it follows', (report) => stateOf(report, 'deaf') === 'in-step');
    expect(woken.problems).toEqual([]);
    expect((await askHost(deaf.webUrl, HOST)).status).toBe(200);
    expect(touches()).toBe(1);
    const checks = (await consulRequest(site.stack, 'GET', '/v1/health/state/any')) as readonly { readonly Output: string }[];
    expect(checks.filter(({ Output }) => Output.match(TOUCH) !== null)).toHaveLength(1);

    await site.daemon.resync();
    await site.daemon.resync();
    expect(touches()).toBe(1);
    expect((await site.daemon.status()).specs).toMatchObject([{ state: 'in-step' }]);
  });

  it('stays named while nothing comes through to it, and is not touched again so soon', async () => {
    forgetful.behave('hang');
    await commit(THIRD_PORT);
    await inConsul(THIRD_PORT);
    await wellFollows();
    const named = await site.daemon.waitFor('the frozen replica by name', (report) => stateOf(report, 'deaf') === 'frozen');
    expect(named.specs[0]?.legs.traefik).toBe('failed');
    // The last touch is not five minutes old, and the change touched the check as well.
    expect(touches()).toBe(1);
    forgetful.behave('pass');
    await site.daemon.waitFor('it follows', (report) => stateOf(report, 'deaf') === 'in-step');
    expect((await askHost(deaf.webUrl, HOST)).status).toBe(200);
  });

  it('tells how routes answer through Traefik, in the status and the metrics', async () => {
    const good = await site.daemon.waitFor('the route is tried', ({ pools }) => pools[0]?.probes?.every(({ ok }) => ok) === true);
    expect(good.pools[0]?.probes).toMatchObject([{ host: HOST, path: '/', ok: true, status: 200 }]);
    const series = `poolkeeper_probe_success{namespace="${NAME}",service="${APP}"}`;
    expect(await site.daemon.metrics()).toContain(`${series} 1`);
    expect((await runCli(site.daemon, 'status', '--url', site.daemon.url)).stdout).toMatch(/ 200 in \d+ ms, \d+s ago/);
    const before = registrations();
    await listeners.stop();
    const bad = await site.daemon.waitFor(
      'the route fails',
      ({ specs }) => specs[0]?.problems.some(({ code }) => code === 'TRAEFIK_PROBE_FAILED') === true,
    );
    expect(bad.specs[0]).toMatchObject({ state: 'in-step' });
    expect(bad.specs[0]?.problems[0]?.message).toMatch(
      /^pool frozen-traefik\/web-frozen-traefik: GET .*\.example\.com\/ through Traefik \(router .*\): HTTP 502$/,
    );
    expect(await site.daemon.metrics()).toContain(`${series} 0`);
    expect(registrations()).toBe(before);
  });
});
