import { type ConsulConnection, type ConsulOptions, type ConsulServer, startConsul } from './consul.ts';
import type { KubernetesConnection } from './kube-client.ts';
import { type Kubernetes, type KubernetesOptions, type KubernetesServerName, startKubernetes } from './kubernetes.ts';
import { logTail } from './processes.ts';
import type { RunningServer } from './server.ts';
import { settleAll } from './settle.ts';
import { startTraefik, type TraefikConnection, type TraefikOptions, type TraefikServer } from './traefik.ts';

/** How to start a stack; Traefik runs only when it is asked for (`traefik: {}`). */
export interface StackOptions {
  readonly kubernetes?: KubernetesOptions;
  readonly consul?: ConsulOptions;
  readonly traefik?: Omit<TraefikOptions, 'consulUrl' | 'consulToken'>;
}

/** What a test needs to reach a stack; plain data, so that one process can start it and others can use it. */
export interface StackConnection extends KubernetesConnection, ConsulConnection {
  readonly kubeconfigPath: string;
  readonly traefik?: TraefikConnection;
}

/** Names of the servers of a stack. */
export type StackServerName = KubernetesServerName | 'consul' | 'traefik';

/** A running Kubernetes, Consul and (when asked for) Traefik that reads that Consul. */
export interface Stack extends StackConnection {
  /** The connection alone, without functions: can be sent to another process. */
  connection(): StackConnection;
  /** One server of the stack, to kill, pause, resume or restart it. Throws when the stack was started without it. */
  server(name: StackServerName): RunningServer;
  /** The end of a server's log. */
  logs(name: StackServerName, lines?: number): Promise<string>;
  /** Writes a kubeconfig for one of the users given to `kubernetes.users` and returns its path. */
  readonly kubeconfigFor: Kubernetes['kubeconfigFor'];
  /** Ends every server and removes what they wrote. */
  stop(): Promise<void>;
}

/** Starts the servers, as many at once as possible, and waits until all are ready. When one fails, none is left. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const kubernetes = startKubernetes(options.kubernetes);
  const catalog = startCatalog(options);
  try {
    await settleAll<unknown>([kubernetes, catalog]);
  } catch (error) {
    await kubernetes.then(
      (started) => started.stop(),
      () => undefined,
    );
    await catalog.then(
      ({ consul, traefik }) => settleAll([traefik?.stop(), consul.stop()]),
      () => undefined,
    );
    throw error;
  }
  const { consul, traefik } = await catalog;
  return assemble(await kubernetes, consul, traefik);
}

interface CatalogServers {
  readonly consul: ConsulServer;
  readonly traefik: TraefikServer | undefined;
}

async function startCatalog(options: StackOptions): Promise<CatalogServers> {
  const consul = await startConsul(options.consul);
  if (options.traefik === undefined) return { consul, traefik: undefined };
  try {
    const { consulUrl, consulToken } = consul;
    const token = consulToken === undefined ? {} : { consulToken };
    return { consul, traefik: await startTraefik({ ...options.traefik, consulUrl, ...token }) };
  } catch (error) {
    await consul.stop();
    throw error;
  }
}

function assemble(kubernetes: Kubernetes, consul: ConsulServer, traefik: TraefikServer | undefined): Stack {
  const connection: StackConnection = {
    apiServerUrl: kubernetes.apiServerUrl,
    token: kubernetes.token,
    kubeconfigPath: kubernetes.kubeconfigPath,
    consulUrl: consul.consulUrl,
    ...(consul.consulToken === undefined ? {} : { consulToken: consul.consulToken }),
    ...(traefik === undefined ? {} : { traefik: { webUrl: traefik.webUrl, webSecureUrl: traefik.webSecureUrl, apiUrl: traefik.apiUrl } }),
  };
  const servers: Partial<Record<StackServerName, RunningServer>> = { ...kubernetes.servers, consul };
  if (traefik !== undefined) servers.traefik = traefik;
  const server = (name: StackServerName): RunningServer => {
    const found = servers[name];
    if (found === undefined) throw new Error(`this stack runs without ${name}`);
    return found;
  };
  return {
    ...connection,
    connection: () => connection,
    server,
    logs: (name, lines) => logTail(server(name).logFile, lines),
    kubeconfigFor: kubernetes.kubeconfigFor,
    stop: async () => {
      await settleAll([traefik?.stop(), kubernetes.stop(), consul.stop()]);
    },
  };
}
