import { expect } from 'vitest';
import { type ClusterAdapter, type ClusterOptions, createCluster } from '../../src/adapters/kubernetes/create-cluster.ts';
import { createKubeClient, type KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { REFLECTOR_TIMINGS } from '../../src/adapters/kubernetes/reflector.ts';
import type { ApplyObject, DeleteObject } from '../../src/core/model/action.ts';
import { type GroupKind, groupKind, kindOf, kvKey, type ObjectKey, objectKey } from '../../src/core/model/ids.ts';
import { MARKS } from '../../src/core/model/marks.ts';
import { type KubernetesObject, keyOfObject, type LiveObject } from '../../src/core/model/objects.ts';
import type { ClusterResult, Lease } from '../../src/core/model/ports.ts';
import { type Snapshot, snapshotValue } from '../../src/core/model/snapshot.ts';
import { type FaultProxy, startFaultProxy } from './cluster-proxy.ts';

/** An API server that a contract suite runs on. */
export interface ApiServer {
  readonly url: string;
  /** Of a user who may do everything. */
  readonly token: string;
  /** A user without any right; absent where the server does not check rights. */
  readonly powerless?: { readonly token: string };
  /** It has nodes, and controllers that make Pods and run them. */
  readonly runsPods?: boolean;
  stop(): Promise<void>;
}

export const CONFIG_MAP: GroupKind = groupKind('', 'ConfigMap');
export const CLOCK = { now: () => Date.now(), random: () => Math.random() };
export const HELD: Lease = {
  state: () => ({ held: true, fence: { key: kvKey(''), session: 'test' }, untilMs: Number.MAX_SAFE_INTEGER }),
  changed: () => () => undefined,
  release: async () => undefined,
};
export const FAST = { ...REFLECTOR_TIMINGS, backoff: { baseMs: 20, maxMs: 200 }, watchMs: 10_000, shortWatchMs: 200 };

/** One test's own corner of a server: an owner, a namespace, a client behind a proxy, a leg. */
export interface Rig {
  readonly owner: string;
  readonly namespace: string;
  readonly proxy: FaultProxy;
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  /** Sends a request past proxy and adapter, as somebody else would. Rejects for everything but 2xx. */
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<Readonly<Record<string, unknown>>>;
  /** Makes a leg and starts it. */
  open(options?: Partial<ClusterOptions>): Promise<ClusterAdapter>;
  close(): Promise<void>;
}

let count = 0;
const TEST_MS = 60_000;

/** Opens a corner of the server for one test. */
export async function openRig(server: ApiServer, token = server.token): Promise<Rig> {
  const name = `rig-${process.pid}-${++count}`;
  const proxy = await startFaultProxy(server.url);
  const explicit = { kind: 'explicit' as const, token, skipTlsVerify: true };
  const client = createKubeClient({ connection: { ...explicit, server: proxy.url } });
  const direct = createKubeClient({ connection: { ...explicit, token: server.token, server: server.url } });
  const signal = AbortSignal.timeout(TEST_MS);
  const legs: ClusterAdapter[] = [];
  const call: Rig['call'] = async (method, path, body, contentType) => {
    const request = {
      method: method as 'GET',
      path,
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    };
    const [plain = '', query = ''] = path.split('?');
    const answer = await direct.send({ ...request, path: plain, query: Object.fromEntries(new URLSearchParams(query)) }, signal);
    if (answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Readonly<Record<string, unknown>>;
  };
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return {
    owner: name,
    namespace: name,
    proxy,
    client,
    signal,
    call,
    open: async (options) => {
      const leg = createCluster({ client, owner: name, lease: HELD, clock: CLOCK, timings: FAST, ...options });
      legs.push(leg);
      await leg.start(signal);
      return leg;
    },
    close: async () => {
      await Promise.all(legs.map((leg) => leg.stop()));
      await Promise.all([client.close(), direct.close(), proxy.close()]);
    },
  };
}

/** A ConfigMap of the rig's namespace with our marks, as a plan would send it. */
export function configMap(rig: Rig, name: string, data: Readonly<Record<string, string>> = { a: '1' }): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: marked(rig, name), data };
}

/** A Deployment without replicas. */
export function deployment(rig: Rig, name: string, spec: Readonly<Record<string, unknown>> = {}): KubernetesObject {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.invalid/main:1' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: marked(rig, name),
    spec: { replicas: 0, selector: { matchLabels: labels }, template, ...spec },
  };
}

/** A Service of type NodePort. */
export function service(rig: Rig, name: string): KubernetesObject {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: marked(rig, name), spec: { type: 'NodePort', ports } };
}

/** The file that objects of the rig are said to come from. */
export const specOf = (name: string): string => `specs/${name}.yaml`;

function marked(rig: Rig, name: string): KubernetesObject['metadata'] {
  return { name, namespace: rig.namespace, labels: { [MARKS.ownerLabel]: rig.owner }, annotations: { [MARKS.spec]: specOf(name) } };
}

/** The same object without our marks: a stranger's. */
export function unmarked(object: KubernetesObject): KubernetesObject {
  const { name, namespace } = object.metadata;
  return { ...object, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/** The path of an object of the kinds that the suites use. */
export function pathOf(object: KubernetesObject): string {
  const base = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`;
  const plural = `${object.kind.toLowerCase()}s`;
  return `${base}/namespaces/${object.metadata.namespace}/${plural}/${object.metadata.name}`;
}

/** An action that creates an object. */
export function create(object: KubernetesObject): ApplyObject {
  return { kind: 'apply-object', key: keyOfObject(object), object, why: 'create', changes: [] };
}

/** An action that applies an object over the one that exists. */
export function change(object: KubernetesObject, live: LiveObject, more: Partial<ApplyObject> = {}): ApplyObject {
  const existing = { uid: live.uid, resourceVersion: live.resourceVersion, pinVersion: false };
  return { kind: 'apply-object', key: live.key, object, why: 'change', existing, changes: [], ...more };
}

/** An action that deletes an object. */
export function remove(live: LiveObject): DeleteObject {
  const { key, apiVersion, uid, resourceVersion } = live;
  return { kind: 'delete-object', key, apiVersion, uid, resourceVersion, why: 'test' };
}

/** The live object of a key in the state of a leg. */
export function live(leg: ClusterAdapter, key: ObjectKey): LiveObject | undefined {
  const snapshot = leg.state().objects.get(kindOf(key));
  return snapshot === undefined ? undefined : snapshotValue(snapshot)?.get(key);
}

/** The live object of a key; fails when there is none. */
export function mustLive(leg: ClusterAdapter, key: ObjectKey): LiveObject {
  const found = live(leg, key);
  if (found === undefined) throw new Error(`${key} is not in the state`);
  return found;
}

/** Claims of the objects, as `prepare` takes them. */
export const claimsOf = (...objects: readonly KubernetesObject[]): ReadonlyMap<ObjectKey, string> =>
  new Map(objects.map((object) => [keyOfObject(object), object.apiVersion]));

/** Prepares a leg for objects, and applies those that are given as new. */
export async function applied(rig: Rig, leg: ClusterAdapter, object: KubernetesObject): Promise<LiveObject> {
  await leg.prepare(new Set(), claimsOf(object), rig.signal);
  expect(await leg.apply(create(object), rig.signal)).toMatchObject({ kind: 'done', changed: true });
  return mustLive(leg, keyOfObject(object));
}

/** The code of a failed result, or of a snapshot's reason. */
export const codeOf = (result: ClusterResult | Snapshot<unknown> | undefined): string | undefined => {
  if (result === undefined) return undefined;
  if ('problem' in result) return result.problem.code;
  return 'reason' in result ? result.reason.code : undefined;
};

/** No claims. */
export const NO_CLAIMS: ReadonlyMap<ObjectKey, string> = new Map();

/** The keys that a leg has reported since the call, and whether it reported everything. */
export function recordDirty(leg: ClusterAdapter): { readonly keys: Set<string>; all: number } {
  const record = { keys: new Set<string>(), all: 0 };
  leg.changed((keys) => {
    if (keys === 'all') record.all++;
    else for (const key of keys) record.keys.add(key);
  });
  return record;
}

export const keyIn = (rig: Rig, kind: GroupKind, name: string): ObjectKey => objectKey(kind, rig.namespace, name);
