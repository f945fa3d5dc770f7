import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonProcess, prepareDaemon } from '../support/daemon-process.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { startNodeListeners } from '../support/node-listeners.ts';
import { createNode } from '../support/nodes.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import type { Stack } from '../support/stack.ts';
import { measureFloor } from './floor.ts';
import { measureNoOp } from './no-op.ts';
import { AS_DEPLOYED, clear, createNamespaces, lastDone, machine, measureKubectl, onServers, type Releasers, residentMiB } from './rig.ts';
import { round, spread } from './statistics.ts';
import { hostOf, type Manifest, specFile, tagOf, workload } from './workload.ts';

const SERVICES = 300;
const COMMITS = 25;
const NAMESPACES = ['bench', 'bench-floor', 'bench-kubectl'];

/** The spine from a commit to Traefik, on real servers; times in milliseconds, sizes in MiB. */
export const benchSpine = (): Promise<unknown> => onServers({ traefik: { refresh: { kind: 'watch' } } }, measure);

async function measure(stack: Stack, releasers: Releasers): Promise<unknown> {
  await createNamespaces(stack, NAMESPACES);
  for (const node of SHARED_NODES) await createNode(stack.connection(), node, {});
  const listeners = await startNodeListeners({ stack: stack.connection(), nodes: SHARED_NODES });
  releasers.push(() => listeners.stop());
  const floorMs = await measureFloor(stack, appsIn('bench-floor').flat(), 16);
  const kubectlMs = await measureKubectl(stack, appsIn('bench-kubectl').flat());
  await clear(stack, ['bench-floor', 'bench-kubectl']);
  const git = await startGitServer();
  releasers.push(() => git.stop());
  await git.commit({ 'README.md': 'benchmark' }, 'begin');
  const daemon = await prepareDaemon({
    stack,
    cluster: 'bench',
    namespace: 'bench',
    git: { url: git.url },
    // As the files of deploy/ set it.
    env: { POOLKEEPER_GIT_INTERVAL: '10m', ...AS_DEPLOYED },
  });
  releasers.push(() => daemon.remove());
  await daemon.start();
  const cold = await measureCold(git, daemon);
  const noOpMs = await measureResyncs(daemon);
  const commits = await measureCommits(stack, git, daemon);
  return {
    machine,
    services: SERVICES,
    nodes: SHARED_NODES.length,
    commitToConsulMs: spread(commits.consul),
    commitToTraefikMs: spread(commits.traefik),
    noOpRun: { daemonMs: noOpMs, ...(await measureNoOp(SERVICES)) },
    coldSync: {
      appliedMs: round(cold.appliedMs),
      registeredMs: round(cold.registeredMs),
      floorMs: round(floorMs),
      ratioToFloor: round(cold.appliedMs / floorMs),
      ...(kubectlMs === undefined ? {} : { kubectlMs: round(kubectlMs), ratioToKubectl: round((cold.appliedMs / kubectlMs) * 10) / 10 }),
    },
    rssMiB: await residentMiB(daemon.process().pid),
  };
}

const appsIn = (namespace: string): readonly (readonly Manifest[])[] =>
  Array.from({ length: SERVICES }, (_, i) => workload(`svc-${i}`, namespace, hostOf(i)));

async function measureCold(git: GitServer, daemon: DaemonProcess): Promise<{ appliedMs: number; registeredMs: number }> {
  const files = Object.fromEntries(appsIn('bench').map((objects, i) => [`svc-${i}.json`, specFile(objects)]));
  await git.commit(files, 'all services');
  const movedAtMs = Date.now();
  await daemon.resync();
  await daemon.waitFor(
    'every service in step',
    ({ specs }) => specs.length === SERVICES && specs.every((s) => s.state === 'in-step'),
    180_000,
  );
  const [applied, registered] = [await lastDone(daemon, 'apply-object'), await lastDone(daemon, 'register-pool')];
  return { appliedMs: applied - movedAtMs, registeredMs: registered - movedAtMs };
}

async function measureResyncs(daemon: DaemonProcess): Promise<unknown> {
  const durations: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { startedAtMs } = await daemon.status();
    await daemon.resync();
    const report = await daemon.waitFor('the run of a resync', (r) => r.startedAtMs > startedAtMs && r.trigger.includes('resync'));
    durations.push(report.durationMs);
  }
  return spread(durations);
}

/** Each commit gives one service another Host; it has arrived when Consul's catalog, and Traefik, show it. */
async function measureCommits(stack: Stack, git: GitServer, daemon: DaemonProcess): Promise<{ consul: number[]; traefik: number[] }> {
  const consul: number[] = [];
  const traefik: number[] = [];
  for (let version = 1; version <= COMMITS; version++) {
    const i = version % SERVICES;
    const host = hostOf(i, version);
    const seen = watchTag(stack.consulUrl, `svc-${i}`, tagOf(host));
    await git.commit({ [`svc-${i}.json`]: specFile(workload(`svc-${i}`, 'bench', host)) }, `version ${version}`);
    const movedAt = performance.now();
    await daemon.resync();
    consul.push((await seen) - movedAt);
    traefik.push((await answered(stack.traefik?.webUrl ?? '', host)) - movedAt);
  }
  return { consul, traefik };
}

/** When the catalog shows the tag on every instance, by blocking queries. */
async function watchTag(consulUrl: string, service: string, tag: string): Promise<number> {
  let index = '1';
  for (;;) {
    const response = await fetch(`${consulUrl}/v1/catalog/service/${service}?index=${index}&wait=60s`);
    const instances = (await response.json()) as { readonly ServiceTags: readonly string[] }[];
    if (instances.length > 0 && instances.every((instance) => instance.ServiceTags.includes(tag))) return performance.now();
    index = response.headers.get('x-consul-index') ?? '1';
  }
}

async function answered(url: string, host: string): Promise<number> {
  for (;;) {
    const status = await new Promise<number>((resolve) => {
      const outgoing = request(url, { headers: { host } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      outgoing.on('error', () => resolve(0));
      outgoing.end();
    });
    if (status === 200) return performance.now();
    await delay(10);
  }
}
