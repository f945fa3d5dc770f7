import { identityOf } from '../../src/core/desired/ownership.ts';
import { deploymentsKey, drainingKey, kvFlags, memoryKey } from '../../src/core/model/consul-names.ts';
import type { GroupKind, KvKey, ObjectKey, PoolKey, SpecId } from '../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND, kindOf, nodeName, poolKey, revision, SERVICE_KIND, specId } from '../../src/core/model/ids.ts';
import type { Memory } from '../../src/core/model/memory.ts';
import type { EndpointFacts, NodeFacts } from '../../src/core/model/nodes.ts';
import type { FieldsV1, KubernetesObject, LiveObject, Spec, SpecObject } from '../../src/core/model/objects.ts';
import { keyOfObject } from '../../src/core/model/objects.ts';
import type { Policy } from '../../src/core/model/policy.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import type { CommitFacts, SpecSet } from '../../src/core/model/spec-set.ts';
import type { World } from '../../src/core/model/world.ts';
import type { HiddenText } from '../../src/core/spec/hidden-text.ts';
import type { Problem } from '../../src/shared/problem.ts';
import { problem } from '../../src/shared/problem.ts';

/** The moment at which the worlds of the tests stand still, ms since the epoch. */
export const NOW_MS = 1_790_000_000_000;

export const POLICY: Policy = {
  owner: 'poolkeeper',
  cluster: 'c1',
  keyPath: 'kubernetes',
  nodePrefix: 'k8s-',
  sharedService: false,
  registration: 'both',
  registrationExplicit: false,
  dialect: 'both',
  entryPoints: { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } },
  translation: { strict: false },
  adoptFrom: ['kubectl'],
  allowAdopt: false,
  dryRun: false,
  createNamespaces: false,
  pool: {
    addressTypes: ['InternalIP'],
    addressFamily: 'IPv4',
    nodes: [],
    controlPlane: false,
    graceMs: 10_000,
    openMs: 1_000,
    drainingTaints: ['ToBeDeletedByClusterAutoscaler'],
    drainOnCordon: true,
    minBackends: 1,
    health: 'node',
  },
  drainSeconds: 10,
  letGoMs: 20_000,
  maxWaitMs: 120_000,
  guard: { windowMs: 600_000 },
};

export function complete<T>(value: T): Snapshot<T> {
  return { kind: 'complete', value, readAtMs: NOW_MS, connectedAtMs: NOW_MS - 1000, index: '1' };
}
export function stale<T>(value: T): Snapshot<T> {
  const reason = problem('SNAPSHOT_STALE', 'the watch broke');
  return { kind: 'stale', value, readAtMs: NOW_MS - 60_000, index: '1', reason, sinceMs: NOW_MS - 30_000 };
}
export function unavailable<T>(): Snapshot<T> {
  return { kind: 'unavailable', reason: problem('KUBERNETES_UNAVAILABLE', 'no answer'), sinceMs: NOW_MS };
}

/** A node that has long been Ready, with the address 10.0.0.<number in its name>. */
export function node(name: string, more: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name: nodeName(name),
    ready: true,
    readyChangedAtMs: NOW_MS - 3_600_000,
    createdAtMs: NOW_MS - 7_200_000,
    unschedulable: false,
    deleting: false,
    taints: [],
    labels: {},
    annotations: {},
    addresses: [{ type: 'InternalIP', address: `10.0.0.${name.replace(/\D/g, '') || '1'}` }],
    ...more,
  };
}

export function service(
  name: string,
  more: { annotations?: Record<string, string>; spec?: Record<string, unknown>; namespace?: string } = {},
): KubernetesObject {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: more.namespace ?? 'default',
      annotations: {
        'traefik.enable': 'true',
        tags: 'kubernetes',
        'traefik.frontend.rule': `Host:${name}.example.com`,
        ...more.annotations,
      },
    },
    spec: { type: 'NodePort', selector: { app: name }, ports, ...more.spec },
  };
}

export function deployment(name: string, spec: Record<string, unknown> = { replicas: 2 }): KubernetesObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' }, spec };
}

export function spec(id: string, ...objects: KubernetesObject[]): Spec {
  const wrapped: SpecObject[] = objects.map((object) => ({ key: keyOfObject(object), object, where: { line: 1, column: 1, path: '' } }));
  return { id: specId(id), blobId: `blob-${id}-${JSON.stringify(objects).length}`, objects: wrapped };
}

export function specSet(
  specs: readonly Spec[],
  more: {
    broken?: Record<string, readonly Problem[]>;
    brokenTexts?: ReadonlyMap<SpecId, HiddenText>;
    commits?: readonly CommitFacts[];
    source?: string;
  } = {},
): SpecSet {
  return {
    revision: revision('r2'),
    source: more.source ?? 'repo main /',
    specs: new Map(specs.map((one) => [one.id, one])),
    broken: new Map(Object.entries(more.broken ?? {}).map(([id, problems]) => [specId(id), problems])),
    ...(more.brokenTexts === undefined ? {} : { brokenTexts: more.brokenTexts }),
    notes: [],
    commits: more.commits ?? [],
  };
}

export function commit(id: string, ...allowRemoval: string[]): CommitFacts {
  return { revision: revision(id), author: 'A', committedAtMs: NOW_MS, subject: 's', allowRemoval };
}

/** The FieldsV1 of an apply of this object, with Service ports keyed as the API server does. */
export function fieldsOf(object: KubernetesObject): FieldsV1 {
  const { apiVersion: _v, kind: _k, metadata, ...rest } = object;
  const { name: _n, namespace: _ns, ...meta } = metadata;
  return fields({ ...rest, metadata: meta }) as FieldsV1;
}

function fields(value: unknown): Record<string, unknown> {
  if (Array.isArray(value)) return listFields(value);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [`f:${key}`, fields(child)]));
}

function listFields(list: readonly unknown[]): Record<string, unknown> {
  const keyed = list.every((item) => typeof item === 'object' && item !== null && 'port' in item);
  if (!keyed) return {};
  return Object.fromEntries(
    list.map((item) => {
      const { port, protocol } = item as { port: number; protocol?: string };
      return [`k:${JSON.stringify({ port, protocol: protocol ?? 'TCP' })}`, { '.': {}, ...fields(item) }];
    }),
  );
}

/** What the API server would show after our apply of a marked object. */
export function liveOf(object: KubernetesObject, more: Partial<LiveObject> = {}): LiveObject {
  const key = keyOfObject(object);
  return {
    key,
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    uid: `uid-${key}`,
    resourceVersion: '1',
    labels: object.metadata.labels ?? {},
    annotations: object.metadata.annotations ?? {},
    deleting: false,
    finalizers: [],
    ourFields: fieldsOf(object),
    managers: [],
    spec: (object['spec'] ?? {}) as LiveObject['spec'],
    ...more,
  };
}

/** An object of ours that no spec need contain: marked as applied from `file`. */
export function owned(object: KubernetesObject, file: string): LiveObject {
  const annotations = {
    ...object.metadata.annotations,
    'poolkeeper.dev/id': identityOf(POLICY.owner, keyOfObject(object)),
    'poolkeeper.dev/spec': file,
    'poolkeeper.dev/hash': 'h',
  };
  return liveOf({ ...object, metadata: { ...object.metadata, annotations } });
}

export function endpoints(pool: string, ready = 2, portNames: readonly string[] = ['http']): EndpointFacts {
  return { pool: pool as PoolKey, ready, readyNodes: [], portNames };
}

export const EMPTY_REGISTRY: RegistryState = {
  limits: { operations: 128, bytes: 500_000 },
  nodes: new Map(),
  instances: new Map(),
  checks: new Map(),
  strangers: [],
  foreignServices: new Set(),
  kv: new Map(),
  fresh: false,
};

export interface WorldParts {
  readonly specs?: Snapshot<SpecSet>;
  readonly nodes?: readonly NodeFacts[];
  readonly objects?: readonly LiveObject[];
  readonly endpoints?: readonly EndpointFacts[];
  readonly registry?: Snapshot<RegistryState>;
}

/** A world in which every source has answered completely, unless said otherwise. */
export function world(parts: WorldParts): World {
  const services = new Map<ObjectKey, LiveObject>();
  const others = new Map<GroupKind, Map<ObjectKey, LiveObject>>([[DEPLOYMENT_KIND, new Map()]]);
  for (const object of parts.objects ?? []) {
    const kind = kindOf(object.key);
    const all = kind === SERVICE_KIND ? services : (others.get(kind) ?? new Map<ObjectKey, LiveObject>());
    if (kind !== SERVICE_KIND) others.set(kind, all);
    all.set(object.key, object);
  }
  return {
    specs: parts.specs ?? complete(specSet([])),
    cluster: {
      nodes: complete(parts.nodes ?? [node('n1'), node('n2'), node('n3')]),
      services: complete(services),
      pods: complete(new Map()),
      endpoints: complete(new Map((parts.endpoints ?? []).map((facts) => [facts.pool, facts]))),
      objects: new Map<GroupKind, Snapshot<ReadonlyMap<ObjectKey, LiveObject>>>([...others].map(([kind, all]) => [kind, complete(all)])),
    },
    registry: parts.registry ?? complete(EMPTY_REGISTRY),
  };
}

export const MEMORY: Memory = {
  version: 1,
  source: 'repo main /',
  appliedRevision: 'r1',
  specCount: 9,
  removals: {},
  spent: {},
  kinds: [],
};

export const keys = {
  deployments: (pool: string): KvKey => deploymentsKey(POLICY.keyPath, pool as PoolKey),
  draining: (pool: string): KvKey => drainingKey(POLICY.keyPath, POLICY.cluster, pool as PoolKey),
  memory: memoryKey(POLICY.keyPath, POLICY.cluster),
  flags: kvFlags(POLICY.owner, POLICY.cluster),
  pool: (name: string): PoolKey => poolKey('default', name),
  spec: (id: string): SpecId => specId(id),
};
