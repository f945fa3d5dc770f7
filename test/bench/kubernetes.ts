import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonProcess, prepareDaemon } from '../support/daemon-process.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { kubeFetch, kubeRequest, patchTypes } from '../support/kube-client.ts';
import { createNode } from '../support/nodes.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import { proxyKubeconfig } from '../support/site.ts';
import type { Stack } from '../support/stack.ts';
import { measureFloor } from './floor.ts';
import {
  AS_DEPLOYED,
  beginOfRun,
  clear,
  cpuSeconds,
  createNamespaces,
  lastDone,
  machine,
  measureKubectl,
  onServers,
  poll,
  type Releasers,
  residentMiB,
} from './rig.ts';
import { round, spread } from './statistics.ts';
import { application, type Manifest, specFile, workload } from './workload.ts';

const SIZES = [300, 1000];
const COMMITS = 10;
const REST_MS = 60_000;
const STUCK = 500;

/**
 * Deployment + NodePort Service + ConfigMap, many times over: cold, one file changed, drift repaired, restart, rest; and an
 * unrelated service beside stuck rollouts. Times in milliseconds, sizes in MiB.
 */
export const benchKubernetes = (sizes = SIZES): Promise<unknown> => onServers({}, (stack, releasers) => measure(sizes, stack, releasers));

async function measure(counts: readonly number[], stack: Stack, releasers: Releasers): Promise<unknown> {
  for (const node of SHARED_NODES) await createNode(stack.connection(), node, {});
  // The first objects of a kind are slow: the API server learns their schema.
  await createNamespaces(stack, ['warm-up']);
  await measureFloor(stack, appsIn('warm-up', 50).flat(), 16);
  await clear(stack, ['warm-up']);
  const sizes: Record<string, unknown> = {};
  for (const size of counts) sizes[size] = await measureSize(size, stack, releasers);
  return { machine, sizes, stuckRollouts: await measureStuck(stack, releasers) };
}

const appsIn = (namespace: string, size: number, text = 'first'): readonly (readonly Manifest[])[] =>
  Array.from({ length: size }, (_, i) => application(`app-${i}`, namespace, text));

async function measureSize(size: number, stack: Stack, releasers: Releasers): Promise<unknown> {
  const [kubectlIn, own, bare] = [`kubectl-${size}`, `own-${size}`, `bare-${size}`];
  await createNamespaces(stack, [kubectlIn, own, bare]);
  const floors = await measureFloors(size, stack);
  const apps = appsIn(kubectlIn, size).flat();
  const kubectlMs = await measureKubectl(stack, apps);
  const kubectlOneMs = await measureKubectl(stack, [...application('app-0', kubectlIn, 'second'), ...apps.slice(3)]);
  await clear(stack, [kubectlIn]);
  const untried = await measureCold(size, bare, stack, { POOLKEEPER_KUBERNETES_DRY_RUN: 'false' });
  await untried.daemon.remove();
  await untried.git.stop();
  await clear(stack, [bare]);
  const cold = await measureCold(size, own, stack, {});
  releasers.push(
    () => cold.git.stop(),
    () => cold.daemon.remove(),
  );
  const ratios = (ms: number): object => ({
    ms: round(ms),
    ratioToFloor: hundredths(ms / floors.floorMs),
    ...(kubectlMs === undefined ? {} : { ratioToKubectl: hundredths(ms / kubectlMs) }),
  });
  const result = {
    objects: size * 3,
    ...floors,
    kubectlMs: kubectlMs === undefined ? undefined : round(kubectlMs),
    coldApplied: {
      ...ratios(cold.appliedMs),
      ratioToFloorWithDryRuns: hundredths(cold.appliedMs / floors.floorWithDryRunsMs),
      ...cold.cpu,
    },
    coldReady: ratios(cold.readyMs),
    coldAppliedWithoutDryRun: ratios(untried.appliedMs),
    oneChange: {
      kubectlWholeListMs: kubectlOneMs === undefined ? undefined : round(kubectlOneMs),
      ...(await measureChanges(own, stack, cold)),
    },
    driftRepairedMs: spread(await measureDrift(own, stack)),
    rssMiB: await residentMiB(cold.daemon.process().pid),
    restart: await measureRestart(own, stack, cold),
  };
  await clear(stack, [own]);
  return result;
}

/** The same objects by nothing but requests, in milliseconds: alone, and with the dry runs that the program sends before. */
async function measureFloors(
  size: number,
  stack: Stack,
): Promise<{ readonly floorMs: number; readonly floorApiServerCpuSeconds: number; readonly floorWithDryRunsMs: number }> {
  const [bare, tried] = [`floor-${size}`, `tried-${size}`];
  await createNamespaces(stack, [bare, tried]);
  const before = await cpuOfApiServer(stack);
  const floorMs = await measureFloor(stack, appsIn(bare, size).flat(), 16);
  const floorApiServerCpuSeconds = hundredths((await cpuOfApiServer(stack)) - before);
  await clear(stack, [bare]);
  const apps = appsIn(tried, size);
  const others = apps.flatMap(([, ...objects]) => objects);
  const floorWithDryRunsMs = await measureFloor(stack, apps.flat(), 16, others);
  await clear(stack, [tried]);
  return { floorMs: round(floorMs), floorApiServerCpuSeconds, floorWithDryRunsMs: round(floorWithDryRunsMs) };
}

const cpuOfApiServer = (stack: Stack): Promise<number> => cpuSeconds(stack.server('kube-apiserver').pid() ?? 0);

const hundredths = (value: number): number => Math.round(value * 100) / 100;

interface Running {
  readonly daemon: DaemonProcess;
  readonly git: GitServer;
  readonly appliedMs: number;
  readonly readyMs: number;
  /** CPU seconds until everything was seen to be applied. */
  readonly cpu: { readonly daemonCpuSeconds: number; readonly apiServerCpuSeconds: number };
}

async function startDaemon(
  stack: Stack,
  namespace: string,
  env: Readonly<Record<string, string>>,
): Promise<Pick<Running, 'daemon' | 'git'>> {
  const git = await startGitServer();
  await git.commit({ 'README.md': 'benchmark' }, 'begin');
  const daemon = await prepareDaemon({
    stack,
    cluster: namespace,
    owner: namespace,
    namespace,
    keyPath: namespace,
    git: { url: git.url },
    env: { POOLKEEPER_GIT_INTERVAL: '10m', ...AS_DEPLOYED, ...env },
  });
  await daemon.start();
  return { daemon, git };
}

async function measureCold(size: number, namespace: string, stack: Stack, env: Readonly<Record<string, string>>): Promise<Running> {
  const { daemon, git } = await startDaemon(stack, namespace, env);
  await git.commit(Object.fromEntries(appsIn(namespace, size).map((objects, i) => [`app-${i}.json`, specFile(objects)])), 'all');
  const { pid } = daemon.process();
  const before = [await cpuSeconds(pid), await cpuOfApiServer(stack)] as const;
  const movedAtMs = Date.now();
  await daemon.resync();
  const ready = whenReady(stack, namespace, size);
  // Rarely: the answer is long, and the log tells the time.
  await poll(async () => {
    const { specs } = await daemon.status();
    return specs.length === size && specs.every(({ state, actions }) => state === 'waiting' && actions.every((a) => a.result === 'done'));
  }, 1000);
  const cpu = {
    daemonCpuSeconds: hundredths((await cpuSeconds(pid)) - before[0]),
    apiServerCpuSeconds: hundredths((await cpuOfApiServer(stack)) - before[1]),
  };
  return { daemon, git, cpu, appliedMs: (await lastDone(daemon, 'apply-object')) - movedAtMs, readyMs: (await ready) - movedAtMs };
}

/** When the controller has seen every Deployment, in ms since the epoch: they want no pods. */
async function whenReady(stack: Stack, namespace: string, size: number): Promise<number> {
  type List = {
    readonly items: readonly { readonly metadata: { generation: number }; readonly status?: { observedGeneration?: number } }[];
  };
  const seen = async (): Promise<boolean> => {
    const { items } = (await kubeRequest(stack, 'GET', `/apis/apps/v1/namespaces/${namespace}/deployments`)) as List;
    return items.length === size && items.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
  };
  await poll(seen, 500);
  return Date.now();
}

/**
 * One file among many changes its ConfigMap: from the webhook to applied (Git's part included), from the beginning of the run that it
 * woke, and the requests that took.
 */
async function measureChanges(namespace: string, stack: Stack, { daemon, git }: Running): Promise<object> {
  const times: number[] = [];
  const runs: number[] = [];
  const before = await applies(stack);
  for (let i = 0; i < COMMITS; i++) {
    const text = `version ${i}`;
    const head = await git.commit({ [`app-${i}.json`]: specFile(application(`app-${i}`, namespace, text)) }, text);
    const path = `/api/v1/namespaces/${namespace}/configmaps/app-${i}`;
    const wokenAt = performance.now();
    await daemon.hook();
    await poll(async () => textOf(await kubeRequest(stack, 'GET', path)) === text, 3);
    times.push(performance.now() - wokenAt);
    await daemon.waitFor('the end of the run that applied it', ({ revision }) => revision === head);
    const appliedAtMs = await lastDone(daemon, 'apply-object');
    runs.push(appliedAtMs - (await beginOfRun(daemon, appliedAtMs)));
  }
  return { fromWebhookMs: spread(times), fromRunMs: spread(runs), applyRequestsEach: ((await applies(stack)) - before) / COMMITS };
}

/** Someone else writes one field: until it is what Git says again. */
async function measureDrift(namespace: string, stack: Stack): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < COMMITS; i++) {
    const path = `/api/v1/namespaces/${namespace}/configmaps/app-${100 + i}`;
    const patch = { data: { text: 'drifted' } };
    await kubeRequest(stack, 'PATCH', `${path}?fieldManager=kubectl-edit`, patch, patchTypes.merge);
    const driftedAt = performance.now();
    await poll(async () => textOf(await kubeRequest(stack, 'GET', path)) === 'first', 3);
    times.push(performance.now() - driftedAt);
  }
  return times;
}

const textOf = (configMap: unknown): string | undefined => (configMap as { readonly data?: { readonly text?: string } }).data?.text;

/** Server-side applies that the API server has counted so far, dry runs included. */
async function applies(stack: Stack): Promise<number> {
  const text = String(await kubeRequest(stack, 'GET', '/metrics'));
  const lines = text.split('\n').filter((line) => line.startsWith('apiserver_request_total{') && line.includes('verb="APPLY"'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** A new process on what stands, behind a proxy that counts: its writes, and then what it asks at rest. */
async function measureRestart(namespace: string, stack: Stack, { daemon, git }: Running): Promise<unknown> {
  await daemon.stop();
  const proxy = await startRecordingProxy(stack.apiServerUrl);
  const directory = await makeTempDirectory('bench');
  const kubeconfigPath = join(directory.path, 'kubeconfig');
  await writeFile(kubeconfigPath, JSON.stringify(proxyKubeconfig(proxy.url, stack.token)));
  const again = await prepareDaemon({
    stack: { kubeconfigPath, consulUrl: stack.consulUrl },
    cluster: namespace,
    owner: namespace,
    namespace,
    keyPath: namespace,
    git: { url: git.url },
    env: { POOLKEEPER_GIT_INTERVAL: '10m', ...AS_DEPLOYED },
  });
  try {
    const startedAt = performance.now();
    await again.start();
    await again.waitFor('the lease', ({ leader }) => leader.kubernetes);
    const firstRunMs = performance.now() - startedAt;
    const written = proxy.requests.filter(isWrite);
    await delay(2000);
    proxy.forget();
    const { pid } = again.process();
    const cpuBefore = await cpuSeconds(pid);
    await delay(REST_MS);
    return {
      firstRunMs: round(firstRunMs),
      writes: written.filter(({ query }) => !query.has('dryRun')).length,
      dryRuns: written.filter(({ query }) => query.has('dryRun')).length,
      restSeconds: REST_MS / 1000,
      restRequests: proxy.requests.filter((one) => !one.waits && !isLease(one.path)).length,
      restWatches: proxy.requests.filter((one) => one.waits).length,
      restCpuSeconds: hundredths((await cpuSeconds(pid)) - cpuBefore),
      rssMiB: await residentMiB(pid),
    };
  } finally {
    await again.remove();
    await proxy.stop();
    await directory.remove();
  }
}

const isLease = (path: string): boolean => path.includes('/leases/') || path.endsWith('/leases');
const isWrite = ({ method, path }: { readonly method: string; readonly path: string }): boolean => method !== 'GET' && !isLease(path);

/** How long an unrelated new service takes, alone and beside rollouts that never end. */
async function measureStuck(stack: Stack, releasers: Releasers): Promise<unknown> {
  const namespace = 'stuck';
  await createNamespaces(stack, [namespace]);
  const { daemon, git } = await startDaemon(stack, namespace, {});
  releasers.push(
    () => git.stop(),
    () => daemon.remove(),
  );
  const alone = await measureNew('alone', { daemon, git, stack });
  const stuck = Array.from({ length: STUCK }, (_, i) => [`stuck-${i}.json`, specFile(neverReady(`stuck-${i}`, namespace))] as const);
  await git.commit(Object.fromEntries(stuck), 'stuck');
  await daemon.resync();
  await daemon.waitFor('the stuck ones', ({ specs }) => specs.filter(({ state }) => state === 'waiting').length >= STUCK, 300_000);
  const beside = await measureNew('beside', { daemon, git, stack });
  return { stuck: STUCK, aloneMs: spread(alone), besideMs: spread(beside) };
}

async function measureNew(
  prefix: string,
  { daemon, git, stack }: { daemon: DaemonProcess; git: GitServer; stack: Stack },
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < COMMITS; i++) {
    const name = `${prefix}-${i}`;
    const head = await git.commit({ [`${name}.json`]: specFile(application(name, 'stuck', name)) }, name);
    const path = `/api/v1/namespaces/stuck/services/${name}`;
    const wokenAt = performance.now();
    await daemon.hook();
    await poll(async () => (await kubeFetch(stack, { method: 'GET', path })).status === 200, 3);
    times.push(performance.now() - wokenAt);
    // What comes after the service is there, such as its pods and their reports, is no delay of it, nor of the next one.
    await daemon.waitFor('the end of the run that applied it', ({ revision }) => revision === head);
    await delay(1000);
  }
  return times;
}

/** A Deployment whose pods the fake nodes leave alone, so that they never get ready. */
function neverReady(name: string, namespace: string): readonly Manifest[] {
  return workload(name, namespace, `${name}.example.com`).map((object) => {
    if (object.kind !== 'Deployment') return object;
    const spec = object['spec'] as { readonly template: { readonly metadata: object } };
    const metadata = { ...spec.template.metadata, annotations: { 'poolkeeper.test/hold': 'true' } };
    return { ...object, spec: { ...spec, template: { ...spec.template, metadata } } };
  });
}
