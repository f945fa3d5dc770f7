import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DaemonProcess, prepareDaemon } from './daemon-process.ts';
import type { FileContent } from './git-repository.ts';
import { type GitServer, type GitServerOptions, startGitServer } from './git-server.ts';
import { kubeFetch, kubeRequest, patchTypes } from './kube-client.ts';
import { makeTempDirectory } from './processes.ts';
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';
import { processesWith } from './running-processes.ts';
import type { StackConnection } from './stack.ts';
import { waitUntil } from './wait-until.ts';

/** A daemon with a proxy before each store. */
export interface Replica {
  readonly daemon: DaemonProcess;
  readonly kubernetes: RecordingProxy;
  readonly consul: RecordingProxy;
}

/** A daemon with everything of its own: namespace, owner, cluster, key path, Git repository, and a proxy before each store. */
export interface Site extends Replica {
  /** The namespace; owner, cluster and key path have the same name. */
  readonly name: string;
  readonly stack: StackConnection;
  readonly git: GitServer;
  /** One more daemon with the same names, for what differs set in `env`: a second replica, or the same one set up otherwise. */
  another(env?: Readonly<Record<string, string>>): Promise<Replica>;
  /** Ends every daemon and proxy, removes what stands of the site in the stack, and fails when a process of it is left. */
  remove(): Promise<void>;
}

/** What to make a site of. */
export interface SiteOptions {
  readonly stack: StackConnection;
  /** `[a-z0-9-]{1,32}`, another one for each site of a stack. */
  readonly name: string;
  /** Files of the first commit. */
  readonly files?: Readonly<Record<string, FileContent>>;
  readonly git?: GitServerOptions;
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes a site; its daemon does not run yet. */
export async function prepareSite({ stack, name, files = {}, git: gitOptions = {}, env = {} }: SiteOptions): Promise<Site> {
  await kubeFetch(stack, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
  const git = await startGitServer(gitOptions);
  await git.commit(files, 'first commit');
  const directory = await makeTempDirectory('site');
  const { user, password } = gitOptions;
  const credentials = user === undefined ? {} : { username: user, password: password ?? '' };
  const replicas: Replica[] = [];
  const another = async (more: Readonly<Record<string, string>> = {}): Promise<Replica> => {
    const kubernetes = await startRecordingProxy(stack.apiServerUrl);
    const consul = await startRecordingProxy(stack.consulUrl);
    const kubeconfigPath = join(directory.path, `kubeconfig-${replicas.length}`);
    await writeFile(kubeconfigPath, JSON.stringify(proxyKubeconfig(kubernetes.url, stack.token)));
    const daemon = await prepareDaemon({
      stack: { kubeconfigPath, consulUrl: consul.url },
      cluster: name,
      owner: name,
      keyPath: name,
      namespace: name,
      git: { url: git.url, ...credentials },
      env: { ...env, ...more },
    });
    const replica = { daemon, kubernetes, consul };
    replicas.push(replica);
    return replica;
  };
  const first = await another();
  return {
    ...first,
    name,
    stack,
    git,
    another,
    async remove() {
      await Promise.all(replicas.map(({ daemon }) => daemon.remove()));
      await Promise.all(replicas.flatMap(({ kubernetes, consul }) => [kubernetes.stop(), consul.stop()]));
      await Promise.all([git.stop(), directory.remove()]);
      await clearStack(stack, name);
      await expectNoProcess(name);
    },
  };
}

/** A kubeconfig for an API server behind a proxy. */
export const proxyKubeconfig = (server: string, token: string): unknown => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'admin', user: { token } }],
  contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'admin' } }],
  'current-context': 'proxy',
});

/** Removes the Services and Deployments of a namespace (their NodePorts are wanted again) and all of a cluster in Consul. */
async function clearStack(stack: StackConnection, name: string): Promise<void> {
  for (const path of [`/api/v1/namespaces/${name}/services`, `/apis/apps/v1/namespaces/${name}/deployments`]) {
    await kubeFetch(stack, { method: 'DELETE', path }).catch(() => undefined);
  }
  for (const { Node } of await catalogNodes(stack, name).catch(() => [])) {
    await consulRequest(stack, 'PUT', '/v1/catalog/deregister', { Node });
  }
  await consulRequest(stack, 'DELETE', `/v1/kv/${name}/?recurse=true`).catch(() => undefined);
}

/** A leak check: nothing runs any more with the configuration of this site. */
async function expectNoProcess(name: string): Promise<void> {
  const mark = `POOLKEEPER_CLUSTER=${name}\0`;
  let left: readonly string[] = [];
  const look = async (): Promise<true | undefined> => {
    left = await processesWith(mark, 'environment');
    return left.length === 0 ? true : undefined;
  };
  await waitUntil(`no process of ${name}`, look, { timeoutMs: 5_000, describe: () => left.join(', ') });
}

/** One call of Consul past the proxy; gives the decoded answer, undefined for 404. Anything else but 2xx throws. */
export async function consulRequest(stack: StackConnection, method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = stack.consulToken === undefined ? {} : { 'x-consul-token': stack.consulToken };
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${stack.consulUrl}${path}`, { method, headers, ...sent });
  const text = await response.text();
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** A node of the catalog. */
export interface CatalogNode {
  readonly Node: string;
  readonly Meta: Readonly<Record<string, string>> | null;
  readonly ModifyIndex: number;
}

/** The Consul nodes of a cluster, the canary included. */
export async function catalogNodes(stack: StackConnection, cluster: string): Promise<readonly CatalogNode[]> {
  return (await consulRequest(stack, 'GET', `/v1/catalog/nodes?node-meta=cluster:${cluster}`)) as readonly CatalogNode[];
}

/** A service instance of the catalog. */
export interface CatalogInstance {
  readonly Node: string;
  readonly ServiceID: string;
  readonly ServiceAddress: string;
  readonly ServicePort: number;
  readonly ServiceTags: readonly string[];
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

/** The instances of a Consul service. */
export async function instancesOf(stack: StackConnection, service: string): Promise<readonly CatalogInstance[]> {
  return (await consulRequest(stack, 'GET', `/v1/catalog/service/${service}`)) as readonly CatalogInstance[];
}

/** A KV entry, its value decoded. */
export interface KvEntry {
  readonly key: string;
  readonly value: string;
  readonly modifyIndex: number;
  readonly session: string | undefined;
}

/** All KV entries under a prefix, in the order of their keys. */
export async function kvEntries(stack: StackConnection, prefix: string): Promise<readonly KvEntry[]> {
  const found = ((await consulRequest(stack, 'GET', `/v1/kv/${prefix}?recurse=true`)) ?? []) as readonly {
    readonly Key: string;
    readonly Value: string | null;
    readonly ModifyIndex: number;
    readonly Session?: string;
  }[];
  return found.map(({ Key, Value, ModifyIndex, Session }) => ({
    key: Key,
    value: Buffer.from(Value ?? '', 'base64').toString(),
    modifyIndex: ModifyIndex,
    session: Session,
  }));
}

/**
 * Ends the session and frees the Lease of a daemon that was killed, as their times to live would do after up to 20 s: tests of
 * what comes then need not wait for it.
 */
export async function endLeases(site: Site): Promise<void> {
  const { stack, name } = site;
  const [leader] = await kvEntries(stack, `${name}/.poolkeeper/${name}/leader`);
  if (leader?.session !== undefined) await consulRequest(stack, 'PUT', `/v1/session/destroy/${leader.session}`);
  const path = `/apis/coordination.k8s.io/v1/namespaces/${name}/leases/poolkeeper-${name}`;
  const freed = { spec: { holderIdentity: '', leaseDurationSeconds: 1 } };
  if ((await kubeFetch(stack, { method: 'GET', path })).status === 200) await kubeRequest(stack, 'PATCH', path, freed, patchTypes.merge);
}
