import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One request that passed the proxy. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly isWatch: boolean;
}

/** What the proxy answers in the server's place; `'cut'` closes the connection without an answer. */
export type FalseAnswer = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> } | 'cut';

/** Stands between a client and an API server on loopback: counts, and breaks things. */
export interface FaultProxy {
  readonly url: string;
  /** Every request since the start or the last `forget`. */
  seen(): readonly SeenRequest[];
  forget(): void;
  /** Answers in the server's place as long as the function returns something. */
  answer(falsify: ((request: SeenRequest) => FalseAnswer | undefined) | undefined): void;
  /** Closes every open connection. */
  cut(): void;
  /** Holds back every answer, or those of watches, on open connections too; connections stay open. */
  freeze(what?: 'all' | 'watches'): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Starts a proxy before the API server at `target`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const seen: SeenRequest[] = [];
  const flows = new Map<IncomingMessage, { readonly response: ServerResponse; readonly isWatch: boolean }>();
  let falsify: ((request: SeenRequest) => FalseAnswer | undefined) | undefined;
  let frozen: 'all' | 'watches' | undefined;
  let thawed: (() => void)[] = [];

  const server = createServer((request, response) => {
    const shown = describe(request);
    seen.push(shown);
    const answer = falsify?.(shown);
    if (answer === 'cut') request.socket.destroy();
    else if (answer !== undefined) send(response, answer);
    else forward(request, response, shown.isWatch);
  });

  function forward(request: IncomingMessage, response: ServerResponse, isWatch: boolean): void {
    const options = { method: request.method, headers: { ...request.headers, host: new URL(target).host }, rejectUnauthorized: false };
    const open = target.startsWith('https:') ? httpsRequest : httpRequest;
    const outgoing = open(new URL(request.url ?? '/', target), options, (incoming) => {
      const pass = (): void => {
        response.writeHead(incoming.statusCode ?? 502, incoming.headers);
        response.flushHeaders();
        incoming.pipe(response);
        flows.set(incoming, { response, isWatch });
        incoming.once('close', () => flows.delete(incoming));
      };
      incoming.once('error', () => response.destroy());
      if (frozen === 'all' || (frozen === 'watches' && isWatch)) thawed.push(pass);
      else pass();
    });
    outgoing.once('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    request.pipe(outgoing);
  }

  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => [...seen],
    forget: () => seen.splice(0),
    answer: (next) => {
      falsify = next;
    },
    cut,
    freeze: (what = 'all') => {
      frozen = what;
      for (const [flow, { isWatch }] of flows) if (what === 'all' || isWatch) flow.unpipe();
    },
    thaw: () => {
      frozen = undefined;
      const waiting = thawed;
      thawed = [];
      for (const [flow, { response }] of flows) flow.pipe(response);
      for (const pass of waiting) pass();
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function describe(request: IncomingMessage): SeenRequest {
  const url = new URL(request.url ?? '/', 'http://proxy');
  const isWatch = url.searchParams.has('watch');
  return { method: request.method ?? '', path: url.pathname, query: url.searchParams, accept: request.headers.accept ?? '', isWatch };
}

function send(response: ServerResponse, answer: Exclude<FalseAnswer, 'cut'>): void {
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
}
