import { type KubernetesConnection, kubeRequest, patchTypes } from './kube-client.ts';
import type { TestNode } from './nodes.ts';
import { waitUntil } from './wait-until.ts';

/** A node that a test creates together with many others. */
export interface LabelledNode extends TestNode {
  readonly labels: Readonly<Record<string, string>>;
}

/** Every node of these has it, so that they can be found again; its value is the name of their test. */
export const GROUP_LABEL = 'poolkeeper.test/group';
const AT_ONCE = 40;
const ROOM = { cpu: '1000', memory: '1Ti', pods: '100000' };

/** The address of the i-th node; none of the shared cluster's. */
export const manyAddress = (i: number): string => `127.4.${Math.floor(i / 250)}.${(i % 250) + 1}`;

/** Creates nodes that take no pods, and waits until all are Ready. */
export async function createNodes(connection: KubernetesConnection, group: string, nodes: readonly LabelledNode[]): Promise<void> {
  for (let from = 0; from < nodes.length; from += AT_ONCE) {
    await Promise.all(nodes.slice(from, from + AT_ONCE).map((node) => create(connection, group, node)));
  }
  const names = new Set(nodes.map(({ name }) => name));
  const unready = async (): Promise<number> => {
    const ready = (await listNodes(connection, group)).filter(isReady).filter(({ metadata }) => names.has(metadata.name));
    return names.size - ready.length;
  };
  await waitUntil(`${nodes.length} Ready nodes`, async () => ((await unready()) === 0 ? true : undefined), { timeoutMs: 60_000 });
}

async function create(connection: KubernetesConnection, group: string, { name, address, labels }: LabelledNode): Promise<void> {
  await kubeRequest(connection, 'POST', '/api/v1/nodes', {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, [GROUP_LABEL]: group, ...labels } },
    spec: { taints: [{ key: GROUP_LABEL, effect: 'NoSchedule' }] },
    status: { addresses: [{ type: 'InternalIP', address }], allocatable: ROOM, capacity: ROOM },
  });
}

interface NodeShape {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function listNodes(connection: KubernetesConnection, group: string): Promise<readonly NodeShape[]> {
  const list = await kubeRequest(connection, 'GET', `/api/v1/nodes?labelSelector=${encodeURIComponent(`${GROUP_LABEL}=${group}`)}`);
  return (list as { readonly items: readonly NodeShape[] }).items;
}

const isReady = ({ status }: NodeShape): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** Cordons a node, or takes that back. */
export async function cordon(connection: KubernetesConnection, name: string, unschedulable: boolean): Promise<void> {
  await kubeRequest(connection, 'PATCH', `/api/v1/nodes/${name}`, { spec: { unschedulable } }, patchTypes.merge);
}

export async function deleteNode(connection: KubernetesConnection, name: string): Promise<void> {
  await kubeRequest(connection, 'DELETE', `/api/v1/nodes/${name}`);
}

/** Deletes all nodes of a group. */
export async function deleteNodes(connection: KubernetesConnection, group: string): Promise<void> {
  await kubeRequest(connection, 'DELETE', `/api/v1/nodes?labelSelector=${encodeURIComponent(`${GROUP_LABEL}=${group}`)}`);
}
