import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import type { DaemonProcess } from '../support/daemon-process.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import type { Stack } from '../support/stack.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { poll, type Releasers } from './rig.ts';
import { spread } from './statistics.ts';

const NAME = 'frozen';
const APP = 'web-frozen';
const INTERVAL_MS = 2_000;
const TRIALS = 5;

/**
 * How soon the status names a replica that serves what it did before Consul changed, and one that has stopped altogether (SIGSTOP),
 * beside one that follows: from the first look at Consul that shows the change. In intervals of Traefik, 2 s.
 */
export async function measureFrozen(stack: Stack, releasers: Releasers): Promise<object> {
  const { consulUrl } = stack;
  const start = async (intervalMs: number): Promise<TraefikServer> => {
    const server = await startTraefik({ consulUrl, refresh: { kind: 'poll', intervalMs }, extraArgs: ['--log.level=INFO'] });
    releasers.push(() => server.stop());
    return server;
  };
  const [good, frozen] = [await start(INTERVAL_MS), await start(3_600_000)];
  const env = {
    POOLKEEPER_TRAEFIK_API: `[{name: good, url: "${good.apiUrl}"}, {name: frozen, url: "${frozen.apiUrl}"}]`,
    POOLKEEPER_TRAEFIK_REFRESH: `${INTERVAL_MS}ms`,
    POOLKEEPER_TRAEFIK_LET_GO: '20s',
  };
  const site = await prepareSite({ stack: stack.connection(), name: NAME, files: { 'web.yaml': appManifest(APP) }, env });
  releasers.push(() => site.remove());
  await site.daemon.start();
  const stale: number[] = [];
  const stopped: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    await inStep(site.daemon, frozen);
    stale.push(await untilNamed(site, `stale-${trial}`));
    await inStep(site.daemon, frozen);
    await frozen.pause();
    stopped.push(await untilNamed(site, `stopped-${trial}`));
    await frozen.resume();
  }
  return {
    intervalMs: INTERVAL_MS,
    from: 'the change in Consul',
    staleMs: spread(stale),
    staleIntervals: intervals(stale),
    stoppedMs: spread(stopped),
    stoppedIntervals: intervals(stopped),
  };
}

const intervals = (values: readonly number[]): object => spread(values.map((ms) => ms / INTERVAL_MS));

/** Started anew, the frozen one serves what is there. */
async function inStep(daemon: DaemonProcess, frozen: TraefikServer): Promise<void> {
  await poll(async () => (await daemon.status()).pools.some(({ registered }) => registered > 0), 100);
  await frozen.restart();
  await poll(async () => (await daemon.status()).gateways?.every(({ state }) => state === 'in-step') === true, 100);
  // What the restart has woken comes to rest.
  await delay(500);
}

async function untilNamed({ stack, git, daemon }: Site, tag: string): Promise<number> {
  const rule = `Host:${APP}.example.com,${tag}.example.com`;
  await git.commit({ 'web.yaml': appManifest(APP, { tags: `kubernetes,${tag}`, annotations: { 'traefik.frontend.rule': rule } }) }, tag);
  await daemon.resync();
  await poll(async () => (await instancesOf(stack, APP)).every(({ ServiceTags }) => ServiceTags.includes(tag)), 5);
  const changedAt = performance.now();
  const isNamed = ({ replica, state }: GatewayReport): boolean => replica === NAME && NAMED.has(state);
  await poll(async () => (await daemon.status()).gateways?.some(isNamed) === true, 20);
  return performance.now() - changedAt;
}

const NAMED: ReadonlySet<GatewayReport['state']> = new Set<GatewayReport['state']>(['frozen', 'behind', 'unreachable']);
