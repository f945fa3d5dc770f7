import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesConnection, kubeRequest, patchTypes } from './kube-client.ts';

/** A node of the fake cluster. */
export interface TestNode {
  readonly name: string;
  /** InternalIP; one of 127.0.1.N, so that a helper can listen on it. */
  readonly address: string;
}

/** What else a node may have. */
export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Cordoned. */
  readonly unschedulable?: boolean;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  /** Made NotReady and kept so, see `setNodeReady`. */
  readonly notReady?: boolean;
}

const heldAnnotation = 'poolkeeper.test/status';
const readyTimeoutMs = 20_000;

/** Creates a node with room for every pod, and waits until it is Ready (unless `notReady`). */
export async function createNode(
  connection: KubernetesConnection,
  { name, address }: TestNode,
  options: NodeOptions = {},
): Promise<TestNode> {
  const resources = { cpu: '1000', memory: '1Ti', pods: '100000' };
  const held = options.notReady === true ? { [heldAnnotation]: 'held' } : {};
  await kubeRequest(connection, 'POST', '/api/v1/nodes', {
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...options.labels },
      annotations: { ...held, ...options.annotations },
    },
    spec: { unschedulable: options.unschedulable === true, taints: options.taints ?? [] },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      allocatable: resources,
      capacity: resources,
    },
  });
  if (options.notReady === true) await setNodeReady(connection, name, false);
  else await waitForNode(connection, name, 'True');
  return { name, address };
}

/**
 * Makes a node NotReady and keeps it so (its lease goes on, as with a kubelet whose container runtime is down), or
 * Ready again. Returns when the API server says so.
 */
export async function setNodeReady(connection: KubernetesConnection, name: string, ready: boolean): Promise<void> {
  const path = `/api/v1/nodes/${name}`;
  const annotations = { [heldAnnotation]: ready ? null : 'held' };
  await kubeRequest(connection, 'PATCH', path, { metadata: { annotations } }, patchTypes.merge);
  const now = new Date().toISOString();
  const condition = {
    type: 'Ready',
    status: ready ? 'True' : 'False',
    reason: ready ? 'KubeletReady' : 'KubeletNotReady',
    message: 'set by a test',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const patch = { status: { conditions: [condition] } };
  await kubeRequest(connection, 'PATCH', `${path}/status`, patch, patchTypes.strategic);
  await waitForNode(connection, name, condition.status);
}

async function waitForNode(connection: KubernetesConnection, name: string, wanted: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline) {
    const node = (await kubeRequest(connection, 'GET', `/api/v1/nodes/${name}`)) as NodeShape;
    const ready = node.status.conditions?.find((condition) => condition.type === 'Ready');
    // The taint is lifted a moment after the condition, and no pod is scheduled before.
    const tainted = node.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready') === true;
    if (ready?.status === wanted && !(wanted === 'True' && tainted)) return;
    await sleep(50);
  }
  throw new Error(`node ${name} did not become Ready=${wanted} within ${readyTimeoutMs / 1000} s`);
}

interface NodeShape {
  readonly spec: { readonly taints?: readonly { readonly key: string }[] };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}
