import { Agent } from 'undici';
import type { RouteTarget } from '../../core/model/ports.ts';
import { errorText } from '../../shared/errors.ts';

/** How a Traefik entry point is reached. */
export interface EntryPointOptions {
  /** Its scheme, host and port; a path counts for nothing. */
  readonly url: string;
  /** PEM of the authorities that may have signed the certificates of the hosts; absent: those of Node. */
  readonly ca?: string;
  /** True: certificates are not checked. */
  readonly insecureSkipVerify?: boolean;
}

/** What one request said. */
export interface RouteReply {
  readonly ok: boolean;
  readonly status?: number;
  readonly error?: string;
}

/** Sends requests to one entry point. */
export interface RouteAsker {
  /** Never throws: what goes wrong is the reply. */
  ask(target: RouteTarget, signal: AbortSignal): Promise<RouteReply>;
  close(): Promise<void>;
}

/** What Traefik 3 answers when no router takes a request (Go's http.NotFound). */
const TRAEFIK_404 = '404 page not found\n';
const MOST_DRAINED = 64 * 1024;

/** Makes the sender. Redirections are not followed, and bodies not read; over TLS the server name is that of the route. */
export function createRouteAsker({ url, ca, insecureSkipVerify }: EntryPointOptions, connections: number): RouteAsker {
  const { origin } = new URL(url);
  const trust = { ...(ca === undefined ? {} : { ca }), ...(insecureSkipVerify === true ? { rejectUnauthorized: false } : {}) };
  // The deadline of the call rules: timers of this client tell seconds only.
  const agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0, connect: trust });
  return {
    async ask({ host, path, codes }, signal) {
      try {
        const headers = { host, 'user-agent': 'poolkeeper-probe' };
        const { statusCode: status, headers: got, body } = await agent.request({ origin, path, method: 'GET', headers, signal });
        const length = Number(got['content-length'] ?? Number.NaN);
        // It may end with an error once nobody reads it.
        body.on('error', () => undefined);
        if (status === 404 && length === TRAEFIK_404.length) return judge(status, codes, (await body.text()) === TRAEFIK_404);
        // What may be endless is cut off, with its connection.
        if (length <= MOST_DRAINED) await body.dump({ limit: MOST_DRAINED, signal });
        else body.destroy();
        return judge(status, codes, false);
      } catch (error) {
        return { ok: false, error: isTimeout(signal) ? 'no answer in time' : errorText(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

const isTimeout = ({ reason }: AbortSignal): boolean => reason instanceof Error && reason.name === 'TimeoutError';

function judge(status: number, codes: RouteTarget['codes'], isOwn: boolean): RouteReply {
  const ok = codes === undefined ? status < 500 && !isOwn : codes.some(({ from, to }) => from <= status && status <= to);
  if (ok) return { ok, status };
  return { ok, status, error: isOwn ? 'HTTP 404 of Traefik itself: no router takes the request' : `HTTP ${status}` };
}
