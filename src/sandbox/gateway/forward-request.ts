import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { errorAnswer, type GatewayAnswer, type GatewayRequest, type HeaderChange, type HeaderMap, plainAnswer } from './gateway-request.ts';
import type { RouteServer } from './routing-table.ts';

/** Headers that speak of one connection only. */
const HOP_BY_HOP = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
]);

/** Where a request goes, and how its answer comes back. */
export interface Forwarding {
  readonly server: RouteServer;
  readonly passHostHeader: boolean;
  readonly timeoutMs: number;
  readonly back: HeaderChange;
}

/** A request as it came in, its place for the answer, and what the middlewares made of it. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly request: GatewayRequest;
}

/**
 * Sends a request on to a server and its answer back. 502 when the server breaks off before its answer, 504 when it says nothing for
 * `timeoutMs`; an answer that breaks off later breaks off here too. False, and nothing done, when the server takes no connection.
 */
export async function forwardRequest({ incoming, outgoing, request }: Exchange, forwarding: Forwarding): Promise<boolean> {
  const { server, timeoutMs, back } = forwarding;
  const headers = headersFor(incoming, request, forwarding);
  const target = targetOf(request, server);
  // A connection for each: none is found broken because its server closed it while it was idle.
  const sent = httpRequest(new URL(server.url), { method: request.method, path: target, headers, agent: false, timeout: timeoutMs });
  sent.on('timeout', () => sent.destroy(new Error('timeout')));
  outgoing.on('close', () => sent.destroy());
  const answered = answerOf(sent);
  try {
    await Promise.race([connectionOf(sent), answered]);
  } catch (error) {
    if (!isTimeout(error)) return false;
  }
  try {
    // A server may answer before it has read the whole body; what breaks then is told by the answer.
    pipeline(incoming, sent).catch(() => undefined);
    const answer = await answered;
    const seen = new Map(Object.entries(answer.headersDistinct).map(([name, values = []]) => [name, values] as const));
    outgoing.writeHead(answer.statusCode ?? 502, headerObject(back(withoutHopByHop(seen))));
    await pipeline(answer, outgoing);
  } catch (error) {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, isTimeout(error) ? 504 : 502, back);
  }
  return true;
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.message === 'timeout';

function headersFor(incoming: IncomingMessage, request: GatewayRequest, { server, passHostHeader }: Forwarding) {
  const { host, headers, clientIp } = request;
  const before = headers.get('x-forwarded-for');
  const forwarded = before?.length === 0 ? {} : { 'x-forwarded-for': [...(before ?? []), clientIp].join(', ') };
  const isChunked = incoming.headers['transfer-encoding'] !== undefined;
  return {
    ...headerObject(withoutHopByHop(new Map([...headers].filter(([, values]) => values.length > 0)))),
    ...forwarded,
    ...(isChunked ? { 'transfer-encoding': 'chunked' } : {}),
    host: passHostHeader ? host : new URL(server.url).host,
  };
}

/** The path of the server's URL is left out unless it is to be kept. */
function targetOf({ target }: GatewayRequest, { url, preservePath }: RouteServer): string {
  const mark = target.indexOf('?');
  const [path, query] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark).replaceAll(';', '&')];
  return `${preservePath ? `${new URL(url).pathname.replace(/\/$/, '')}/${path.replace(/^\//, '')}` : path}${query}`;
}

/** Answers with a status of the gateway's own. */
export function refuse(outgoing: ServerResponse, status: keyof typeof REFUSALS, back: HeaderChange = (seen) => seen): void {
  sendAnswer(outgoing, REFUSALS[status].answer, back);
}

const REFUSALS = {
  400: plainAnswer(400, ''),
  404: errorAnswer(404, '404 page not found'),
  500: plainAnswer(500, 'Internal Server Error'),
  502: plainAnswer(502, 'Bad Gateway'),
  503: errorAnswer(503, 'no available server'),
  504: plainAnswer(504, 'Gateway Timeout'),
};

/** Sends an answer of a middleware's or the gateway's own. */
export function sendAnswer(outgoing: ServerResponse, { status, headers, body }: GatewayAnswer, back: HeaderChange): void {
  outgoing.writeHead(status, { ...headerObject(back(headers)), 'content-length': Buffer.byteLength(body) }).end(body);
}

const connectionOf = (request: ReturnType<typeof httpRequest>): Promise<void> =>
  new Promise((resolve, reject) => {
    request.once('socket', (socket) => void (socket.connecting ? socket.once('connect', resolve) : resolve()));
    request.once('error', reject);
  });

const answerOf = (request: ReturnType<typeof httpRequest>): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));

const withoutHopByHop = (headers: HeaderMap): HeaderMap => new Map([...headers].filter(([name]) => !HOP_BY_HOP.has(name)));

const headerObject = (headers: HeaderMap): Readonly<Record<string, string | string[]>> =>
  Object.fromEntries([...headers].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : [...values]]));
