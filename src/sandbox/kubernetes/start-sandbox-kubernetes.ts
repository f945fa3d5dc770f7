import type { AddressInfo } from 'node:net';
import type { NodePortRange } from './allocate-service.ts';
import { type Fields, type Service, timestamp } from './api-object.ts';
import { Controllers } from './controllers.ts';
import type { FaultRule, RequestRecord } from './faults.ts';
import { HttpApi } from './http-api.ts';
import { ObjectApi, type Target } from './object-api.ts';
import { ObjectStore } from './object-store.ts';
import { isNodeReady } from './pods.ts';
import { resourceType } from './resource-types.ts';
import { WatchHub } from './watch-hub.ts';

export interface SandboxKubernetesOptions {
  /** TCP port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** When set, every request needs this bearer token. */
  readonly token?: string;
  /** Default [30000, 32767]. */
  readonly nodePortRange?: NodePortRange;
  /** From a pod's creation until it is ready. Default 100. */
  readonly podDelayMs?: number;
  /** How late the controllers notice a change. Default 5; Infinity for an API server without controllers. */
  readonly controllerDelayMs?: number;
  /** Between the bookmarks of a watch. Default 1000 (the real server: about 60,000). */
  readonly bookmarkIntervalMs?: number;
}

export interface SandboxNodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly unschedulable?: boolean;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** A Service with its NodePorts and the nodes where a ready endpoint of it runs, for whoever plays kube-proxy. */
export interface SandboxService {
  readonly namespace: string;
  readonly name: string;
  readonly externalTrafficPolicy: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly nodePort: number }[];
  readonly readyNodes: readonly string[];
}

/** A running in-memory Kubernetes API server. */
export interface SandboxKubernetes {
  readonly url: string;
  /** A kubeconfig as JSON, which is YAML. It skips TLS verification: client-node refuses plain HTTP otherwise. */
  kubeconfig(): string;
  /** Creates a Node that is Ready. */
  createNode(name: string, address: string, options?: SandboxNodeOptions): void;
  setNodeReady(name: string, ready: boolean): void;
  deleteNode(name: string): void;
  /** The Services that have NodePorts, as they are now. */
  services(): readonly SandboxService[];
  /** Calls back after changes of Services, EndpointSlices and Nodes, once for all of one turn; returns the function that ends it. */
  onServiceChange(listener: (services: readonly SandboxService[]) => void): () => void;
  /** The requests since the start or the last `clearRequests`, oldest first. Controllers make none. */
  requests(): readonly RequestRecord[];
  /** Those of them that ask for a change: no reads, no dry-runs. */
  writes(): readonly RequestRecord[];
  clearRequests(): void;
  /** Lets the next matching requests fail; returns the function that takes the fault away. */
  inject(rule: FaultRule): () => void;
  /** Forgets the history: watches from and pages of older versions get 410. */
  compactHistory(): void;
  /** Ends the open watches of a kind (plural name), or all. */
  endWatches(resource?: string): void;
  stop(): Promise<void>;
}

const admin = { manager: 'sandbox', dryRun: false };

/** Starts the sandbox with the namespaces `default` and `kube-system` and no nodes. */
export async function startSandboxKubernetes(options: SandboxKubernetesOptions = {}): Promise<SandboxKubernetes> {
  const { port = 0, token, nodePortRange = [30_000, 32_767], podDelayMs = 100, controllerDelayMs = 5, bookmarkIntervalMs = 1000 } = options;
  const store = new ObjectStore();
  const objects = new ObjectApi(store, nodePortRange);
  const watches = new WatchHub(store);
  const controllers = new Controllers(store, objects, { podDelayMs, controllerDelayMs });
  const { server, requests, faults } = new HttpApi({ store, objects, watches, bookmarkIntervalMs, token });
  for (const name of ['default', 'kube-system']) objects.create(targetOf('namespaces', name), { metadata: { name } }, admin);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    kubeconfig: () => kubeconfig(url, token),
    createNode: (name, address, settings) => createNode(objects, { name, address, ...settings }),
    setNodeReady: (name, ready) => setNodeReady(objects, name, ready),
    deleteNode: (name) => void objects.delete(targetOf('nodes', name)),
    services: () => nodePortServices(store),
    onServiceChange: (listener) => tellServices(store, listener),
    requests: () => [...requests],
    writes: () => requests.filter(({ verb, dryRun }) => !['get', 'list', 'watch'].includes(verb) && !dryRun),
    clearRequests: () => void requests.splice(0),
    inject: (rule) => faults.add(rule),
    compactHistory: () => store.compact(),
    endWatches: (resource) => watches.endAll(resource),
    stop: async () => {
      controllers.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function createNode(objects: ObjectApi, node: SandboxNodeOptions & { readonly name: string; readonly address: string }): void {
  const { name, address, labels, annotations, unschedulable, taints } = node;
  const metadata = { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels }, annotations };
  const addresses = [
    { type: 'InternalIP', address },
    { type: 'Hostname', address: name },
  ];
  objects.create(targetOf('nodes', name), { metadata, spec: { unschedulable, taints }, status: { addresses } }, admin);
  setNodeReady(objects, name, true);
}

function setNodeReady(objects: ObjectApi, name: string, ready: boolean): void {
  const at: Target = { ...targetOf('nodes', name), subresource: 'status' };
  const node = objects.get(at);
  if (isNodeReady(node) === ready) return;
  const reason = ready ? 'KubeletReady' : 'KubeletNotReady';
  const condition = { type: 'Ready', status: ready ? 'True' : 'False', reason, lastTransitionTime: timestamp() };
  objects.update(at, { ...node, status: { ...(node['status'] as Fields), conditions: [condition] } }, admin);
}

function tellServices(store: ObjectStore, listener: (services: readonly SandboxService[]) => void): () => void {
  let coming: NodeJS.Immediate | undefined;
  const forget = store.onEvent(({ resource }) => {
    if (!['services', 'endpointslices', 'nodes'].includes(resource)) return;
    clearImmediate(coming);
    coming = setImmediate(() => listener(nodePortServices(store)));
  });
  return () => {
    forget();
    clearImmediate(coming);
  };
}

function nodePortServices(store: ObjectStore): readonly SandboxService[] {
  const slices = Map.groupBy(
    store.list('endpointslices'),
    ({ metadata: { namespace, labels } }) => `${namespace}/${labels?.['kubernetes.io/service-name']}`,
  );
  return (store.list('services') as Service[]).flatMap(({ metadata: { name, namespace = '' }, spec }) => {
    const { externalTrafficPolicy = 'Cluster' } = spec;
    const ports = (spec.ports ?? []).flatMap((port) =>
      port.nodePort === undefined ? [] : [{ name: '', ...port, nodePort: port.nodePort }],
    );
    const ready = (slices.get(`${namespace}/${name}`) ?? [])
      .flatMap((slice) => (slice['endpoints'] ?? []) as { conditions: { ready: boolean }; nodeName: string }[])
      .filter(({ conditions }) => conditions.ready);
    const readyNodes = [...new Set(ready.map(({ nodeName }) => nodeName))];
    return ports.length === 0 ? [] : [{ namespace, name, externalTrafficPolicy, ports, readyNodes }];
  });
}

const targetOf = (resource: string, name: string): Target => ({ type: resourceType(resource), namespace: '', name, subresource: '' });

function kubeconfig(url: string, token = 'sandbox'): string {
  const name = 'sandbox';
  const clusters = [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }];
  const contexts = [{ name, context: { cluster: name, user: name } }];
  const users = [{ name, user: { token } }];
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, users, contexts, 'current-context': name }, null, 2);
}
