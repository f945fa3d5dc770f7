import { once } from 'node:events';
import {
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One request that came to the proxy, in the order of arrival. */
export interface RecordedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** True for reads that the server keeps open: watches and long polls. */
  readonly waits: boolean;
  /** Undefined until the server has answered, and for ever when it was not asked. */
  status: number | undefined;
}

/** What the proxy does with one request instead of passing it on. */
export type Intercept =
  /** Answers in the server's place; with `forward` the server is asked first, and its answer thrown away. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly forward?: true }
  /** Does something before the server is asked, then passes the request on. */
  | { readonly kind: 'delay'; readonly work: () => Promise<unknown> }
  /** Does something, then drops the connection; the server is never asked. */
  | { readonly kind: 'before'; readonly work: () => Promise<unknown> }
  /** Lets the server answer, does something, then drops the connection: the client never sees the answer. */
  | { readonly kind: 'after'; readonly work: () => Promise<unknown> };

/** Stands between the daemon and a server on loopback, counts, and breaks things. Plain HTTP on the daemon's side. */
export interface RecordingProxy {
  readonly url: string;
  /** Every request since the start or the last `forget`. */
  readonly requests: readonly RecordedRequest[];
  forget(): void;
  /** Asked for each request; the last one set decides. Undefined passes everything on. */
  intercept(choose: ((request: RecordedRequest) => Intercept | undefined) | undefined): void;
  /** Breaks every open connection. */
  cut(): void;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** Starts a proxy in front of an HTTP or HTTPS server (whose certificate is not checked: it is the test's own). */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const upstream = new Upstream(target);
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let choose: ((request: RecordedRequest) => Intercept | undefined) | undefined;

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray());
    const seen = record(incoming, body.toString());
    requests.push(seen);
    const intercept = choose?.(seen);
    if (intercept === undefined) return upstream.stream({ incoming, body, seen }, response);
    if (intercept.kind === 'before') await intercept.work();
    else if (intercept.kind === 'after') {
      await upstream.ask({ incoming, body, seen });
      await intercept.work();
    } else if (intercept.kind === 'delay') {
      await intercept.work();
      return upstream.stream({ incoming, body, seen }, response);
    } else {
      if (intercept.forward === true) await upstream.ask({ incoming, body, seen });
      response.writeHead(intercept.status, { 'content-type': contentType(intercept.body) }).end(intercept.body);
      return;
    }
    response.destroy();
  }

  const server = createServer((incoming, response) => void serve(incoming, response).catch(() => response.destroy()));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    forget: () => requests.splice(0),
    intercept: (next) => {
      choose = next;
    },
    cut,
    stop: async () => {
      cut();
      upstream.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function record(incoming: IncomingMessage, body: string): RecordedRequest {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://proxy');
  const waits = searchParams.has('watch') || searchParams.has('wait');
  return { atMs: Date.now(), method: incoming.method ?? '', path: pathname, query: searchParams, body, waits, status: undefined };
}

const contentType = (body: string): string => (body.startsWith('{') ? 'application/json' : 'text/plain');

interface Forwarded {
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
  readonly seen: RecordedRequest;
}

/** The server's side of the proxy. */
class Upstream {
  readonly #target: string;
  readonly #agent: HttpAgent;

  constructor(target: string) {
    this.#target = target;
    this.#agent = target.startsWith('https:') ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  /** Passes the request on and the answer back, piece by piece. Ends with either side. */
  async stream(forwarded: Forwarded, response: ServerResponse): Promise<void> {
    const answer = await this.#open(forwarded, (outgoing) => response.on('close', () => outgoing.destroy()));
    answer.on('error', () => response.destroy());
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  }

  /** Passes the request on and waits for the whole answer. */
  async ask(forwarded: Forwarded): Promise<Answer> {
    const answer = await this.#open(forwarded, () => undefined);
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(await answer.toArray()) };
  }

  close(): void {
    this.#agent.destroy();
  }

  #open({ incoming, body, seen }: Forwarded, opened: (outgoing: { destroy(): unknown }) => unknown): Promise<IncomingMessage> {
    const { host: _, ...headers } = incoming.headers;
    const secure = this.#target.startsWith('https:');
    const send = secure ? httpsRequest : httpRequest;
    const options = { method: seen.method, headers, agent: this.#agent, ...(secure ? { rejectUnauthorized: false } : {}) };
    return new Promise((resolve, reject) => {
      const outgoing = send(new URL(incoming.url ?? '/', this.#target), options, (answer) => {
        seen.status = answer.statusCode;
        resolve(answer);
      });
      outgoing.on('error', reject);
      opened(outgoing);
      outgoing.end(body);
    });
  }
}
