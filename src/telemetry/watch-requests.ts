import diagnostics from 'node:diagnostics_channel';
import type { LegName } from '../core/report/run-report.ts';

/** One HTTP request that was answered, or failed before there was an answer. */
export interface RequestFact {
  readonly leg: LegName;
  readonly method: string;
  /** The HTTP status, or `tls`, `timeout` or `error`. */
  readonly code: string;
}

/** What the channels tell of a request: undici names its origin, Node's own client its protocol and headers. */
interface Message {
  readonly request: {
    readonly method: string;
    readonly origin?: string | URL;
    readonly protocol?: string;
    getHeader?(name: string): unknown;
  };
  readonly response?: { readonly statusCode?: number };
  readonly error?: Error & { readonly code?: string };
}

/** The `consul` package sends by Node's own client, all others by undici. */
const CHANNELS = ['undici:request:headers', 'undici:request:error', 'http.client.response.finish', 'http.client.request.error'];

/**
 * Tells of every request of this process to one of `servers` (leg by origin, such as `http://127.0.0.1:8500`), until the function that
 * it gives is called.
 */
export function watchRequests(servers: ReadonlyMap<string, LegName>, tell: (fact: RequestFact) => void): () => void {
  const told = new WeakSet<Message['request']>();
  const listen = (message: unknown): void => {
    const { request, response, error } = message as Message;
    const leg = servers.get(originOf(request));
    if (leg === undefined || error?.name === 'AbortError' || isHint(response)) return;
    // A request is told by its answer, also when that breaks off later: a watch ends so.
    if (told.has(request)) return;
    told.add(request);
    tell({ leg, method: request.method, code: error === undefined ? String(response?.statusCode ?? 'error') : failureClass(error) });
  };
  for (const channel of CHANNELS) diagnostics.subscribe(channel, listen);
  return () => {
    for (const channel of CHANNELS) diagnostics.unsubscribe(channel, listen);
  };
}

/** An answer that says only that another one follows; 101 is the last. */
const isHint = (response: Message['response']): boolean =>
  response?.statusCode !== undefined && response.statusCode < 200 && response.statusCode !== 101;

function originOf(request: Message['request']): string {
  if (request.origin !== undefined) return String(request.origin);
  return `${request.protocol ?? 'http:'}//${String(request.getHeader?.('host') ?? '')}`;
}

const TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_|HOSTNAME_MISMATCH)/;
const TIMEOUT = /TIMEDOUT|_TIMEOUT$/;

function failureClass({ name, code = '' }: NonNullable<Message['error']>): string {
  if (TLS.test(code)) return 'tls';
  return name === 'TimeoutError' || TIMEOUT.test(code) ? 'timeout' : 'error';
}
