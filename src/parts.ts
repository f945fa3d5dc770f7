import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsulClient } from './adapters/consul/consul-client.ts';
import { createConsulClient } from './adapters/consul/create-consul-client.ts';
import type { ConsulLease } from './adapters/consul/create-consul-lease.ts';
import { createConsulLease } from './adapters/consul/create-consul-lease.ts';
import type { ConsulRegistry } from './adapters/consul/create-consul-registry.ts';
import { createConsulRegistry } from './adapters/consul/create-consul-registry.ts';
import { comparesHeads } from './adapters/git/git-settings.ts';
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
import { createNodeDrains } from './adapters/kubernetes/node-drains.ts';
import type { StoppableProbe } from './adapters/network/node-probe.ts';
import { createNodeProbe } from './adapters/network/node-probe.ts';
import type { TraefikGateway } from './adapters/traefik/create-gateway.ts';
import { createGateway } from './adapters/traefik/create-gateway.ts';
import type { StoppableRouteProbe } from './adapters/traefik/create-route-probe.ts';
import { createRouteProbe } from './adapters/traefik/create-route-probe.ts';
import type { Config } from './config/config.ts';
import { policyOf } from './config/policy-of.ts';
import { advertisedUrl, connectionOf, consulOptions, gatewayReplicas, gitOptions, routeProbeOptions } from './connections.ts';
import type { NodeName } from './core/model/ids.ts';
import type { Policy } from './core/model/policy.ts';
import type { Clock } from './core/model/ports.ts';
import { snapshotValue } from './core/model/snapshot.ts';
import type { SpecFiles, SpecSet } from './core/model/spec-set.ts';
import type { LegName, RunReport } from './core/report/run-report.ts';
import { buildSpecSet, newDecodeCache } from './core/spec/build-spec-set.ts';
import type { Outcome } from './run/apply-plan.ts';
import { type DrainWish, drainNode } from './run/drain-node.ts';
import { Engine, type EngineOptions } from './run/engine.ts';
import { LeaseTerm } from './run/lease-term.ts';
import { SpecPoller } from './run/spec-poller.ts';
import { sleep } from './shared/abort.ts';
import { backoffMs } from './shared/backoff.ts';
import { isAbort } from './shared/errors.ts';
import type { Problem } from './shared/problem.ts';

/** What the process gives the daemon; nothing else reads the process. */
export interface DaemonIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  /** Told of each action as it ends. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  /** Told of each run. */
  readonly onReport?: (report: RunReport) => void;
  /** Where specs come from instead of the configured repository. */
  readonly source?: GitSource;
  /** Whether what live objects hold is kept, for people to see what changes. */
  readonly keepContent?: boolean;
}

/** Every part of a daemon, made but not started. */
export interface Parts {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly client: KubeClient;
  readonly cluster: ClusterAdapter;
  readonly registry: ConsulRegistry;
  readonly leases: { readonly consul: ConsulLease; readonly kubernetes: KubernetesLease };
  /** End the term of a lease whose holder has lost the other store. */
  readonly terms: readonly LeaseTerm[];
  readonly git: GitSource;
  /** Whether Git must be told what was in force, or else judges its first head alone. */
  readonly comparesHeads: boolean;
  readonly poller: SpecPoller;
  readonly probe: StoppableProbe;
  /** Undefined: Traefik is not watched. */
  readonly gateway: TraefikGateway | undefined;
  /** Undefined: no route is tried. */
  readonly routeProbe: StoppableRouteProbe | undefined;
  /** The leg that a request to an origin, such as `http://127.0.0.1:8500`, belongs to. */
  readonly origins: ReadonlyMap<string, LegName>;
  /** Marks a node as somebody wishes; tells what kept it from being done. */
  readonly drainNode: (wish: DrainWish, signal: AbortSignal) => Promise<Problem | undefined>;
  /** Tells where this process serves, for the other replicas: a port 0 is any that is free. */
  readonly servesAt: (url: string) => void;
  /** Learns the cluster's UID, without which the Consul lease is not sought; tries until it succeeds. */
  readonly identify: (signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now(), random: () => Math.random() };

/** Makes the adapters from the configuration. Throws AppError when a file it names cannot be used. */
export async function buildParts(config: Config, io: DaemonIo): Promise<Parts> {
  const clock = systemClock;
  const policy = policyOf(config);
  const connection = connectionOf(config, io);
  const client = createKubeClient({ connection, timeoutMs: config.kubernetes.timeoutMs, allowCommands: config.kubernetes.allowExec });
  const consul = createConsulClient(consulOptions(config));
  const leases = buildLeases(config, { client, consul, namespace: leaseNamespace(config, connection, client) });
  const { owner, cluster } = config;
  const { keyPath, nodePrefix } = config.consul;
  const registry = createConsulRegistry({
    client: consul,
    owner,
    cluster,
    keyPath,
    nodePrefix,
    sharedService: config.consul.sharedService,
    history: config.registration !== 'catalog',
    clock,
    lease: leases.consul,
  });
  const clusterAdapter = createCluster({ client, owner, lease: leases.kubernetes, clock, keepContent: io.keepContent === true });
  const mirror = config.git.mirrorDir ?? (await mkdtemp(join(tmpdir(), 'poolkeeper-mirror-')));
  const gitSettings = gitOptions(config, mirror, clock, io);
  const git = io.source ?? createGitSource(gitSettings);
  const probe = createNodeProbe();
  const replicas = gatewayReplicas(config);
  // What a start excuses ends after `traefik.letGo`: a Traefik that keeps starting is excused a tenth of the time at most.
  const timings = { restartMs: 10 * config.traefik.letGoMs };
  const gateway = replicas.length === 0 ? undefined : createGateway({ replicas, clock, timings });
  const probing = routeProbeOptions(config, clock);
  const routeProbe = probing === undefined ? undefined : createRouteProbe(probing);
  return {
    policy,
    clock,
    client,
    cluster: clusterAdapter,
    registry,
    leases,
    terms: leases.terms,
    git,
    comparesHeads: comparesHeads(gitSettings),
    probe,
    gateway,
    routeProbe,
    origins: originsOf({ kubernetes: [client.server], consul: [consul.address], traefik: replicas.map(({ url }) => url) }),
    drainNode: nodeDrainer(config, client, clusterAdapter),
    poller: new SpecPoller(git, decoderOf(config), clock),
    servesAt: leases.servesAt,
    async identify(signal) {
      leases.identified(await persistently((s) => readClusterUid(client, s), clock, signal));
    },
    async close() {
      for (const term of leases.terms) term.stop();
      const ending = [clusterAdapter, registry, leases.consul, leases.kubernetes, probe, gateway, routeProbe].map((part) => part?.stop());
      await Promise.allSettled([...ending, git.close()]);
      consul.close();
      await client.close();
      if (config.git.mirrorDir === undefined) await rm(mirror, { recursive: true, force: true });
    },
  };
}

function originsOf(addresses: Readonly<Record<Exclude<LegName, 'git'>, readonly string[]>>): ReadonlyMap<string, LegName> {
  const legs = Object.entries(addresses) as readonly (readonly [LegName, readonly string[]])[];
  return new Map(legs.flatMap(([leg, urls]) => urls.filter((url) => URL.canParse(url)).map((url) => [new URL(url).origin, leg] as const)));
}

interface Leases {
  readonly consul: ConsulLease;
  readonly kubernetes: KubernetesLease;
  readonly terms: readonly LeaseTerm[];
  readonly servesAt: Parts['servesAt'];
  /** Tells the UID of the cluster, without which the Consul lease is not sought. */
  readonly identified: (clusterUid: string) => void;
}

interface LeaseStores {
  readonly client: KubeClient;
  readonly consul: ConsulClient;
  /** Where the Kubernetes Lease stands. */
  readonly namespace: string;
}

/** The leases of both stores: one logical leader holds them, and gives one up when it has lost the other store. */
function buildLeases(config: Config, { client, consul, namespace }: LeaseStores): Leases {
  const { owner, cluster } = config;
  const clock = systemClock;
  const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
  let uid: string | undefined;
  let port: string | undefined;
  const consulLease = createConsulLease({
    client: consul,
    owner,
    cluster,
    keyPath: config.consul.keyPath,
    clock,
    holder: () => (uid === undefined ? undefined : { address: `${identity} ${advertisedUrl(config, port)}`, clusterUid: uid }),
    headStartMs: () => consulTerm.headStartMs(),
  });
  const kubernetesLease = createKubernetesLease({
    client,
    name: `poolkeeper-${owner}`,
    namespace,
    identity,
    clock,
    mayHold: () => mayLead(consulLease),
    headStartMs: () => kubernetesTerm.headStartMs(),
  });
  const now = (): number => performance.now();
  const consulTerm = new LeaseTerm({ lease: consulLease, other: kubernetesLease, now });
  const kubernetesTerm = new LeaseTerm({ lease: kubernetesLease, other: consulLease, now });
  consulLease.changed(() => kubernetesLease.lookNow());
  return {
    consul: consulLease,
    kubernetes: kubernetesLease,
    terms: [consulTerm, kubernetesTerm],
    servesAt(url) {
      port = new URL(url).port;
    },
    identified(clusterUid) {
      uid = clusterUid;
      consulLease.lookNow();
    },
  };
}

const leaseNamespace = ({ lease }: Config, { kind }: KubernetesConnection, { namespace }: KubeClient): string =>
  kind === 'in-cluster' ? (namespace ?? lease.namespace) : lease.namespace;

function nodeDrainer({ drain }: Config, client: KubeClient, cluster: ClusterAdapter): Parts['drainNode'] {
  const drains = createNodeDrains(client);
  const names = (): readonly NodeName[] => (snapshotValue(cluster.state().nodes) ?? []).map(({ name }) => name);
  return (wish, signal) => drainNode({ drains, allowed: drain.api, names }, wish, signal);
}

/** Decodes spec files as the configuration says, each content once. */
export function decoderOf({ specs: { defaultNamespace, namespaceFromFolder }, git: { root } }: Config): (files: SpecFiles) => SpecSet {
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

/** How long the first run waits for sources and leases that do not answer: long enough for one that leads already to be seen. */
export const SETTLE_MS = 3_000;

/** Gives both leases up, so that another replica takes over at once; a store that does not answer is not waited for. */
export async function releaseLeases({ leases }: Parts): Promise<void> {
  const soon = AbortSignal.timeout(1_000);
  await Promise.allSettled([leases.consul.release(soon), leases.kubernetes.release(soon)]);
}

interface EngineHooks {
  readonly dryRun: boolean;
  readonly check?: true;
  readonly mayBegin?: () => boolean;
  readonly onOutcome?: EngineOptions['onOutcome'];
  readonly tracing?: EngineOptions['tracing'];
}

/** The engine that runs on these parts. */
export function engineOf(
  { cluster, registry, leases, policy, clock, poller, probe, gateway, routeProbe }: Parts,
  { mayBegin, onOutcome, ...how }: EngineHooks,
): Engine {
  const ports = { cluster, registry, leases, mayBegin: mayBegin ?? (() => true) };
  const watched = { ...(gateway === undefined ? {} : { gateway }), ...(routeProbe === undefined ? {} : { routeProbe }) };
  return new Engine({ ports, policy, clock, poller, probe, ...watched, ...how, ...(onOutcome === undefined ? {} : { onOutcome }) });
}
