import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ConsulClientOptions } from './adapters/consul/create-consul-client.ts';
import type { createGitSource } from './adapters/git/git-source.ts';
import type { KubernetesConnection } from './adapters/kubernetes/connection.ts';
import type { RouteProbeOptions } from './adapters/traefik/create-route-probe.ts';
import type { ReplicaOptions } from './adapters/traefik/read-api.ts';
import type { Config } from './config/config.ts';
import { replicaName } from './core/model/ids.ts';
import type { Clock } from './core/model/ports.ts';
import { AppError, errorText } from './shared/errors.ts';
import { problem } from './shared/problem.ts';
import { withoutAbsent } from './shared/without-absent.ts';

/** The environment of the process. */
interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How the configuration says to reach the API server. */
export function connectionOf({ kubernetes }: Config, { env }: Environment): KubernetesConnection {
  if (kubernetes.inCluster) return { kind: 'in-cluster' };
  const inPod = env['KUBERNETES_SERVICE_HOST'] !== undefined && kubernetes.kubeconfig === undefined && env['KUBECONFIG'] === undefined;
  if (inPod) return { kind: 'in-cluster' };
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  const path = kubernetes.kubeconfig ?? (listed.length > 0 ? listed : join(env['HOME'] ?? '/', '.kube', 'config'));
  return { kind: 'kubeconfig', path, ...(kubernetes.context === undefined ? {} : { context: kubernetes.context }) };
}

function readConfigured(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `${option}: ${errorText(error)}`), { cause: error });
  }
}

/** How the configuration says to reach Consul. Throws AppError when a file that it names cannot be read. */
export function consulOptions({ consul }: Config): ConsulClientOptions {
  const { caFile, certFile, keyFile, serverName, tokenFile, namespace, partition } = consul;
  return {
    address: consul.address,
    timeoutMs: consul.timeoutMs,
    scope: { namespace, partition },
    ...(tokenFile === undefined ? {} : { tokenFile }),
    tls: {
      ...(caFile === undefined ? {} : { ca: readConfigured('consul.caFile', caFile) }),
      ...(certFile === undefined ? {} : { cert: readConfigured('consul.certFile', certFile) }),
      ...(keyFile === undefined ? {} : { key: readConfigured('consul.keyFile', keyFile) }),
      ...(serverName === undefined ? {} : { serverName }),
    },
  };
}

/** How the configuration says to reach the APIs of Traefik; none: it is not watched. Throws AppError when a file cannot be read. */
export function gatewayReplicas({ traefik: { api = [] } }: Config): readonly ReplicaOptions[] {
  return api.map(({ name, url, username, passwordFile, caFile, insecureSkipVerify }) => ({
    name: replicaName(name),
    url,
    insecureSkipVerify,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(caFile === undefined ? {} : { ca: readConfigured(`traefik.api, replica ${name}, caFile`, caFile) }),
  }));
}

/** How the configuration says to try routes through Traefik; undefined: not at all. Throws AppError when a file cannot be read. */
export function routeProbeOptions({ traefik: { probe } }: Config, clock: Clock): RouteProbeOptions | undefined {
  const { url, intervalMs, timeoutMs, caFile, insecureSkipVerify } = probe;
  if (url === undefined) return undefined;
  const ca = caFile === undefined ? {} : { ca: readConfigured('traefik.probe.caFile', caFile) };
  return { url, intervalMs, timeoutMs, clock, insecureSkipVerify, ...ca };
}

/** How the configuration says to read the repository. */
export function gitOptions({ git }: Config, mirrorDir: string, clock: Clock, io: Environment): Parameters<typeof createGitSource>[0] {
  const { username, passwordFile, verify, allowedSignersFile, openpgpKeysFile } = git;
  const { tag, semver, commit, sslCaFile, certFile, keyFile, proxy, sshKeyFile, knownHostsFile, sshCommand } = git;
  return {
    url: git.url,
    ref: git.ref,
    root: git.root,
    include: git.include,
    exclude: git.exclude,
    shallow: git.shallow,
    fastForwardOnly: git.fastForwardOnly,
    timeoutMs: git.timeoutMs,
    mirrorDir,
    clock,
    environment: io.env,
    ...withoutAbsent({ tag, semver, commit, sslCaFile, certFile, keyFile, proxy, sshKeyFile, knownHostsFile, sshCommand }),
    ...(verify === 'none' ? {} : { verify: { mode: verify, allowedSignersFile, openpgpKeysFile } }),
    ...(username === undefined ? {} : { username: () => username }),
    ...(passwordFile === undefined ? {} : { password: () => readConfigured('git.passwordFile', passwordFile).trim() }),
  };
}

/** Where other replicas reach this one; `port`: the one that it listens on, where the configuration leaves the choice to the system. */
export function advertisedUrl({ http: { advertise, listen } }: Config, port?: string): string {
  if (advertise !== undefined) return advertise;
  const host = listen.host === '0.0.0.0' || listen.host === '::' ? firstAddress() : listen.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port === undefined || port === '' ? listen.port : port}`;
}

/** The first address of this machine that others can reach: a Pod has one. */
function firstAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const [first] = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return first?.address ?? '127.0.0.1';
}
