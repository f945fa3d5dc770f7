import { AppError } from '../../shared/errors.ts';
import { type KubernetesConnection, loadKubeConfig, type PooledKubeConfig, pathsOf, startsPrograms } from './connection.ts';
import { stampOf } from './kubeconfig-files.ts';

/**
 * The credentials in force. A kubeconfig that changes is loaded anew before the next request, and one that logs in by a program is
 * loaded anew when the API server does not know its token any more. The context and the server stay those of the start: a
 * `kubectl config use-context` must not lead a running daemon to another cluster. What cannot be loaded leaves the old in force.
 */
export class Credentials {
  readonly #connection: KubernetesConnection;
  readonly #allowCommands: boolean;
  #config: PooledKubeConfig;
  #stamp: string | undefined;

  /** Throws AppError CONFIG_INVALID or CONFIG_UNREADABLE. */
  constructor(connection: KubernetesConnection, allowCommands: boolean) {
    this.#config = loadKubeConfig(connection, allowCommands);
    this.#allowCommands = allowCommands;
    const context = this.#config.getCurrentContext();
    this.#connection = connection.kind === 'kubeconfig' ? { ...connection, context } : connection;
  }

  /** Those of the moment when the client was made: its server and its context never change. */
  get first(): PooledKubeConfig {
    return this.#config;
  }

  /** What the next request is sent with. */
  async current(): Promise<PooledKubeConfig> {
    if (this.#connection.kind !== 'kubeconfig') return this.#config;
    const before = this.#stamp;
    const stamp = await stampOf(pathsOf(this.#connection));
    if (before !== undefined && stamp !== before && this.#stamp === before) this.#reload();
    this.#stamp = stamp;
    return this.#config;
  }

  /** After a 401 to a request with `used`: other credentials to try it with, or undefined when there are none. */
  async renewed(used: PooledKubeConfig): Promise<PooledKubeConfig | undefined> {
    const now = await this.current();
    if (now !== used) return now;
    const user = used.getCurrentUser();
    if (user === null || !startsPrograms(user)) return undefined;
    this.#reload();
    return this.#config === used ? undefined : this.#config;
  }

  #reload(): void {
    try {
      const next = loadKubeConfig(this.#connection, this.#allowCommands);
      if (next.getCurrentCluster()?.server === this.#config.getCurrentCluster()?.server) this.#config = next;
    } catch (error) {
      // Half-written, or without our context for now: its next change is looked at.
      if (!(error instanceof AppError)) throw error;
    }
  }
}
