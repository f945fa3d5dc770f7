import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type KubernetesConnection, kubeFetch } from './kube-client.ts';
import { makeTempDirectory } from './processes.ts';
import { answersOk, type RunningServer, type ServerDefinition, startServer } from './server.ts';
import { settleAll } from './settle.ts';

/** The servers that make up one cluster. */
export const kubernetesServers = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;
export type KubernetesServerName = (typeof kubernetesServers)[number];

/** A user that the API server knows by a fixed token; its rights are what RBAC gives to its name and groups. */
export interface KubernetesUser {
  readonly name: string;
  readonly token: string;
  readonly groups?: readonly string[];
}

/** How to start a cluster. */
export interface KubernetesOptions {
  /** Users besides the administrator. */
  readonly users?: readonly KubernetesUser[];
  /**
   * More command line arguments for single servers; a repeated one wins. To see dead nodes soon, shorten the
   * controller-manager's `--node-monitor-grace-period=8s` (50 s) together with kwok's `--node-lease-duration-seconds=8`
   * (40): kwok renews a lease after a quarter of its duration, and a grace below that marks healthy nodes as dead.
   */
  readonly extraArgs?: Partial<Record<KubernetesServerName, readonly string[]>>;
}

/** A running cluster. Its token is the administrator's. */
export interface Kubernetes extends KubernetesConnection {
  readonly kubeconfigPath: string;
  /** The API server's certificate with the authority that signed it, PEM. */
  readonly caPath: string;
  readonly servers: Readonly<Record<KubernetesServerName, RunningServer>>;
  /** Writes a kubeconfig for one of the `users` and returns its path. */
  kubeconfigFor(user: KubernetesUser): Promise<string>;
  stop(): Promise<void>;
}

const adminToken = 'admin-token-of-the-tests';
// Nothing they would still write is needed; the API server alone would take its time over open watches.
const stopGraceMs = 1000;

/**
 * Starts etcd, the API server, the controller-manager, the scheduler and kwok on ports of their own. When it returns,
 * the `default` namespace has its ServiceAccount: the controllers are at work. There are no nodes yet (see `nodes.ts`).
 */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const directory = await makeTempDirectory('kubernetes');
  const started = new Map<KubernetesServerName, RunningServer>();
  const stop = async (): Promise<void> => {
    const servers = [...started.values()];
    try {
      // All at once: nobody needs what they would still write.
      await settleAll(servers.map((server) => server.stop(stopGraceMs)));
    } finally {
      await directory.remove();
    }
  };
  try {
    const cluster = await prepareCluster(directory.path, options);
    const start = async (name: KubernetesServerName): Promise<void> => {
      const { args, isReady } = cluster.definitions[name];
      const extra = options.extraArgs?.[name] ?? [];
      started.set(name, await startServer({ name, directory: directory.path, args: [...args, ...extra], isReady }));
    };
    await start('etcd');
    await start('kube-apiserver');
    await settleAll([start('kube-controller-manager'), start('kube-scheduler'), start('kwok')]);
    return {
      ...cluster.connection,
      kubeconfigPath: cluster.kubeconfigPath,
      caPath: cluster.caPath,
      servers: Object.fromEntries(started) as Record<KubernetesServerName, RunningServer>,
      kubeconfigFor: (user) => writeKubeconfig(directory.path, cluster, user.name, user.token),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Cluster {
  readonly connection: KubernetesConnection;
  readonly kubeconfigPath: string;
  readonly caPath: string;
  readonly definitions: Readonly<Record<KubernetesServerName, Pick<ServerDefinition, 'args' | 'isReady'>>>;
}

interface ClusterPorts {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly kwok: number;
}

async function prepareCluster(directory: string, options: KubernetesOptions): Promise<Cluster> {
  const ports: ClusterPorts = {
    etcd: await freePort(),
    etcdPeer: await freePort(),
    api: await freePort(),
    controllerManager: await freePort(),
    scheduler: await freePort(),
    kwok: await freePort(),
  };
  const connection = { apiServerUrl: `https://127.0.0.1:${ports.api}`, token: adminToken };
  const caPath = join(directory, 'certs', 'apiserver.crt');
  const admin: KubernetesUser = { name: 'admin', token: adminToken, groups: ['system:masters'] };
  await writeServiceAccountKeys(directory);
  await writeTokens(directory, [admin, ...(options.users ?? [])]);
  const kubeconfigPath = await writeKubeconfig(directory, { connection, caPath }, admin.name, adminToken);
  const definitions = {
    etcd: etcd(directory, ports),
    'kube-apiserver': apiServer(directory, ports, connection),
    'kube-controller-manager': controllerManager(directory, ports, connection),
    'kube-scheduler': scheduler(directory, ports),
    kwok: kwok(directory, ports),
  };
  return { connection, kubeconfigPath, caPath, definitions };
}

type Part = Pick<ServerDefinition, 'args' | 'isReady'>;

function etcd(directory: string, ports: ClusterPorts): Part {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    args: [
      `--data-dir=${directory}/etcd`,
      '--unsafe-no-fsync',
      '--log-level=warn',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ],
    isReady: () => answersOk(`${client}/health`),
  };
}

function apiServer(directory: string, ports: ClusterPorts, connection: KubernetesConnection): Part {
  return {
    args: [
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      `--cert-dir=${directory}/certs`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--token-auth-file=${directory}/tokens.csv`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default',
      `--service-account-key-file=${directory}/service-account.pub`,
      `--service-account-signing-key-file=${directory}/service-account.key`,
      // Pods of the tests have no containers that would need a token.
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
    ],
    isReady: async () => (await kubeFetch(connection, { method: 'GET', path: '/readyz' })).status === 200,
  };
}

function controllerManager(directory: string, ports: ClusterPorts, connection: KubernetesConnection): Part {
  const path = '/api/v1/namespaces/default/serviceaccounts/default';
  return {
    args: [
      `--kubeconfig=${directory}/admin.kubeconfig`,
      '--leader-elect=false',
      '--use-service-account-credentials=false',
      `--service-account-private-key-file=${directory}/service-account.key`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.controllerManager}`,
      '--kube-api-qps=200',
      '--kube-api-burst=400',
    ],
    // Its own /healthz is up before the controllers are; what one of them makes is proof.
    isReady: async () =>
      (await isHealthy(ports.controllerManager)) && (await kubeFetch(connection, { method: 'GET', path })).status === 200,
  };
}

function scheduler(directory: string, ports: ClusterPorts): Part {
  return {
    args: [
      `--kubeconfig=${directory}/admin.kubeconfig`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.scheduler}`,
      '--kube-api-qps=200',
      '--kube-api-burst=400',
    ],
    isReady: () => isHealthy(ports.scheduler),
  };
}

function kwok(directory: string, ports: ClusterPorts): Part {
  return {
    args: [
      `--kubeconfig=${directory}/admin.kubeconfig`,
      `--config=${join(import.meta.dirname, 'kwok-stages.yaml')}`,
      '--manage-all-nodes=true',
      // Without leases the controller-manager marks every node NotReady about every 50 s.
      '--node-lease-duration-seconds=40',
      `--server-address=127.0.0.1:${ports.kwok}`,
    ],
    isReady: () => answersOk(`http://127.0.0.1:${ports.kwok}/healthz`),
  };
}

async function isHealthy(port: number): Promise<boolean> {
  const own = { apiServerUrl: `https://127.0.0.1:${port}`, token: '' };
  return (await kubeFetch(own, { method: 'GET', path: '/healthz' })).status === 200;
}

async function writeServiceAccountKeys(directory: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(join(directory, 'service-account.pub'), publicKey);
  await writeFile(join(directory, 'service-account.key'), privateKey, { mode: 0o600 });
}

async function writeTokens(directory: string, users: readonly KubernetesUser[]): Promise<void> {
  const lines = users.map(({ name, token, groups = [] }) => `${token},${name},${name},"${groups.join(',')}"\n`);
  await writeFile(join(directory, 'tokens.csv'), lines.join(''));
}

async function writeKubeconfig(
  directory: string,
  { connection, caPath }: Pick<Cluster, 'connection' | 'caPath'>,
  user: string,
  token: string,
): Promise<string> {
  const path = join(directory, `${user}.kubeconfig`);
  // JSON is YAML, so every client reads it.
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: connection.apiServerUrl, 'certificate-authority': caPath } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  };
  await writeFile(path, JSON.stringify(kubeconfig, null, 2));
  return path;
}
