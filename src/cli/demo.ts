import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import type { LatencyStage, RunReport } from '../core/report/run-report.ts';
import { startDaemon } from '../daemon.ts';
import { startSandboxConsul } from '../sandbox/consul/sandbox-consul.ts';
import { startGatewayApi } from '../sandbox/gateway/gateway-api.ts';
import { serversOf } from '../sandbox/gateway/routing-table.ts';
import { startSandboxGateway } from '../sandbox/gateway/sandbox-gateway.ts';
import { createDemoRepository } from '../sandbox/git/demo-repository.ts';
import { startSandboxKubernetes } from '../sandbox/kubernetes/start-sandbox-kubernetes.ts';
import type { BackendNode } from '../sandbox/nodes/node-backends.ts';
import { startNodeBackends } from '../sandbox/nodes/node-backends.ts';
import { sleep } from '../shared/abort.ts';
import { AppError } from '../shared/errors.ts';
import { problem, problemText } from '../shared/problem.ts';
import type { DemoOptions } from './cli-io.ts';
import type { SampleRequest } from './demo-requests.ts';
import { ask, sampleRequests } from './demo-requests.ts';
import { EXIT } from './exit-codes.ts';
import { tellReady } from './tell-ready.ts';
import { ReportTeller } from './tell-report.ts';

/** Three nodes on loopback addresses that a demo running beside this one is unlikely to have. */
function pickNodes(): readonly BackendNode[] {
  const net = `127.${randomInt(2, 250)}.${randomInt(1, 250)}`;
  return [1, 2, 3].map((i) => ({ name: `worker-${i}`, address: `${net}.${i}` }));
}
const ENTRY_POINTS = { web: 0, websecure: 0 };
/** How long the first commit may take to reach the gateway. */
const READY_MS = 30_000;

/** What `demo --once --json` prints. */
export interface DemoSummary {
  readonly revision: string;
  readonly pools: readonly { readonly service: string; readonly backends: number }[];
  readonly requests: { readonly ok: number; readonly failed: number };
  readonly latencySeconds: { readonly kubernetes: number; readonly consul: number; readonly total: number };
}

/** The folder of the examples: beside the sources, and beside the bundle. */
function examplesFolder(): string {
  const found = ['../../specs-example', '../specs-example'].map((path) => join(import.meta.dirname, path)).find(existsSync);
  if (found === undefined) throw new AppError(problem('INTERNAL', 'the folder specs-example is missing from this installation'));
  return found;
}

/** Runs the whole way on servers inside this process. Resolves with the exit code: 0 when every route was answered by a node. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const releasers: (() => Promise<unknown>)[] = [];
  try {
    return await tour(options, releasers);
  } finally {
    for (const release of releasers.reverse()) await release();
  }
}

async function tour({ once, json, env, stdout, stderr, signal }: DemoOptions, releasers: (() => Promise<unknown>)[]): Promise<number> {
  const say = (text: string): void => void (json ? undefined : stdout.write(`${text}\n`));
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-demo-'));
  releasers.push(() => rm(directory, { recursive: true, force: true }));
  say('poolkeeper demo: Kubernetes, Consul, a gateway and three nodes inside this process. Nothing outside is touched.\n');
  const stage = await startServers(directory, (text) => stderr.write(`${text}\n`), releasers);
  const { repository, gateway } = stage;
  const teller = new ReportTeller(say, Date.now);
  const latencies = new Map<LatencyStage, number>();
  let last: RunReport | undefined;
  const daemon = await startDaemon(demoConfig(directory, stage), {
    env,
    stdout: { write: () => true },
    onReport: (report) => {
      last = report;
      for (const { stage: name, seconds } of report.latencies) latencies.set(name, seconds);
      teller.tell(report);
    },
  });
  releasers.push(() => daemon.stop());
  await waitFor('the daemon to look at the empty repository', () => last?.revision !== undefined, signal);
  say(`  ${'started'.padEnd(11)} servers and daemon run`);
  const revision = await repository.commitFolder(examplesFolder(), 'Add the example services');
  say(`  ${'git'.padEnd(11)} commit ${revision.slice(0, 8)} adds ${examplesFolder().split('/').at(-1) ?? ''}/`);
  await daemon.resync();
  const settled = (): boolean =>
    last?.revision === revision && last.specs.length > 0 && last.specs.every((spec) => spec.state === 'in-step');
  await waitFor('every spec to be in step', settled, signal);
  const report = last as unknown as RunReport;
  const wanted = report.pools.reduce((sum, pool) => sum + pool.desired, 0);
  await waitFor('the gateway to serve every pool', () => serverCount(gateway) === wanted, signal);
  const samples = [...gateway.routes().http.routers.values()].flatMap((router) => sampleRequests(router));
  const requests = await askAll(samples, stage, signal);
  const summary: DemoSummary = {
    revision,
    pools: report.pools.map((pool) => ({ service: pool.service, backends: pool.registered })),
    requests,
    latencySeconds: {
      kubernetes: latencies.get('kubernetes') ?? 0,
      consul: latencies.get('consul') ?? 0,
      total: latencies.get('total') ?? 0,
    },
  };
  if (json) stdout.write(`${JSON.stringify(summary)}\n`);
  else tellReady(say, { report, summary, samples, urls: gateway.urls, repository: repository.path, daemon: daemon.url, once });
  if (!once && !signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return requests.ok > 0 && requests.failed === 0 && report.pools.length > 0 ? EXIT.done : EXIT.failed;
}

interface Servers {
  readonly consul: Awaited<ReturnType<typeof startSandboxConsul>>;
  readonly gateway: Awaited<ReturnType<typeof startSandboxGateway>>;
  readonly api: Awaited<ReturnType<typeof startGatewayApi>>;
  readonly repository: Awaited<ReturnType<typeof createDemoRepository>>;
  readonly nodes: ReadonlySet<string>;
}

async function startServers(directory: string, complain: (text: string) => void, releasers: (() => Promise<unknown>)[]): Promise<Servers> {
  const kubernetes = await startSandboxKubernetes();
  releasers.push(() => kubernetes.stop());
  const nodes = pickNodes();
  for (const { name, address } of nodes) kubernetes.createNode(name, address);
  await writeFile(join(directory, 'kubeconfig'), kubernetes.kubeconfig());
  const consul = await startSandboxConsul();
  releasers.push(() => consul.stop());
  const gateway = await startSandboxGateway({ consulUrl: consul.url, entryPoints: ENTRY_POINTS, encrypted: ['websecure'] });
  releasers.push(() => gateway.stop());
  const api = await startGatewayApi(() => gateway.routes());
  releasers.push(() => api.stop());
  const backends = await startNodeBackends({
    nodes,
    subscribe: (listener) => {
      const tell = (services: ReturnType<typeof kubernetes.services>): void =>
        listener(services.map(({ namespace, name, ports }) => ({ namespace, name, nodePorts: ports.map((port) => port.nodePort) })));
      tell(kubernetes.services());
      return kubernetes.onServiceChange(tell);
    },
    onPortRefused: ({ address, port, reason }) => complain(`NodePort ${port} cannot be opened on ${address}: ${reason.message}`),
  });
  releasers.push(() => backends.stop());
  const repository = await createDemoRepository(join(directory, 'specs'));
  return { consul, gateway, api, repository, nodes: new Set(nodes.map((node) => node.name)) };
}

function demoConfig(directory: string, { consul, api, repository }: Servers): Parameters<typeof startDaemon>[0] {
  const loaded = loadConfig({
    env: {},
    flags: {
      cluster: 'demo',
      'git.url': repository.path,
      'git.interval': '1s',
      // Kinds that the servers of the demo do not serve.
      'git.exclude': 'forms/**',
      'git.mirrorDir': join(directory, 'mirror'),
      'kubernetes.kubeconfig': join(directory, 'kubeconfig'),
      'consul.address': consul.url,
      'http.listen': '127.0.0.1:0',
      'pool.grace': '0s',
      'traefik.letGo': '2s',
      'traefik.api': `[{name: edge, url: "${api.url}"}]`,
      'drain.seconds': '1',
    },
    readFile: () => '',
  });
  if (loaded.kind === 'ok') return loaded.config;
  throw new AppError(problem('INTERNAL', loaded.problems.map(problemText).join('; ')));
}

async function waitFor(what: string, done: () => boolean, signal: AbortSignal): Promise<void> {
  const untilMs = Date.now() + READY_MS;
  while (!done()) {
    if (Date.now() > untilMs) throw new AppError(problem('INTERNAL', `the demo waited in vain for ${what}`));
    await sleep(20, signal);
  }
}

const serverCount = (gateway: Servers['gateway']): number =>
  [...gateway.routes().http.services.values()].reduce((sum, service) => sum + serversOf(service).length, 0);

/** Asks for every route as often as there are nodes, and counts what one of the nodes answered. */
async function askAll(
  samples: readonly SampleRequest[],
  { gateway, nodes }: Servers,
  signal: AbortSignal,
): Promise<DemoSummary['requests']> {
  let ok = 0;
  let failed = 0;
  for (const sample of samples) {
    for (let i = 0; i < nodes.size; i++) {
      const answer = await ask(gateway.urls[sample.entryPoint] ?? '', sample, signal);
      if (answer.status === 200 && answer.node !== undefined && nodes.has(answer.node)) ok++;
      else failed++;
    }
  }
  return { ok, failed };
}
