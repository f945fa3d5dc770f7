import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubernetesConnection, kubeRequest, patchTypes } from './kube-client.ts';
import { startKubernetes } from './kubernetes.ts';
import { createNode } from './nodes.ts';
import type { StatusCase, StatusMoment, StatusObject } from './status-case.ts';
import { STATUS_CASES } from './status-cases.ts';
import { waitUntil } from './wait-until.ts';

/** What a real API server showed of one object and its pods, once the controllers had written that. */
export interface RecordedStatus {
  readonly case: string;
  readonly moment: string;
  readonly object: Readonly<Record<string, unknown>> & { readonly apiVersion: string; readonly kind: string };
  readonly pods: readonly unknown[];
}

const target = join(import.meta.dirname, '../unit/core/health/fixtures/status.jsonl');

/** Brings every case to each of its moments on real servers, and writes down what is seen then. */
async function record(): Promise<void> {
  // The autoscaler looks once in 15 s.
  const cluster = await startKubernetes({ extraArgs: { 'kube-controller-manager': ['--horizontal-pod-autoscaler-sync-period=1s'] } });
  try {
    for (const i of [1, 2]) await createNode(cluster, { name: `n${i}`, address: `127.0.1.${i}` });
    const recorded: RecordedStatus[] = [];
    for (const [i, one] of STATUS_CASES.entries()) recorded.push(...(await recordCase(cluster, one, `recorded-${i}`)));
    await writeFile(target, recorded.map((one) => `${JSON.stringify(one)}\n`).join(''));
  } finally {
    await cluster.stop();
  }
}

async function recordCase(cluster: KubernetesConnection, { name, path, object, before = [], moments }: StatusCase, namespace: string) {
  const within = (pattern: string): string => pattern.replace('/NS/', `/${namespace}/`);
  await kubeRequest(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  for (const other of before) await kubeRequest(cluster, 'POST', within(other.path), other.object);
  const made = await kubeRequest(cluster, 'POST', within(path), object);
  const own = `${within(path)}/${(object['metadata'] as { readonly name: string }).name}`;
  const recorded: RecordedStatus[] = [];
  for (const moment of moments) {
    const seen = await bring(cluster, { own, namespace, made, moment });
    // When a request is answered, its pods are not there yet.
    const pods = moment.until === undefined ? [] : await podsOf(cluster, namespace);
    recorded.push({ case: name, moment: moment.name, object: reduceObject(seen as Raw), pods: pods.map(reducePod) });
  }
  return recorded;
}

interface Place {
  readonly own: string;
  readonly namespace: string;
  readonly made: unknown;
  readonly moment: StatusMoment;
}

/** Does what leads to a moment, waits for it, and gives the object as it is then. */
async function bring(cluster: KubernetesConnection, { own, namespace, made, moment }: Place): Promise<unknown> {
  const { patch, pods, remove, removeOther, until } = moment;
  let answer = made;
  if (patch !== undefined) answer = await kubeRequest(cluster, 'PATCH', own, patch, patchTypes.merge);
  if (pods !== undefined) await endPods(cluster, namespace, pods);
  if (remove === true) await kubeRequest(cluster, 'DELETE', own);
  if (removeOther !== undefined) await removeByForce(cluster, removeOther);
  if (until === undefined) return answer;
  let last: unknown;
  const look = async (): Promise<unknown> => {
    last = await kubeRequest(cluster, 'GET', own);
    return until(last as StatusObject) ? last : undefined;
  };
  return waitUntil(`${own}: ${moment.name}`, look, { timeoutMs: 60_000, describe: () => JSON.stringify(last) });
}

const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

async function podsOf(cluster: KubernetesConnection, namespace: string): Promise<readonly Raw[]> {
  return ((await kubeRequest(cluster, 'GET', podsPath(namespace))) as { readonly items: readonly Raw[] }).items;
}

/** Ends the pods of a namespace as a kubelet would tell it. */
async function endPods(cluster: KubernetesConnection, namespace: string, phase: 'Succeeded' | 'Failed'): Promise<void> {
  const [exitCode, reason] = phase === 'Succeeded' ? [0, 'Completed'] : [1, 'Error'];
  const at = new Date().toISOString();
  const terminated = { exitCode, reason, startedAt: at, finishedAt: at };
  const containerStatuses = [{ name: 'web', image: 'web', imageID: '', ready: false, restartCount: 0, state: { terminated } }];
  for (const { metadata } of await podsOf(cluster, namespace)) {
    await kubeRequest(
      cluster,
      'PATCH',
      `${podsPath(namespace)}/${metadata.name}/status`,
      { status: { phase, containerStatuses } },
      patchTypes.merge,
    );
  }
}

async function removeByForce(cluster: KubernetesConnection, path: string): Promise<void> {
  await kubeRequest(cluster, 'DELETE', path);
  await kubeRequest(cluster, 'PATCH', path, { metadata: { finalizers: null } }, patchTypes.merge);
}

interface Raw {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
}

/** Large, and read by no rule. */
const LEFT_OUT: ReadonlySet<string> = new Set(['template', 'versions']);

function reduceObject({ apiVersion, kind, metadata, spec = {}, status }: Raw): RecordedStatus['object'] {
  const { name, namespace, generation, deletionTimestamp, finalizers } = metadata;
  const kept = Object.fromEntries(Object.entries(spec).filter(([key]) => !LEFT_OUT.has(key)));
  const meta = { name, namespace, uid: 'uid', resourceVersion: '1', generation, deletionTimestamp, finalizers };
  return timeless({ apiVersion, kind, metadata: meta, spec: kept, status });
}

function reducePod({ metadata: { name, namespace, labels, ownerReferences, deletionTimestamp }, status }: Raw): unknown {
  return timeless({ metadata: { name, namespace, labels, ownerReferences, deletionTimestamp }, status });
}

/** Times and ids are others at each recording. */
function timeless<T>(value: T): T {
  const text = JSON.stringify(value)
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00Z')
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, 'uid');
  return JSON.parse(text) as T;
}

if (import.meta.main) await record();
