import { isDeepStrictEqual } from 'node:util';
import { type DispatcherOptions, HttpMethod, RequestContext } from '@kubernetes/client-node';
import { AppError } from '../../shared/errors.ts';
import { type KubernetesConnection, loadKubeConfig, type PooledKubeConfig, pathsOf, startsPrograms } from './connection.ts';
import { stampOf } from './kubeconfig-files.ts';

/** What a request is sent with. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>;
  readonly connect: DispatcherOptions;
}

export interface CredentialsOptions {
  readonly connection: KubernetesConnection;
  /** Lets a kubeconfig start programs to log in. */
  readonly allowCommands: boolean;
  /** How old what was read from files may be, in milliseconds. */
  readonly maxAgeMs: number;
}

/**
 * The credentials in force. A kubeconfig that changes is loaded anew, and one that logs in by a program is loaded anew when the API
 * server does not know its token any more. The context and the server stay those of the start: a `kubectl config use-context` must
 * not lead a running daemon to another cluster. What cannot be loaded leaves the old in force.
 *
 * The files (kubeconfig, token, certificates) are read at most once in `maxAgeMs`, and after a 401: to read them for each of the
 * requests of a cold start cost a tenth of the daemon's time.
 */
export class Credentials {
  readonly #connection: KubernetesConnection;
  readonly #allowCommands: boolean;
  readonly #maxAgeMs: number;
  #config: PooledKubeConfig;
  #stamp: string | undefined;
  #known: { readonly access: Promise<Access>; readonly readAtMs: number } | undefined;

  /** Throws AppError CONFIG_INVALID or CONFIG_UNREADABLE. */
  constructor({ connection, allowCommands, maxAgeMs }: CredentialsOptions) {
    this.#config = loadKubeConfig(connection, allowCommands);
    this.#allowCommands = allowCommands;
    this.#maxAgeMs = maxAgeMs;
    const context = this.#config.getCurrentContext();
    this.#connection = connection.kind === 'kubeconfig' ? { ...connection, context } : connection;
  }

  /** Those of the moment when the client was made: its server and its context never change. */
  get first(): PooledKubeConfig {
    return this.#config;
  }

  /** What the next request is sent with. Fails with what reading a file, or a program, fails with. */
  current(): Promise<Access> {
    const known = this.#known;
    return known !== undefined && performance.now() - known.readAtMs < this.#maxAgeMs ? known.access : this.#readAnew();
  }

  /** After a 401 to a request with `used`: others to try it with, or undefined when there are none. */
  async renewed(used: Access): Promise<Access | undefined> {
    const now = await this.#readAnew();
    if (!isDeepStrictEqual(now, used)) return now;
    const user = this.#config.getCurrentUser();
    if (user === null || !startsPrograms(user)) return undefined;
    this.#reload();
    const next = await this.#readAnew();
    return isDeepStrictEqual(next, used) ? undefined : next;
  }

  #readAnew(): Promise<Access> {
    const known = { access: this.#read(), readAtMs: performance.now() };
    this.#known = known;
    known.access.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known.access;
  }

  async #read(): Promise<Access> {
    await this.#reloadChanged();
    const config = this.#config;
    const context = new RequestContext(config.getCurrentCluster()?.server ?? '', HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    const headers = context.getHeaders();
    const { Authorization: authorization } = headers;
    // A token read from a file ends in a newline, which no header may hold.
    const trimmed = authorization === undefined ? {} : { Authorization: authorization.trim() };
    return { headers: { ...headers, ...trimmed }, connect: config.dispatcherOptions };
  }

  async #reloadChanged(): Promise<void> {
    if (this.#connection.kind !== 'kubeconfig') return;
    const before = this.#stamp;
    const stamp = await stampOf(pathsOf(this.#connection));
    if (before !== undefined && stamp !== before && this.#stamp === before) this.#reload();
    this.#stamp = stamp;
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
