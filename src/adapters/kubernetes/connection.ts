import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:https';
import { type Cluster, type DispatcherOptions, KubeConfig, type RequestContext, type User } from '@kubernetes/client-node';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { readKubeconfigs } from './kubeconfig-files.ts';

/** How to reach the API server, and as whom. `caData` is a PEM certificate in base64, as in a kubeconfig. */
export type KubernetesConnection =
  /** Several paths are merged as by kubectl: of each name the first file counts. */
  | { readonly kind: 'kubeconfig'; readonly path: string | readonly string[]; readonly context?: string }
  /** The service account of the Pod; `root` stands for `/` before the paths of its files. */
  | { readonly kind: 'in-cluster'; readonly root?: string }
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
  #tokenFile: string | undefined;

  /** From now on each request carries the token that this file then holds: the package would keep it for a minute, or for ever. */
  readTokenFrom(path: string): void {
    this.#tokenFile = path;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    if (this.#tokenFile === undefined) return;
    context.setHeaderParam('Authorization', `Bearer ${await readFile(this.#tokenFile, 'utf8')}`);
  }

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
      loadFiles(config, connection);
      break;
    case 'in-cluster':
      loadServiceAccount(config, connection.root ?? '');
      break;
    case 'explicit':
      loadExplicit(config, connection);
      break;
  }
  check(config, connection, allowCommands);
  return config;
}

/** The files of a kubeconfig. */
export const pathsOf = ({ path }: Extract<KubernetesConnection, { kind: 'kubeconfig' }>): readonly string[] =>
  typeof path === 'string' ? [path] : path;

function loadFiles(config: PooledKubeConfig, connection: Extract<KubernetesConnection, { kind: 'kubeconfig' }>): void {
  const paths = pathsOf(connection);
  try {
    const { clusters, users, contexts, currentContext, tokenFiles } = readKubeconfigs(paths);
    config.loadFromOptions({ clusters, users, contexts, currentContext: connection.context ?? currentContext });
    const tokenFile = tokenFiles.get(config.getCurrentUser()?.name ?? '');
    if (tokenFile !== undefined) config.readTokenFrom(tokenFile);
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `the kubeconfig ${paths.join(', ')} cannot be read: ${errorText(error)}`), {
      cause: error,
    });
  }
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

function loadServiceAccount(config: PooledKubeConfig, root: string): void {
  config.loadFromCluster(root);
  if (!URL.canParse(config.getCurrentCluster()?.server ?? '')) {
    throw new AppError(
      problem('CONFIG_INVALID', 'this is no Pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set', {
        remedy: 'Name a kubeconfig file, or run in a Pod.',
      }),
    );
  }
  const path = root + SERVICE_ACCOUNT_TOKEN;
  try {
    readFileSync(path);
  } catch (error) {
    const remedy = 'Let the Pod mount the token of its service account (automountServiceAccountToken).';
    throw new AppError(problem('CONFIG_UNREADABLE', `the token of the service account cannot be read: ${errorText(error)}`, { remedy }), {
      cause: error,
    });
  }
  config.readTokenFrom(path);
  // Else the package would read the token as well.
  config.users = config.users.map(({ name }) => ({ name }));
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
  const where = connection.kind === 'kubeconfig' ? `the kubeconfig ${pathsOf(connection).join(', ')}` : 'the Kubernetes connection';
  const invalid = (what: string, remedy?: string): AppError =>
    new AppError(problem('CONFIG_INVALID', `${where} ${what}`, remedy === undefined ? {} : { remedy }));
  if (cluster === null) throw invalid(`has no cluster for the context ${JSON.stringify(config.getCurrentContext())}`);
  if (user === null) throw invalid(`has no user for the context ${JSON.stringify(config.getCurrentContext())}`);
  if (connection.kind === 'kubeconfig' && !allowCommands && startsPrograms(user)) {
    throw invalid(
      `logs in by a program or an auth provider (user ${user.name})`,
      'Use a token or a client certificate, or allow it by kubernetes.allowExec.',
    );
  }
  if (cluster.proxyUrl?.startsWith('socks') === true) throw invalid('names a SOCKS proxy, which is not supported');
  if (!URL.canParse(cluster.server)) throw invalid(`names ${JSON.stringify(cluster.server)} for a server, which is no URL`);
  try {
    config.createDispatcherOptions(cluster, {});
  } catch (error) {
    throw invalid(`cannot be used for ${cluster.server}: ${errorText(error)}`);
  }
}

/** True for a user who logs in by a program or a cloud's own login. */
export const startsPrograms = (user: User): boolean => (user.exec ?? user.authProvider ?? undefined) !== undefined;
