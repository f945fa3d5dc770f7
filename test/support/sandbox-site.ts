import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '../../src/config/load-config.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import { type SandboxConsul, startSandboxConsul } from '../../src/sandbox/consul/sandbox-consul.ts';
import { serversOf } from '../../src/sandbox/gateway/routing-table.ts';
import { type SandboxGateway, startSandboxGateway } from '../../src/sandbox/gateway/sandbox-gateway.ts';
import { createDemoRepository } from '../../src/sandbox/git/demo-repository.ts';
import { type SandboxKubernetes, startSandboxKubernetes } from '../../src/sandbox/kubernetes/start-sandbox-kubernetes.ts';
import { startNodeBackends } from '../../src/sandbox/nodes/node-backends.ts';
import { problemText } from '../../src/shared/problem.ts';
import { rawData, startFakeTraefik } from './fake-traefik.ts';
import { makeTempDirectory } from './processes.ts';

/** A daemon in this process with servers in memory, a Traefik whose API it watches among them. */
export interface SandboxSite {
  readonly daemon: Daemon;
  readonly kubernetes: SandboxKubernetes;
  readonly gateway: SandboxGateway;
  readonly consul: SandboxConsul;
  /** Where the repository is, for whoever asks git. */
  readonly repository: string;
  /** The Traefik whose API the daemon watches: it tells the routes of the gateway, unless a test wants otherwise. */
  readonly traefik: SiteTraefik;
  /** The nodes that there are at the start, `worker-1` to `worker-4`, share this beginning of their addresses: `127.2.3`. */
  readonly net: string;
  /** Every report so far, oldest first. */
  readonly reports: readonly RunReport[];
  /** Writes files into the repository (undefined: removes one), commits, and has the daemon look. */
  commit(files: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** The same without having the daemon look; gives the id of the commit. */
  record(files: Readonly<Record<string, string | undefined>>, message: string): Promise<string>;
  /** Starts one more replica of the daemon, which ends with the site. */
  another(): Promise<Daemon>;
  /** The newest commit of the repository, as git tells it. */
  head(): Promise<string>;
  stop(): Promise<void>;
}

/** The Traefik of a site. */
export interface SiteTraefik {
  readonly url: string;
  /** Goes on saying what it says now, whatever comes; the result ends that. */
  freeze(): () => void;
  /** Answers nothing but errors; the result ends that. */
  fail(): () => void;
  /** When it last said what it serves, in ms since the epoch; 0: never. Requests with the header `x-test` do not count. */
  readonly answeredAtMs: () => number;
  /** Number of requests for what it serves, so far. */
  readonly requests: () => number;
}

/** What a test wants otherwise. */
export interface SandboxSiteOptions {
  /** More options of the daemon, as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each line of the log. */
  readonly onLine?: (line: string) => void;
  /** Told of each report; what it throws fails the run. */
  readonly onReport?: (report: RunReport) => void;
}

/** Three nodes that may be backends, and a fourth that is cordoned. */
export async function startSandboxSite(more: SandboxSiteOptions = {}): Promise<SandboxSite> {
  const releasers: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const release of releasers.reverse()) await release();
  };
  try {
    const directory = await makeTempDirectory('sandbox-site');
    releasers.push(() => directory.remove());
    const kubernetes = await startSandboxKubernetes();
    releasers.push(() => kubernetes.stop());
    const net = `127.${randomInt(2, 250)}.${randomInt(1, 250)}`;
    const nodes = [1, 2, 3, 4].map((i) => ({ name: `worker-${i}`, address: `${net}.${i}` }));
    for (const { name, address } of nodes) kubernetes.createNode(name, address, { unschedulable: name === 'worker-4' });
    const kubeconfig = join(directory.path, 'kubeconfig');
    await writeFile(kubeconfig, kubernetes.kubeconfig());
    const consul = await startSandboxConsul();
    releasers.push(() => consul.stop());
    const gateway = await startSandboxGateway({ consulUrl: consul.url, entryPoints: { web: 0, websecure: 0 }, encrypted: ['websecure'] });
    releasers.push(() => gateway.stop());
    const traefik = await startSiteTraefik(gateway);
    releasers.push(() => traefik.stop());
    const backends = await startNodeBackends({
      nodes,
      subscribe: (listener) => {
        const tell = (services: ReturnType<typeof kubernetes.services>): void =>
          listener(services.map(({ namespace, name, ports }) => ({ namespace, name, nodePorts: ports.map((port) => port.nodePort) })));
        tell(kubernetes.services());
        return kubernetes.onServiceChange(tell);
      },
    });
    releasers.push(() => backends.stop());
    const repository = await createDemoRepository(join(directory.path, 'specs'));
    const empty = join(directory.path, 'empty');
    await mkdir(empty);
    const reports: RunReport[] = [];
    const replica = (mirror: string, onReport?: (report: RunReport) => void): Promise<Daemon> => {
      const mirrorDir = { POOLKEEPER_GIT_MIRROR_DIR: join(directory.path, mirror) };
      const env = { PATH: process.env['PATH'], ...more.env };
      const stdout = { write: (line: string) => more.onLine?.(line) };
      return startDaemon(configOf({ ...settings, ...mirrorDir }), { env, stdout, ...(onReport === undefined ? {} : { onReport }) });
    };
    const settings = {
      POOLKEEPER_GIT_URL: repository.path,
      POOLKEEPER_KUBERNETES_KUBECONFIG: kubeconfig,
      POOLKEEPER_CONSUL_ADDRESS: consul.url,
      POOLKEEPER_TRAEFIK_API: `[{name: t1, url: '${traefik.url}'}]`,
      ...more.env,
    };
    const daemon = await replica('mirror', (report) => {
      reports.push(report);
      more.onReport?.(report);
    });
    releasers.push(() => daemon.stop());
    const record = async (files: Readonly<Record<string, string | undefined>>, message: string): Promise<string> => {
      for (const [name, text] of Object.entries(files)) {
        const path = join(repository.path, name);
        await (text === undefined ? rm(path) : writeFile(path, text));
      }
      return repository.commitFolder(empty, message);
    };
    return {
      daemon,
      kubernetes,
      gateway,
      consul,
      repository: repository.path,
      traefik,
      net,
      reports,
      record,
      async another() {
        const other = await replica('other-mirror');
        releasers.push(() => other.stop());
        return other;
      },
      async commit(files) {
        await record(files, 'Change');
        await daemon.resync();
      },
      head: async () => (await promisify(execFile)('git', ['-C', repository.path, 'rev-parse', 'HEAD'])).stdout.trim(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configOf(env: Readonly<Record<string, string>>): Parameters<typeof startDaemon>[0] {
  const timers = {
    POOLKEEPER_GIT_INTERVAL: '1s',
    POOLKEEPER_POOL_GRACE: '0s',
    POOLKEEPER_TRAEFIK_LET_GO: '2s',
    POOLKEEPER_DRAIN_SECONDS: '1',
  };
  const fixed = { POOLKEEPER_CLUSTER: 'site', POOLKEEPER_HTTP_LISTEN: '127.0.0.1:0' };
  const loaded = loadConfig({ env: { ...fixed, ...timers, ...env }, flags: {}, readFile: (path) => readFileSync(path, 'utf8') });
  if (loaded.kind === 'ok') return loaded.config;
  throw new Error(loaded.problems.map(problemText).join('; '));
}

async function startSiteTraefik(gateway: SandboxGateway): Promise<SiteTraefik & { stop(): Promise<void> }> {
  const { url, answerWith, requests, stop } = await startFakeTraefik();
  let answeredAtMs = 0;
  const say = (text: () => string): void =>
    answerWith((request, response) => {
      if (request.headers['x-test'] === undefined) answeredAtMs = Date.now();
      response.writeHead(200, { 'content-type': 'application/json' }).end(text());
    });
  const thaw = (): void => say(() => servedBy(gateway));
  thaw();
  return {
    url,
    stop,
    requests: () => requests(),
    answeredAtMs: () => answeredAtMs,
    freeze() {
      const text = servedBy(gateway);
      say(() => text);
      return thaw;
    },
    fail() {
      answerWith((_request, response) => void response.writeHead(500).end());
      return thaw;
    },
  };
}

/** What the API of a Traefik with the routes of this gateway would say. */
function servedBy(gateway: SandboxGateway): string {
  const bare = (name: string): string => name.replace(/@consulcatalog$/, '');
  const { services, routers } = gateway.routes().http;
  return rawData(
    Object.fromEntries([...services.values()].map((service) => [bare(service.name), serversOf(service).map(({ url }) => url)])),
    Object.fromEntries([...routers.values()].map(({ name, config, status, using }) => [bare(name), { ...config, status, using }])),
  );
}
