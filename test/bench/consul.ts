import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonProcess, prepareDaemon } from '../support/daemon-process.ts';
import { createNode, type TestNode } from '../support/nodes.ts';
import { catalogNodes, prepareSite, type Site } from '../support/site.ts';
import type { Stack } from '../support/stack.ts';
import { clearCatalog, measureRegistrations, measureTransactions, readCatalog } from './catalog-floor.ts';
import { countWrites, raftIndex, watchIndex, whenRegistered } from './catalog-watch.ts';
import { measureApiServerAway, measureNodes, measureServiceAdded, measureTagChanges } from './consul-changes.ts';
import { AS_DEPLOYED, cpuSeconds, machine, onServers, poll, type Releasers, residentMiB } from './rig.ts';
import { round } from './statistics.ts';
import { hostOf, specFile, workload } from './workload.ts';

/** How much is measured. */
export interface ConsulSizes {
  readonly services: number;
  readonly nodes: number;
  readonly restSeconds: number;
  /** Commits of each kind. */
  readonly trials: number;
}

const NAME = 'pools';
/** As in production, where the tests have shorter ones. */
const ENV = {
  POOLKEEPER_GIT_INTERVAL: '10m',
  POOLKEEPER_POOL_GRACE: '10s',
  POOLKEEPER_TRAEFIK_LET_GO: '20s',
  POOLKEEPER_DRAIN_SECONDS: '10',
  ...AS_DEPLOYED,
};

/**
 * The Consul leg with many pools on many nodes: cold, at rest, one change of each kind, restart; beside it the same instances by
 * bare transactions, and by one request each. `sizes` are services, nodes, seconds of rest and commits. Times in milliseconds.
 */
export function benchConsul([services = 500, nodes = 20, restSeconds = 60, trials = 10]: readonly number[] = []): Promise<unknown> {
  return onServers({}, (stack, releasers) => measure({ services, nodes, restSeconds, trials }, stack, releasers));
}

async function measure(sizes: ConsulSizes, stack: Stack, releasers: Releasers): Promise<unknown> {
  const names: readonly TestNode[] = Array.from({ length: sizes.nodes }, (_, i) => ({ name: `n${i + 1}`, address: `127.0.1.${i + 1}` }));
  for (const node of names) await createNode(stack.connection(), node, {});
  const idleConsul = await measureIdleConsul(stack, sizes);
  const files = Object.fromEntries(Array.from({ length: sizes.services }, (_, i) => [`svc-${i}.json`, specOf(i)]));
  const site = await prepareSite({ stack: stack.connection(), name: NAME, files, env: ENV });
  releasers.push(() => site.remove());
  const direct = await prepareDaemon({
    stack,
    cluster: NAME,
    owner: NAME,
    keyPath: NAME,
    namespace: NAME,
    git: { url: site.git.url },
    env: ENV,
  });
  releasers.push(() => direct.remove());
  const rollOut = await measureRollOut(sizes, stack, direct);
  const floor = await measureFloors(stack);
  const cold = await measureCold(sizes, stack, direct);
  const restart = await measureRestart(stack, site);
  const rest = await measureRest(sizes, site);
  const changes = {
    tagChange: await measureTagChanges(sizes, site),
    serviceAdded: await measureServiceAdded(sizes, site),
    node: await measureNodes(sizes, site),
    apiServerAway: await measureApiServerAway(sizes, site, stack.server('kube-apiserver')),
  };
  const memory = { rssMiB: await residentMiB(site.daemon.process().pid) };
  return {
    machine,
    ...sizes,
    instances: sizes.services * sizes.nodes,
    rollOut,
    floor,
    cold: {
      ...cold,
      ratioToFloor: hundredths(cold.fromRunMs / floor.transactionsMs),
      timesFasterThanNaive: hundredths(floor.registerMs / cold.fromRunMs),
    },
    restart,
    rest: { idleConsulRaftEntries: idleConsul, ...rest },
    ...changes,
    atEnd: memory,
  };
}

const specOf = (i: number): string => specFile(workload(`svc-${i}`, NAME, hostOf(i)));
const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** Raft entries that a Consul without clients writes in the time of rest. */
async function measureIdleConsul(stack: Stack, { restSeconds }: ConsulSizes): Promise<number> {
  const before = await raftIndex(stack);
  await delay(restSeconds * 1000);
  return (await raftIndex(stack)) - before;
}

/** Everything at once into an empty cluster, from the start of the program until the last pool is registered: pods included. */
async function measureRollOut({ services }: ConsulSizes, stack: Stack, daemon: DaemonProcess): Promise<object> {
  const startedAt = performance.now();
  await daemon.launch();
  await whenRegistered(stack, NAME, services);
  const ms = performance.now() - startedAt;
  await inStep(daemon, services);
  const memory = await memoryOf(daemon);
  await daemon.stop();
  return { from: 'start of the program', ms: round(ms), ...memory };
}

/** Every spec in step; asked rarely, for the answer is long. */
const inStep = (daemon: DaemonProcess, services: number): Promise<void> =>
  poll(async () => {
    const { specs } = await daemon.status();
    return specs.length === services && specs.every(({ state }) => state === 'in-step');
  }, 1_000);

async function memoryOf(daemon: DaemonProcess): Promise<object> {
  return { rssMiB: await residentMiB(daemon.process().pid), peakRssMiB: await residentMiB(daemon.process().pid, 'VmHWM') };
}

/** The same nodes and instances by transactions, and one by one, each into an empty catalog; leaves it empty. */
async function measureFloors(
  stack: Stack,
): Promise<{ readonly transactionsMs: number; readonly registerMs: number; readonly registerFourAtOnceMs: number }> {
  const content = await readCatalog(stack, NAME);
  await clearCatalog(stack, NAME);
  const transactionsMs = await measureTransactions(stack, content);
  await clearCatalog(stack, NAME);
  const registerMs = await measureRegistrations(stack, content, 1);
  await clearCatalog(stack, NAME);
  const registerFourAtOnceMs = await measureRegistrations(stack, content, 4);
  await clearCatalog(stack, NAME);
  return { transactionsMs: round(transactionsMs), registerMs: round(registerMs), registerFourAtOnceMs: round(registerFourAtOnceMs) };
}

/** A Consul that has lost everything, under pools that serve: until every instance stands in the catalog again. */
async function measureCold(
  { services }: ConsulSizes,
  stack: Stack,
  daemon: DaemonProcess,
): Promise<{ readonly fromRunMs: number; readonly [figure: string]: unknown }> {
  const linesBefore = (await daemon.logs()).length;
  const raftBefore = await raftIndex(stack);
  const watch = watchIndex(stack);
  const startedAtMs = Date.now();
  await daemon.launch();
  await whenRegistered(stack, NAME, services);
  await inStep(daemon, services);
  const raftEntries = (await raftIndex(stack)) - raftBefore;
  await watch.stop();
  const { instances } = await readCatalog(stack, NAME);
  const doneAtMs = watch.reached(Math.max(...instances.map(({ ModifyIndex }) => ModifyIndex)));
  const run = await firstRun((await daemon.logs()).slice(linesBefore));
  const memory = await memoryOf(daemon);
  await daemon.stop();
  return {
    from: 'begin of the run that found the catalog empty; fromStartMs: start of the program; to: the last instance in the catalog',
    instances: instances.length,
    fromRunMs: doneAtMs - run.beganAtMs,
    fromStartMs: doneAtMs - startedAtMs,
    runMs: run.durationMs,
    raftEntriesUntilInStep: raftEntries,
    ...memory,
  };
}

/** The run that registered, as the log tells it; its own line is written when it has ended. */
async function firstRun(lines: readonly Record<string, unknown>[]): Promise<{ readonly beganAtMs: number; readonly durationMs: number }> {
  const at = lines.findIndex(({ event, op }) => event === 'action' && op === 'register-pool');
  const run = lines.slice(at).find(({ event }) => event === 'run');
  const durationMs = Number(run?.['durationMs']);
  return { beganAtMs: Date.parse(String(run?.['time'])) - durationMs, durationMs };
}

/** A new process on what stands, behind proxies that count. */
async function measureRestart(stack: Stack, site: Site): Promise<object> {
  const nodesBefore = await catalogNodes(stack, NAME);
  const startedAt = performance.now();
  await site.daemon.launch();
  await site.daemon.waitFor('the leases', ({ leader }) => leader.consul && leader.kubernetes);
  const leadsMs = performance.now() - startedAt;
  await delay(3_000);
  const kubernetes = site.kubernetes.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('/leases'));
  const unchanged = JSON.stringify(await catalogNodes(stack, NAME)) === JSON.stringify(nodesBefore);
  return {
    from: 'start of the program; writes: until 3 s after it leads',
    leadsMs: round(leadsMs),
    consul: countWrites(site.consul.requests),
    kubernetesWrites: kubernetes.length,
    nodesUnchanged: unchanged,
  };
}

/** What the daemon does while nothing changes. */
async function measureRest({ restSeconds }: ConsulSizes, { daemon, consul, stack }: Site): Promise<object> {
  const { pid } = daemon.process();
  const [raftBefore, cpuBefore] = [await raftIndex(stack), await cpuSeconds(pid)];
  consul.forget();
  await delay(restSeconds * 1000);
  const requests = [...consul.requests];
  const reads = requests.filter(({ method, waits }) => method === 'GET' && !waits);
  return {
    seconds: restSeconds,
    raftEntries: (await raftIndex(stack)) - raftBefore,
    writes: countWrites(requests),
    sessionRenewals: requests.filter(({ path }) => path.startsWith('/v1/session/renew')).length,
    reads: reads.length,
    longPolls: requests.filter(({ waits }) => waits).length,
    cpuSeconds: hundredths((await cpuSeconds(pid)) - cpuBefore),
    ...(await memoryOf(daemon)),
  };
}
