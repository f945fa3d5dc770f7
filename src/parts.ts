import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsulClientOptions } from './adapters/consul/create-consul-client.ts';
import { createConsulClient } from './adapters/consul/create-consul-client.ts';
import type { ConsulLease } from './adapters/consul/create-consul-lease.ts';
import { createConsulLease } from './adapters/consul/create-consul-lease.ts';
import type { ConsulRegistry } from './adapters/consul/create-consul-registry.ts';
import { createConsulRegistry } from './adapters/consul/create-consul-registry.ts';
import type { GitSource } from './adapters/git/git-source.ts';
import { createGitSource } from './adapters/git/git-source.ts';
import { readClusterUid } from './adapters/kubernetes/cluster-uid.ts';
import type { KubernetesConnection } from './adapters/kubernetes/connection.ts';
import type { ClusterAdapter } from './adapters/kubernetes/create-cluster.ts';
import { createCluster } from './adapters/kubernetes/create-cluster.ts';
import type { KubeClient } from './adapters/kubernetes/kube-client.ts';
import { createKubeClient } from './adapters/kubernetes/kube-client.ts';
import type { KubernetesLease } from './adapters/kubernetes/kubernetes-lease.ts';
import { createKubernetesLease } from './adapters/kubernetes/kubernetes-lease.ts';
import type { StoppableProbe } from './adapters/network/node-probe.ts';
import { createNodeProbe } from './adapters/network/node-probe.ts';
import type { Config } from './config/config.ts';
import { policyOf } from './config/policy-of.ts';
import type { Policy } from './core/model/policy.ts';
import type { Clock } from './core/model/ports.ts';
import type { SpecFiles, SpecSet } from './core/model/spec-set.ts';
import type { RunReport } from './core/report/run-report.ts';
import { buildSpecSet, newDecodeCache } from './core/spec/build-spec-set.ts';
import type { Outcome } from './run/apply-plan.ts';
import { SpecPoller } from './run/spec-poller.ts';
import { sleep } from './shared/abort.ts';
import { backoffMs } from './shared/backoff.ts';
import { AppError, errorText, isAbort } from './shared/errors.ts';
import { problem } from './shared/problem.ts';

/** What the process gives the daemon; nothing else reads the process. */
export interface DaemonIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  /** Told of each action as it ends. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** Told of each run. */
  readonly onReport?: (report: RunReport) => void;
}

/** Every part of a daemon, made but not started. */
export interface Parts {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly client: KubeClient;
  readonly cluster: ClusterAdapter;
  readonly registry: ConsulRegistry;
  readonly leases: { readonly consul: ConsulLease; readonly kubernetes: KubernetesLease };
  readonly git: GitSource;
  readonly poller: SpecPoller;
  readonly probe: StoppableProbe;
  /** Learns the cluster's UID, without which the Consul lease is not sought; tries until it succeeds. */
  readonly identify: (signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

const systemClock: Clock = { now: () => Date.now(), random: () => Math.random() };

/** Makes the adapters from the configuration. Throws AppError when a file it names cannot be used. */
export async function buildParts(config: Config, io: DaemonIo): Promise<Parts> {
  const clock = systemClock;
  const policy = policyOf(config);
  const connection = connectionOf(config, io);
  const client = createKubeClient({ connection, timeoutMs: config.kubernetes.timeoutMs, allowCommands: config.kubernetes.allowExec });
  const consul = createConsulClient(consulOptions(config));
  let clusterUid: string | undefined;
  const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
  const { owner, cluster } = config;
  const { keyPath, nodePrefix } = config.consul;
  const consulLease = createConsulLease({
    client: consul,
    owner,
    cluster,
    keyPath,
    clock,
    holder: () => (clusterUid === undefined ? undefined : { address: `${identity} ${listenUrl(config)}`, clusterUid }),
  });
  const kubernetesLease = createKubernetesLease({
    client,
    name: `poolkeeper-${owner}`,
    namespace: connection.kind === 'in-cluster' ? (client.namespace ?? config.lease.namespace) : config.lease.namespace,
    identity,
    clock,
    mayHold: () => mayLead(consulLease),
  });
  consulLease.changed(() => kubernetesLease.lookNow());
  const registry = createConsulRegistry({ client: consul, owner, cluster, keyPath, nodePrefix, clock, lease: consulLease });
  const clusterAdapter = createCluster({ client, owner, lease: kubernetesLease, clock });
  const mirror = config.git.mirrorDir ?? (await mkdtemp(join(tmpdir(), 'poolkeeper-mirror-')));
  const git = createGitSource(gitOptions(config, mirror, clock, io));
  const probe = createNodeProbe();
  return {
    policy,
    clock,
    client,
    cluster: clusterAdapter,
    registry,
    leases: { consul: consulLease, kubernetes: kubernetesLease },
    git,
    probe,
    poller: new SpecPoller(git, decoderOf(config), clock),
    async identify(signal) {
      clusterUid = await persistently((s) => readClusterUid(client, s), clock, signal);
    },
    async close() {
      await Promise.allSettled([
        clusterAdapter.stop(),
        registry.stop(),
        consulLease.stop(),
        kubernetesLease.stop(),
        git.close(),
        probe.stop(),
      ]);
      consul.close();
      await client.close();
      if (config.git.mirrorDir === undefined) await rm(mirror, { recursive: true, force: true });
    },
  };
}

/** Decodes spec files as the configuration says, each content once. */
function decoderOf({ specs: { defaultNamespace, namespaceFromFolder }, git: { root } }: Config): (files: SpecFiles) => SpecSet {
  const cache = newDecodeCache();
  return (files) => buildSpecSet(files, { defaultNamespace, namespaceFromFolder, root }, cache);
}

/** One logical leader: the Kubernetes lease follows the Consul one, except while nobody can tell who holds that. */
function mayLead(consul: ConsulLease): boolean {
  const state = consul.state();
  return state.held || state.holder === undefined;
}

/** Tries until it succeeds, with growing waits; rejects only on abort. */
async function persistently<T>(work: (signal: AbortSignal) => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(signal);
    } catch (error) {
      if (isAbort(error) || signal.aborted) throw error;
      await sleep(backoffMs(attempt, { baseMs: 250, maxMs: 5_000 }, clock.random), signal);
    }
  }
}

/** How the configuration says to reach the API server. */
export function connectionOf({ kubernetes }: Config, { env }: Pick<DaemonIo, 'env'>): KubernetesConnection {
  if (kubernetes.inCluster) return { kind: 'in-cluster' };
  const inPod = env['KUBERNETES_SERVICE_HOST'] !== undefined && kubernetes.kubeconfig === undefined && env['KUBECONFIG'] === undefined;
  if (inPod) return { kind: 'in-cluster' };
  const path = kubernetes.kubeconfig ?? env['KUBECONFIG'] ?? join(env['HOME'] ?? '/', '.kube', 'config');
  return { kind: 'kubeconfig', path, ...(kubernetes.context === undefined ? {} : { context: kubernetes.context }) };
}

function readConfigured(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `${option}: ${errorText(error)}`), { cause: error });
  }
}

/** How the configuration says to reach Consul. Throws AppError when a file that it names cannot be read. */
export function consulOptions({ consul }: Config): ConsulClientOptions {
  const { caFile, certFile, keyFile, serverName, tokenFile, namespace, partition } = consul;
  return {
    address: consul.address,
    timeoutMs: consul.timeoutMs,
    scope: { namespace, partition },
    ...(tokenFile === undefined ? {} : { tokenFile }),
    tls: {
      ...(caFile === undefined ? {} : { ca: readConfigured('consul.caFile', caFile) }),
      ...(certFile === undefined ? {} : { cert: readConfigured('consul.certFile', certFile) }),
      ...(keyFile === undefined ? {} : { key: readConfigured('consul.keyFile', keyFile) }),
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}

/** How the configuration says to read the repository. */
export function gitOptions(
  { git }: Config,
  mirrorDir: string,
  clock: Clock,
  io: Pick<DaemonIo, 'env'>,
): Parameters<typeof createGitSource>[0] {
  const { username, passwordFile, sslCaFile, sshCommand } = git;
  return {
    url: git.url,
    ref: git.ref,
    root: git.root,
    timeoutMs: git.timeoutMs,
    mirrorDir,
    clock,
    environment: io.env,
    ...(username === undefined ? {} : { username: () => username }),
    ...(passwordFile === undefined ? {} : { password: () => readConfigured('git.passwordFile', passwordFile).trim() }),
    ...(sslCaFile === undefined ? {} : { sslCaFile }),
    ...(sshCommand === undefined ? {} : { sshCommand }),
  };
}

const listenUrl = ({ http }: Config): string =>
  `http://${http.listen.host.includes(':') ? `[${http.listen.host}]` : http.listen.host}:${http.listen.port}`;
