import { type Dispatcher, request as sendRequest } from 'undici';
import { orAborted, withDeadline } from '../../shared/abort.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { KubernetesConnection } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { type Access, Credentials } from './credentials.ts';
import { readJsonLines } from './json-lines.ts';

/** One request. `path` begins with a slash; the body is sent as written. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Members that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: unknown;
  /** Deadline of this request; the client's own when absent. */
  readonly timeoutMs?: number;
  /** An answer longer than this is refused as if there was none. */
  readonly maxBytes?: number;
  /** Asked each time that the request is about to be written to a connection, whatever it has waited for. What it throws ends it. */
  readonly permit?: () => void;
}

/** An answer of any status. The body is decoded JSON, or text when it is not JSON. */
export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
  /** From Retry-After, when the server sent one. */
  readonly retryAfterMs?: number;
}

/** An answer that goes on: one JSON document a line. Ends when the server ends it; fails with an AppError. */
export interface KubeStream {
  readonly status: 200;
  readonly documents: AsyncIterable<unknown>;
}

/** The API server, over pooled connections. Fails with AppError KUBERNETES_UNAVAILABLE when there is no answer in time. */
export interface KubeClient {
  /** The address of the API server. */
  readonly server: string;
  /** The namespace of the connection: the pod's own in a cluster, the context's in a kubeconfig. */
  readonly namespace: string | undefined;
  /** Sends a request and reads the whole answer. */
  send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer>;
  /** Sends a request whose answer is read line by line; every status but 200 is read whole. `timeoutMs` ends the stream, too. */
  open(request: KubeRequest, signal: AbortSignal): Promise<KubeStream | KubeAnswer>;
  /** Closes every connection. */
  close(): Promise<void>;
}

export interface KubeClientOptions {
  readonly connection: KubernetesConnection;
  /** Lets a kubeconfig start programs to log in. Default false. */
  readonly allowCommands?: boolean;
  /** Deadline of a request that names none, in milliseconds. Default 10 s. */
  readonly timeoutMs?: number;
  /** How old tokens and certificates that were read from files may be, in milliseconds. Default 1 s; a 401 has them read anew. */
  readonly credentialsAgeMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CREDENTIALS_AGE_MS = 1000;
/** No request waits longer than this for the first byte, whatever its own deadline. */
const HEADERS_TIMEOUT_MS = 60_000;

/** Makes a client. Opens no connection yet; throws AppError CONFIG_INVALID or CONFIG_UNREADABLE. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { connection, allowCommands = false, timeoutMs = DEFAULT_TIMEOUT_MS, credentialsAgeMs = DEFAULT_CREDENTIALS_AGE_MS } = options;
  return new PooledClient(new Credentials({ connection, allowCommands, maxAgeMs: credentialsAgeMs }), timeoutMs);
}

class PooledClient implements KubeClient {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #pool = new ConnectionPool(HEADERS_TIMEOUT_MS);

  constructor(credentials: Credentials, timeoutMs: number) {
    const config = credentials.first;
    this.#credentials = credentials;
    this.server = config.getCurrentCluster()?.server ?? '';
    this.#timeoutMs = timeoutMs;
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  }

  async send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> {
    try {
      const response = await this.#fetch(request, 'calls', this.#deadline(request, signal));
      return await readAnswer(response, request.maxBytes);
    } catch (error) {
      throw this.#failure(request, error, signal);
    }
  }

  async open(request: KubeRequest, signal: AbortSignal): Promise<KubeStream | KubeAnswer> {
    try {
      const response = await this.#fetch(request, 'streams', this.#deadline(request, signal));
      if (response.statusCode !== 200) return await readAnswer(response);
      return { status: 200, documents: this.#documents(request, response.body, signal) };
    } catch (error) {
      throw this.#failure(request, error, signal);
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async *#documents(request: KubeRequest, stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator {
    try {
      yield* readJsonLines(stream);
    } catch (error) {
      throw this.#failure(request, error, signal);
    }
  }

  #deadline(request: KubeRequest, signal: AbortSignal): AbortSignal {
    return withDeadline(signal, request.timeoutMs ?? this.#timeoutMs);
  }

  async #fetch(request: KubeRequest, use: 'calls' | 'streams', signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    // It may run a program to log in, which may hang.
    const access = await orAborted(this.#credentials.current(), signal);
    const response = await this.#ask(access, { request, use }, signal);
    if (response.statusCode !== 401) return response;
    const renewed = await orAborted(this.#credentials.renewed(access), signal);
    if (renewed === undefined) return response;
    await response.body.dump();
    return this.#ask(renewed, { request, use }, signal);
  }

  /** The package's own sender goes through fetch, which costs more than all else about a request. */
  #ask(
    { headers, connect }: Access,
    { request, use }: { readonly request: KubeRequest; readonly use: 'calls' | 'streams' },
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { method, accept = 'application/json', contentType = 'application/json', body } = request;
    const sent = body === undefined ? {} : { 'Content-Type': contentType };
    const dispatcher = this.#pool.dispatcher(connect, use);
    return sendRequest(this.#url(request), {
      method,
      headers: { ...headers, ...sent, Accept: accept, 'User-Agent': 'poolkeeper' },
      dispatcher: request.permit === undefined ? dispatcher : asking(dispatcher, request.permit),
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  #url(request: KubeRequest): string {
    const url = new URL(this.server.replace(/\/$/, '') + request.path);
    for (const [key, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(key, value);
    return url.toString();
  }

  /** An abort of the caller goes through as it is; everything else is "no answer". */
  #failure(request: KubeRequest, error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof AppError) return error;
    const seconds = (request.timeoutMs ?? this.#timeoutMs) / 1000;
    const late = error instanceof Error && error.name === 'TimeoutError';
    const reason = late ? `no end after ${seconds} s` : errorText(error);
    return new AppError(problem('KUBERNETES_UNAVAILABLE', `the API server did not answer ${request.method} ${request.path}: ${reason}`), {
      cause: error,
    });
  }
}

/** Asks before each request is written: it may have waited for a connection, or the process have been paused. */
const asking = (dispatcher: Dispatcher, permit: () => void): Dispatcher =>
  dispatcher.compose(
    (dispatch) => (options, handler) =>
      dispatch(options, {
        onRequestStart: (controller, context) => {
          permit();
          handler.onRequestStart?.(controller, context);
        },
        onResponseStart: (...answer) => handler.onResponseStart?.(...answer),
        onResponseData: (...data) => handler.onResponseData?.(...data),
        onResponseEnd: (...end) => handler.onResponseEnd?.(...end),
        onResponseError: (...error) => handler.onResponseError?.(...error),
      }),
  );

async function readAnswer({ statusCode, headers, body }: Dispatcher.ResponseData, maxBytes?: number): Promise<KubeAnswer> {
  const text = maxBytes === undefined ? await body.text() : await readUpTo(body, maxBytes);
  const retryAfterMs = readRetryAfter([headers['retry-after']].flat()[0]);
  return {
    status: statusCode,
    body: parseBody(text),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Leaving the loop ends the connection. */
async function readUpTo(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds, or a date (RFC 9110, 10.2.3); proxies send both. */
function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
