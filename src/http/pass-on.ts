import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorText } from '../shared/errors.ts';
import { sendProblem } from './problem-document.ts';

/** Marks a request that comes from another replica: it is never passed on again. */
const PASSED_ON = 'poolkeeper-passed-on';

/** Less than a client waits for the whole answer. */
const LEADER_MS = 8_000;

/**
 * A hook that hands a request to change something on to the replica that leads, with those of its headers that prove who sent it
 * (by default the token), and gives that one's answer. `leader` tells where that is; undefined while we lead, or while nobody can tell who does: then the
 * request is answered here.
 */
export function passOn(leader: () => string | undefined, headers: readonly string[] = ['authorization']) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const url = leader();
    if (url === undefined) return undefined;
    if (request.headers[PASSED_ON] !== undefined) return unanswered(reply, `The leader at ${url} is not this replica.`);
    try {
      const { status, type, text } = await ask(url, request, headers);
      // A string, as it came.
      return await reply
        .code(status)
        .type(type)
        .serializer((body: string) => body)
        .send(text);
    } catch (error) {
      return unanswered(reply, `The leader at ${url} does not answer: ${errorText(error)}.`);
    }
  };
}

const unanswered = (reply: FastifyReply, detail: string): FastifyReply =>
  sendProblem(reply, 503, {
    detail,
    code: 'DAEMON_UNREACHABLE',
    remedy: 'Try again: another replica takes over within 25 s. If it stays so, set http.advertise to an address that replicas can reach.',
  });

interface LeaderAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

async function ask(url: string, { method, url: path, headers, body }: FastifyRequest, kept: readonly string[]): Promise<LeaderAnswer> {
  // Not resolved against it: a path that begins with two slashes would name another host.
  const answer = await fetch(`${new URL(url).origin}${path}`, {
    method,
    headers: {
      [PASSED_ON]: 'yes',
      ...Object.fromEntries(kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]))),
      ...(body === undefined ? {} : { 'content-type': headers['content-type'] ?? 'application/json' }),
    },
    // What is signed must arrive as it came.
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
    // A redirect would carry the token to someone else.
    redirect: 'error',
    signal: AbortSignal.timeout(LEADER_MS),
  });
  return { status: answer.status, type: answer.headers.get('content-type') ?? 'application/json', text: await answer.text() };
}
