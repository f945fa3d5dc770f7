import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulClient } from '../../src/adapters/consul/consul-client.ts';
import { createConsulClient } from '../../src/adapters/consul/create-consul-client.ts';
import { type ConsulRegistry, createConsulRegistry } from '../../src/adapters/consul/create-consul-registry.ts';
import type { RegistryTimings } from '../../src/adapters/consul/registry-timings.ts';
import type { EnsureNode, RegisterPool } from '../../src/core/model/action.ts';
import { consulNodeId, consulNodeName, instanceId, leaderKey, ownMeta, poolCheckId } from '../../src/core/model/consul-names.ts';
import { nodeName, poolKey } from '../../src/core/model/ids.ts';
import { META } from '../../src/core/model/marks.ts';
import type { Fence, Lease, LeaseState } from '../../src/core/model/ports.ts';
import type { Instance, RegistryState } from '../../src/core/model/registration.ts';
import { type ConsulProxy, startConsulProxy } from './registry-proxy.ts';

/** A Consul that a suite runs on. */
export interface ConsulUnderTest {
  readonly url: string;
  readonly token?: string;
  stop(): Promise<void>;
}

/** Starts the Consul of one test file. */
export type StartConsul = () => Promise<ConsulUnderTest>;

export const systemClock = { now: () => Date.now(), random: () => Math.random() };

/** Everything that a test needs of one owner on one Consul: names of its own, so that tests share a server. */
export interface RegistryRig {
  readonly owner: string;
  readonly cluster: string;
  readonly keyPath: string;
  readonly client: ConsulClient;
  readonly proxy: ConsulProxy;
  readonly registry: ConsulRegistry;
  readonly fence: Fence;
  /** What the registry is told of the lease: held with `fence` unless changed. */
  readonly lease: { state: LeaseState };
  /** Bounds everything a test waits for. */
  readonly signal: AbortSignal;
  /** Talks to Consul past our client and the proxy, as a stranger would. */
  stranger(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A node without our marks, or whatever stands under that name already, and a service instance on it. */
  strangerWrites(node: string, service?: object): Promise<void>;
  /** The value of a complete snapshot; fails the test otherwise. */
  state(): RegistryState;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly timings?: Partial<RegistryTimings>;
  /** Deadline of one request, ms. */
  readonly timeoutMs?: number;
  readonly token?: string;
  readonly sharedService?: boolean;
  readonly nodePrefix?: string;
  readonly history?: boolean;
  /** Shares the names of another rig. */
  readonly like?: RegistryRig;
  /** Shares the name of another rig's cluster, under a key path of its own. */
  readonly cluster?: string;
  /** What the leader key says of the Kubernetes cluster; default the same for all. */
  readonly clusterUid?: string;
}

let rigs = 0;

/** A registry with a lease that is really held in Consul. */
export async function startRig(consul: ConsulUnderTest, options: RigOptions = {}): Promise<RegistryRig> {
  rigs += 1;
  const own = { owner: 'test', cluster: options.cluster ?? `c${process.pid}-${rigs}`, keyPath: `kubernetes-${process.pid}-${rigs}` };
  const { owner, cluster, keyPath } = options.like ?? own;
  const signal = AbortSignal.timeout(30_000);
  const stranger = strangerOf(consul);
  const proxy = await startConsulProxy(consul.url);
  const token = options.token ?? consul.token;
  const client = createConsulClient({
    address: proxy.url,
    timeoutMs: options.timeoutMs ?? 5_000,
    ...(token === undefined ? {} : { token }),
  });
  const fence = options.like?.fence ?? (await holdLease(stranger, leaderKey(keyPath, cluster), options.clusterUid));
  const lease: { state: LeaseState } = { state: { held: true, fence, untilMs: Number.POSITIVE_INFINITY } };
  const timings = { refreshGapMs: 20, backoff: { baseMs: 20, maxMs: 100 }, ...options.timings };
  const port: Pick<Lease, 'state' | 'changed'> = { state: () => lease.state, changed: () => () => undefined };
  const { sharedService = false, history = true, nodePrefix = 'k8s-' } = options;
  const registry = createConsulRegistry({
    client,
    owner,
    cluster,
    keyPath,
    nodePrefix,
    sharedService,
    history,
    clock: systemClock,
    lease: port,
    timings,
  });
  return {
    owner,
    cluster,
    keyPath,
    client,
    proxy,
    registry,
    fence,
    lease,
    signal,
    stranger,
    strangerWrites: async (node, service) => {
      const known = (await stranger('GET', `catalog/node-services/${node}`)) as { Node: object | null };
      const create = { Node: { Verb: 'set', Node: { Node: node, Address: '10.9.9.9' } } };
      const put = { Service: { Verb: 'set', Node: node, Service: service } };
      await stranger('PUT', 'txn', [...(known.Node === null ? [create] : []), ...(service === undefined ? [] : [put])]);
    },
    state: () => {
      const snapshot = registry.state();
      if (snapshot.kind !== 'complete')
        throw new Error(`the registry is ${snapshot.kind}: ${snapshot.reason.code}: ${snapshot.reason.message}`);
      return snapshot.value;
    },
    stop: async () => {
      await registry.stop();
      client.close();
      await proxy.stop();
    },
  };
}

const strangerOf =
  ({ url, token }: ConsulUnderTest) =>
  async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token };
    const response = await fetch(`${url}/v1/${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

async function holdLease(stranger: RegistryRig['stranger'], key: Fence['key'], clusterUid = 'uid-1'): Promise<Fence> {
  const created = (await stranger('PUT', 'session/create', { NodeChecks: [], LockDelay: '0s' })) as { ID: string };
  await stranger('PUT', `kv/${key}?acquire=${created.ID}`, { address: 'http://first', clusterUid });
  return { key, session: created.ID };
}

/** The action that brings a Kubernetes node into Consul. */
export function ensureNode(
  { owner, cluster }: Pick<RegistryRig, 'owner' | 'cluster'>,
  node: string,
  indexes = { node: 0, check: 0 },
): EnsureNode {
  const name = nodeName(node);
  const meta = { ...ownMeta(owner, cluster), [META.externalNode]: 'true', [META.node]: node };
  const synthetic = { name: consulNodeName('k8s-', cluster, name), id: consulNodeId('k8s-', cluster, name), address: '10.0.0.1', meta };
  return { kind: 'ensure-node', node: synthetic, status: 'passing', why: 'test', nodeIndex: indexes.node, checkIndex: indexes.check };
}

export interface PoolOptions {
  readonly nodes?: readonly string[];
  readonly tags?: readonly string[];
  readonly port?: number;
  /** Instances registered so far, whose indexes are sent. */
  readonly known?: RegistryState;
  readonly kv?: RegisterPool['kv'];
  readonly checked?: boolean;
  /** Whether every instance has a check for consul-esm. */
  readonly probed?: boolean;
}

/** The action that registers pool `prod/<name>`. */
export function registerPool(rig: Pick<RegistryRig, 'owner' | 'cluster'>, name: string, options: PoolOptions = {}): RegisterPool {
  const { nodes = ['worker-1'], tags = ['traefik.enable=true'], port = 30_080, known, kv = [], checked = false, probed = false } = options;
  const pool = poolKey('prod', name);
  const set = nodes.map((node): RegisterPool['set'][number] => {
    const instance = instanceOf(rig, { name, node, tags, port });
    const before = known?.instances.get(pool)?.find(({ id }) => id === instance.id);
    return { ...instance, modifyIndex: before?.modifyIndex ?? 0 };
  });
  const [first] = set;
  const check = first === undefined || !checked ? [] : [poolCheck(first, name, known)];
  const checks = [...check, ...(probed ? set.map((instance) => probeCheck(instance, name, known)) : [])];
  return { kind: 'register-pool', pool, service: name, set, remove: [], checks, removeChecks: [], kv, changes: [] };
}

function instanceOf(
  { owner, cluster }: Pick<RegistryRig, 'owner' | 'cluster'>,
  pool: { readonly name: string; readonly node: string; readonly tags: readonly string[]; readonly port: number },
): Instance {
  const node = nodeName(pool.node);
  return {
    consulNode: consulNodeName('k8s-', cluster, node),
    node,
    id: instanceId(pool.name, { cluster, namespace: 'prod', name: pool.name, port: 'http', node }),
    service: pool.name,
    address: '10.0.0.1',
    port: pool.port,
    tags: pool.tags,
    meta: { ...ownMeta(owner, cluster), [META.namespace]: 'prod', [META.name]: pool.name, [META.spec]: `prod/${pool.name}.yaml` },
  };
}

function poolCheck(instance: Instance, name: string, known: RegistryState | undefined): RegisterPool['checks'][number] {
  const checkId = poolCheckId(poolKey('prod', name));
  const modifyIndex = known?.checks.get(`${instance.consulNode}/${checkId}`)?.modifyIndex ?? 0;
  const fields = { name: `pool prod/${name}`, status: 'passing' as const, notes: instance.tags.join(), output: '' };
  return { consulNode: instance.consulNode, checkId, instanceId: instance.id, service: name, ...fields, modifyIndex };
}

function probeCheck(instance: Instance, name: string, known: RegistryState | undefined): RegisterPool['checks'][number] {
  const checkId = poolCheckId(poolKey('prod', name), 'esm');
  const modifyIndex = known?.checks.get(`${instance.consulNode}/${checkId}`)?.modifyIndex ?? 0;
  const fields = { name: `TCP prod/${name}`, status: 'passing' as const, notes: '', output: 'not probed yet' };
  const probe = { tcp: `${instance.address}:${instance.port}`, interval: '10s', timeout: '2s' };
  return { consulNode: instance.consulNode, checkId, instanceId: instance.id, service: name, ...fields, probe, modifyIndex };
}

/** Waits until `condition` holds; the error says what did not come true. */
export async function eventually(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(5);
  }
}
