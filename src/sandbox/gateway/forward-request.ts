import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** Headers that speak of one connection only. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/**
 * Sends a request on to `server` and its answer back. 502 when the server cannot be reached or breaks off before its answer, 504
 * when it says nothing for `timeoutMs`; an answer that breaks off later breaks off here too.
 */
export async function forwardRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { server, timeoutMs }: { readonly server: string; readonly timeoutMs: number },
): Promise<void> {
  const forwarded = { 'x-forwarded-for': incoming.socket.remoteAddress ?? '', 'x-forwarded-host': incoming.headers.host ?? '' };
  const headers = { ...withoutHopByHop(incoming.headers), ...forwarded, 'x-forwarded-proto': 'http' };
  const { method = 'GET', url = '/' } = incoming;
  // A connection for each: none is found broken because its server closed it while it was idle.
  const request = httpRequest(new URL(server), { method, path: url, headers, agent: false, timeout: timeoutMs });
  request.on('timeout', () => request.destroy(new Error('timeout')));
  outgoing.on('close', () => request.destroy());
  try {
    // A server may answer before it has read the whole body; what breaks then is told by the answer.
    pipeline(incoming, request).catch(() => undefined);
    const answer = await answerOf(request);
    outgoing.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers));
    await pipeline(answer, outgoing);
  } catch (error) {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, error instanceof Error && error.message === 'timeout' ? 504 : 502);
  }
}

/** Answers with a status of the gateway's own. */
export function refuse(outgoing: ServerResponse, status: 404 | 502 | 503 | 504): void {
  const texts = { 404: '404 page not found', 502: 'Bad Gateway', 503: 'no available server', 504: 'Gateway Timeout' };
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${texts[status]}\n`);
}

const answerOf = (request: ReturnType<typeof httpRequest>): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request.once('response', resolve).once('error', reject));

const withoutHopByHop = (headers: IncomingMessage['headers']): IncomingMessage['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
