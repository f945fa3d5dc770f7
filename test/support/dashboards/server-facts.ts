import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { MANAGED_BY, MARKS, META, SETTINGS } from '../../../src/core/model/marks.ts';
import type { SandboxSite } from '../sandbox-site.ts';

/** An object as the API server has it. */
export interface LiveObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly replicas?: number;
    readonly template?: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
    readonly ports?: readonly { readonly nodePort?: number }[];
  };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** What the servers say at one moment, asked as anybody would ask them. */
export interface ServerFacts {
  readonly head: string;
  /** The spec files of the newest commit. */
  readonly files: ReadonlyMap<string, string>;
  readonly nodes: readonly LiveObject[];
  /** Objects of the kinds that the specs use. */
  readonly objects: readonly LiveObject[];
  /** The instances in Consul's catalog with our mark. */
  readonly instances: readonly { readonly pool: string; readonly passing: boolean }[];
  /** The Kubernetes nodes for which a node of ours stands in Consul whose own check passes. */
  readonly standIns: readonly string[];
  /** True while Consul has a session on the key of the leader. */
  readonly leads: boolean;
  /** How many servers Traefik has of each pool, told from their NodePort; undefined while it does not answer. */
  readonly servers: ReadonlyMap<string, number> | undefined;
}

const KINDS = {
  Namespace: '/api/v1/namespaces',
  ConfigMap: '/api/v1/configmaps',
  Service: '/api/v1/services',
  Deployment: '/apis/apps/v1/deployments',
};

async function ask<T>(url: string): Promise<T | undefined> {
  const response = await fetch(url, { headers: { 'x-test': 'true' } });
  return response.ok ? ((await response.json()) as T) : undefined;
}

/** Asks Git, Kubernetes, Consul and Traefik. */
export async function readServers(site: SandboxSite): Promise<ServerFacts> {
  const list = async (kind: string, path: string): Promise<readonly LiveObject[]> =>
    ((await ask<{ readonly items: readonly Omit<LiveObject, 'kind'>[] }>(site.kubernetes.url + path))?.items ?? []).map((item) => ({
      ...item,
      kind,
    }));
  const [{ head, files }, nodes, ...lists] = await Promise.all([
    readGit(site),
    list('Node', '/api/v1/nodes'),
    ...Object.entries(KINDS).map(([kind, path]) => list(kind, path)),
  ]);
  const objects = lists.flat();
  const [instances, standIns, leads, servers] = await Promise.all([
    readInstances(site),
    readStandIns(site),
    readLeader(site),
    readTraefik(site, objects),
  ]);
  return { head, files, nodes, objects, instances, standIns, leads, servers };
}

async function readGit({ repository, head }: SandboxSite): Promise<Pick<ServerFacts, 'head' | 'files'>> {
  const git = async (...args: readonly string[]): Promise<string> => (await promisify(execFile)('git', ['-C', repository, ...args])).stdout;
  const newest = await head();
  const names = (await git('ls-tree', '--name-only', newest)).split('\n').filter((name) => /\.(ya?ml|json)$/.test(name));
  const texts = await Promise.all(names.map(async (name) => [name, await git('show', `${newest}:${name}`)] as const));
  return { head: newest, files: new Map(texts) };
}

async function readInstances({ consul }: SandboxSite): Promise<ServerFacts['instances']> {
  const names = Object.keys((await ask<Readonly<Record<string, unknown>>>(`${consul.url}/v1/catalog/services`)) ?? {});
  interface Entry {
    readonly Service: { readonly Meta: Readonly<Record<string, string>> | null };
    readonly Checks: readonly { readonly Status: string }[];
  }
  const entries = await Promise.all(
    names.map(async (name) => (await ask<readonly Entry[]>(`${consul.url}/v1/health/service/${name}`)) ?? []),
  );
  return entries.flat().flatMap(({ Service: { Meta }, Checks }) => {
    if (Meta?.[META.managedBy] !== MANAGED_BY) return [];
    const passing = Checks.every(({ Status }) => Status === 'passing');
    return [{ pool: `${Meta[META.namespace]}/${Meta[META.name]}`, passing }];
  });
}

async function readStandIns({ consul }: SandboxSite): Promise<readonly string[]> {
  interface Node {
    readonly Node: string;
    readonly Meta: Readonly<Record<string, string>> | null;
  }
  interface Check {
    readonly Node: string;
    readonly ServiceID: string;
    readonly Status: string;
  }
  const nodes = (await ask<readonly Node[]>(`${consul.url}/v1/catalog/nodes`)) ?? [];
  const checks = (await ask<readonly Check[]>(`${consul.url}/v1/health/state/any`)) ?? [];
  const failing = new Set(checks.flatMap(({ Node: node, ServiceID, Status }) => (ServiceID === '' && Status !== 'passing' ? [node] : [])));
  return nodes.flatMap(({ Node: node, Meta }) =>
    Meta?.[META.managedBy] === MANAGED_BY && !failing.has(node) ? (Meta[META.node] ?? []) : [],
  );
}

async function readLeader({ consul }: SandboxSite): Promise<boolean> {
  const [entry] = (await ask<readonly { readonly Session?: string }[]>(`${consul.url}/v1/kv/kubernetes/.poolkeeper/site/leader`)) ?? [];
  return entry?.Session !== undefined;
}

async function readTraefik({ traefik }: SandboxSite, objects: readonly LiveObject[]): Promise<ServerFacts['servers']> {
  interface RawData {
    readonly services: Readonly<Record<string, { readonly loadBalancer?: { readonly servers: readonly { readonly url: string }[] } }>>;
  }
  const raw = await ask<RawData>(`${traefik.url}/api/rawdata`);
  if (raw === undefined) return undefined;
  const urls = new Set(Object.values(raw.services).flatMap(({ loadBalancer }) => (loadBalancer?.servers ?? []).map(({ url }) => url)));
  const byPort = new Map(objects.flatMap((one) => (one.spec?.ports ?? []).map(({ nodePort }) => [String(nodePort), keyOf(one)] as const)));
  return new Map([...Map.groupBy(urls, (url) => byPort.get(new URL(url).port) ?? url)].map(([pool, all]) => [pool, all.length]));
}

/** `namespace/name`. */
export const keyOf = ({ metadata: { namespace = '', name } }: Pick<LiveObject, 'metadata'>): string => `${namespace}/${name}`;

/** Why a node is no backend, in the words of the metric, or `ready`. */
export function nodeReason({ spec, status, metadata }: LiveObject): string {
  if (status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') !== true) return 'not-ready';
  if (spec?.unschedulable === true) return 'cordoned';
  return metadata.annotations?.['poolkeeper.dev/drain'] === undefined ? 'ready' : 'drained';
}

/** The Services that make pools: those with NodePorts. */
export const poolsOf = ({ objects }: ServerFacts): readonly LiveObject[] =>
  objects.filter(({ kind, spec }) => kind === 'Service' && spec?.ports?.some(({ nodePort }) => nodePort !== undefined) === true);

export const fitNodes = ({ nodes }: ServerFacts): number => nodes.filter((node) => nodeReason(node) === 'ready').length;

export type FileState = 'broken' | 'conflict' | 'held' | 'way' | 'in-step';

/** The objects of a file as written; undefined when nobody could read it. */
export function objectsOf(text: string): readonly LiveObject[] | undefined {
  interface Envelope {
    readonly objects?: Readonly<Record<string, { readonly specification: LiveObject }>>;
  }
  try {
    return (loadAll(text) as (LiveObject & Envelope)[]).flatMap((one) =>
      one.objects === undefined ? [one] : Object.values(one.objects).map(({ specification }) => specification),
    );
  } catch {
    return undefined;
  }
}

const liveOf = ({ objects }: ServerFacts, { kind, metadata: { name, namespace } }: LiveObject): LiveObject | undefined => {
  const at = kind === 'Namespace' ? '' : (namespace ?? 'default');
  return objects.find((one) => one.kind === kind && keyOf(one) === `${at}/${name}`);
};

export const specOf = ({ metadata }: LiveObject): string | undefined => metadata.annotations?.[MARKS.spec];

/** The state of every file of the newest commit, and of those that are gone and still own something, as the servers show it. */
export function fileStates(facts: ServerFacts): ReadonlyMap<string, FileState> {
  const states = new Map<string, FileState>();
  for (const [file, text] of facts.files) states.set(file, fileState(facts, file, text));
  for (const one of facts.objects) {
    const file = specOf(one);
    if (file !== undefined && !facts.files.has(file)) states.set(file, 'held');
  }
  return states;
}

function fileState(facts: ServerFacts, file: string, text: string): FileState {
  const written = objectsOf(text);
  if (written === undefined) return 'broken';
  const live = written.map((one) => [one, liveOf(facts, one)] as const);
  if (live.some(([, there]) => there !== undefined && specOf(there) !== file)) return 'conflict';
  return live.every(([one, there]) => there !== undefined && isInStep(facts, one, there)) ? 'in-step' : 'way';
}

function isInStep(facts: ServerFacts, wanted: LiveObject, live: LiveObject): boolean {
  if (wanted.kind === 'Deployment') {
    const replicas = wanted.spec?.replicas ?? 1;
    return live.status?.readyReplicas === replicas && live.spec?.replicas === replicas && imagesOf(live) === imagesOf(wanted);
  }
  if (wanted.kind !== 'Service') return true;
  const registered = facts.instances.filter(({ pool, passing }) => pool === keyOf(live) && passing).length;
  return registered === fitNodes(facts) && minBackendsOf(live) === minBackendsOf(wanted) && facts.servers?.get(keyOf(live)) === registered;
}

const imagesOf = ({ spec }: LiveObject): string => spec?.template?.spec.containers.map(({ image }) => image).join() ?? '';

/** The floor that a Service asks for; 1 where it asks for none. */
export const minBackendsOf = ({ metadata }: LiveObject): number => Number(metadata.annotations?.[SETTINGS.minBackends] ?? 1);

/** Resident bytes and seconds of CPU of this process, as Linux counts them. */
export function readProcess(): { readonly bytes: number; readonly cpuSeconds: number } {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  // proc(5): after the name in brackets, utime and stime are the 12th and 13th field, in ticks of 10 ms.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { bytes: Number(kib) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}
