import { EventEmitter } from 'node:events';
import Consul from 'consul';

/** What a call of the package resolves with when its context asks for the response too. */
export interface PackageResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Decoded JSON, or a text or buffer of another content type; undefined for an empty answer. */
  readonly body?: unknown;
}

/** A call's context: emitting `cancel` ends the call, `includeResponse` makes it resolve with `[response, value]`. */
export type PackageContext = EventEmitter & { readonly includeResponse: true };

/** Options of any call; names as the package wants them. */
export interface PackageOptions {
  readonly ctx: PackageContext;
  readonly timeout: number;
  readonly token?: string;
  readonly [name: string]: unknown;
}

type Call = (options: PackageOptions) => Promise<[PackageResponse, unknown]>;

/**
 * The part of the `consul` package that we use, as it is: its own types refuse `timeout`, `ctx`, `consistent`, `index` and
 * the PascalCase operations of transactions, all of which work.
 */
export interface ConsulPackage {
  readonly catalog: { readonly node: { readonly list: Call }; readonly service: { readonly list: Call } };
  readonly health: { readonly state: Call };
  readonly kv: { readonly get: Call; readonly keys: Call; readonly set: Call };
  readonly session: { readonly create: Call; readonly renew: Call; readonly destroy: Call };
  readonly agent: { readonly self: Call };
  readonly status: { readonly leader: Call };
  readonly transaction: {
    readonly create: (operations: readonly unknown[], options: PackageOptions) => Promise<[PackageResponse, unknown]>;
  };
  /** The papi client below, for endpoints that the package does not know. Resolves with the response, rejects for a status other than 2xx. */
  _get(request: {
    readonly name: string;
    readonly path: string;
    readonly params: Readonly<Record<string, string>>;
    readonly query: Readonly<Record<string, string>>;
    readonly headers: Readonly<Record<string, string>>;
    readonly timeout: number;
    readonly ctx: PackageContext;
  }): Promise<PackageResponse>;
  destroy(): void;
}

/** Opens the package on `baseUrl` (with `/v1`) over `agent`, whose sockets it shares; every request carries `headers`. */
export function openConsulPackage(
  baseUrl: string,
  { agent, headers }: { readonly agent: unknown; readonly headers: Readonly<Record<string, string>> },
): ConsulPackage {
  // Its constructor type lacks baseUrl and headers.
  return new Consul({ baseUrl, agent, headers } as ConstructorParameters<typeof Consul>[0]) as unknown as ConsulPackage;
}

/** Runs one call of the package so that it ends when `signal` aborts: the package knows no AbortSignal. */
export async function runWithSignal<T>(call: (context: PackageContext) => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const context = Object.assign(new EventEmitter(), { includeResponse: true } as const);
  const cancel = () => context.emit('cancel');
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await call(context);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
