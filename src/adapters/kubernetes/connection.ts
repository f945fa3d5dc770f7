import type { AgentOptions } from 'node:https';
import { type Cluster, type DispatcherOptions, KubeConfig, type User } from '@kubernetes/client-node';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';

/** How to reach the API server, and as whom. `caData` is a PEM certificate in base64, as in a kubeconfig. */
export type KubernetesConnection =
  | { readonly kind: 'kubeconfig'; readonly path: string; readonly context?: string }
  | { readonly kind: 'in-cluster' }
  | {
      readonly kind: 'explicit';
      readonly server: string;
      readonly token?: string;
      readonly caData?: string;
      readonly skipTlsVerify?: boolean;
    };

/**
 * A kubeconfig that tells how to connect instead of connecting: the package builds a new undici Agent, with connections of
 * its own, for every request (kubernetes-client/javascript issue 2893).
 */
export class PooledKubeConfig extends KubeConfig {
  #wanted: DispatcherOptions = { type: 'none' };

  override createDispatcherOptions(cluster: Cluster | null, agentOptions: AgentOptions): DispatcherOptions {
    this.#wanted = super.createDispatcherOptions(cluster, agentOptions);
    return { type: 'none' };
  }

  /** How the last authenticated request is to be connected: certificates may have been rotated since the one before. */
  get dispatcherOptions(): DispatcherOptions {
    return this.#wanted;
  }
}

/**
 * Loads what `connection` names. Throws AppError CONFIG_UNREADABLE or CONFIG_INVALID. Users that start a program or use a
 * cloud's own login are refused unless `allowCommands`: a kubeconfig would decide what this process runs.
 */
export function loadKubeConfig(connection: KubernetesConnection, allowCommands: boolean): PooledKubeConfig {
  const config = new PooledKubeConfig();
  switch (connection.kind) {
    case 'kubeconfig':
      loadFile(config, connection.path, connection.context);
      break;
    case 'in-cluster':
      config.loadFromCluster();
      break;
    case 'explicit':
      loadExplicit(config, connection);
      break;
  }
  check(config, connection, allowCommands);
  return config;
}

function loadFile(config: KubeConfig, path: string, context: string | undefined): void {
  try {
    config.loadFromFile(path);
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `the kubeconfig ${path} cannot be read: ${errorText(error)}`), { cause: error });
  }
  if (context !== undefined) config.setCurrentContext(context);
}

function loadExplicit(config: KubeConfig, connection: Extract<KubernetesConnection, { kind: 'explicit' }>): void {
  const { server, token, caData, skipTlsVerify = false } = connection;
  config.loadFromClusterAndUser(
    { name: 'explicit', server, skipTLSVerify: skipTlsVerify, ...(caData === undefined ? {} : { caData }) },
    { name: 'explicit', ...(token === undefined ? {} : { token }) },
  );
}

function check(config: PooledKubeConfig, connection: KubernetesConnection, allowCommands: boolean): void {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const where = connection.kind === 'kubeconfig' ? `the kubeconfig ${connection.path}` : 'the Kubernetes connection';
  const invalid = (what: string, remedy?: string): AppError =>
    new AppError(problem('CONFIG_INVALID', `${where} ${what}`, remedy === undefined ? {} : { remedy }));
  if (cluster === null) throw invalid(`has no cluster for the context ${JSON.stringify(config.getCurrentContext())}`);
  if (user === null) throw invalid(`has no user for the context ${JSON.stringify(config.getCurrentContext())}`);
  if (connection.kind === 'kubeconfig' && !allowCommands && startsPrograms(user)) {
    throw invalid(`logs in by a program or an auth provider (user ${user.name})`, 'Use a token or a client certificate.');
  }
  if (cluster.proxyUrl?.startsWith('socks') === true) throw invalid('names a SOCKS proxy, which is not supported');
  if (!URL.canParse(cluster.server)) throw invalid(`names ${JSON.stringify(cluster.server)} for a server, which is no URL`);
  try {
    config.createDispatcherOptions(cluster, {});
  } catch (error) {
    throw invalid(`cannot be used for ${cluster.server}: ${errorText(error)}`);
  }
}

const startsPrograms = (user: User): boolean => (user.exec ?? user.authProvider ?? undefined) !== undefined;
