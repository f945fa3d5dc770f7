import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findServer } from '../servers/catalog.ts';
import type { DaemonProcess } from '../support/daemon-process.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { type Stack, type StackOptions, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { round } from './statistics.ts';
import type { Manifest } from './workload.ts';

/** What a benchmark registers to be undone at its end, the last first. */
export type Releasers = (() => Promise<unknown>)[];

/** Builds the program, starts the servers, measures, and leaves nothing behind. */
export async function onServers<T>(options: StackOptions, measure: (stack: Stack, releasers: Releasers) => Promise<T>): Promise<T> {
  const root = join(import.meta.dirname, '..', '..');
  const built = spawnSync(process.execPath, [join(root, 'build.ts')], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  const releasers: Releasers = [];
  try {
    const stack = await startStack(options);
    releasers.push(() => stack.stop());
    return await measure(stack, releasers);
  } finally {
    for (const release of releasers.reverse()) await release();
  }
}

/**
 * What glibc is told in `deploy/`: one arena, and large buffers given back at once, since git's output and the answers of servers come
 * in bursts (500 services on 20 nodes: 174 MiB resident with it, 192 with two arenas and nothing else).
 */
export const AS_DEPLOYED = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

export const machine = { cores: cpus().length, node: process.version };

export async function createNamespaces(stack: Stack, names: readonly string[]): Promise<void> {
  for (const name of names) await kubeRequest(stack, 'POST', '/api/v1/namespaces', { metadata: { name } });
}

/** Deletes all objects of the benchmark from some namespaces, and waits for their pods. */
export async function clear(stack: Stack, namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    for (const path of ['apis/apps/v1/$/deployments', 'api/v1/$/services', 'api/v1/$/configmaps']) {
      await kubeRequest(stack, 'DELETE', `/${path.replace('$', `namespaces/${namespace}`)}`);
    }
  }
  const pods = async (): Promise<number> => ((await kubeRequest(stack, 'GET', '/api/v1/pods')) as { items: unknown[] }).items.length;
  await waitUntil('the pods to go', async () => ((await pods()) === 0 ? true : undefined), { timeoutMs: 180_000 });
}

/** How long `kubectl apply --server-side --validate=false` takes for a file of objects, in milliseconds; undefined without kubectl. */
export async function measureKubectl(stack: Stack, objects: readonly Manifest[], ...more: readonly string[]): Promise<number | undefined> {
  const kubectl = await findServer('kubectl');
  if (kubectl === undefined) return undefined;
  const directory = await makeTempDirectory('kubectl');
  const file = join(directory.path, 'objects.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const start = performance.now();
  const args = ['--kubeconfig', stack.kubeconfigPath, 'apply', '--server-side', '--validate=false', ...more, '-f', file];
  await promisify(execFile)(kubectl, args, { maxBuffer: 64 * 1024 * 1024 });
  const ms = performance.now() - start;
  await directory.remove();
  return ms;
}

/** Resident memory of a process, in MiB: now, or at its highest (`VmHWM`). */
export async function residentMiB(pid: number, field: 'VmRSS' | 'VmHWM' = 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const line = status.split('\n').find((one) => one.startsWith(`${field}:`));
  return round(Number.parseInt(line?.slice(field.length + 1) ?? '', 10) / 1024);
}

/** CPU time that a process has used, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** When the last action of this kind was done, in ms since the epoch. */
export async function lastDone(daemon: DaemonProcess, op: string): Promise<number> {
  const lines = (await daemon.logs()).filter((line) => line['event'] === 'action' && line['result'] === 'done' && line['op'] === op);
  return Math.max(...lines.map((line) => Date.parse(String(line['time']))));
}

/** When the run began that did something at this time, as its log line tells; ms since the epoch. */
export async function beginOfRun(daemon: DaemonProcess, atMs: number): Promise<number> {
  const look = async (): Promise<number | undefined> => {
    const line = (await daemon.logs()).find(({ event, time }) => event === 'run' && Date.parse(String(time)) >= atMs);
    return line === undefined ? undefined : Date.parse(String(line['time'])) - Number(line['durationMs']);
  };
  return await waitUntil('the log of the run', look);
}

/** Looks every `everyMs` milliseconds until it is so; fails after `timeoutMs`. */
export async function poll(isSo: () => Promise<boolean>, everyMs: number, timeoutMs = 300_000): Promise<void> {
  const endAt = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > endAt) throw new Error('waited in vain');
    await delay(everyMs);
  }
}
