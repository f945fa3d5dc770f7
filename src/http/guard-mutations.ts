import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../shared/loopback.ts';
import { PROBLEMS } from '../shared/problem.ts';
import { sendProblem } from './problem-document.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { isSameSecret } from './same-secret.ts';

/**
 * A hook that lets a request to change something pass only if it was not sent by a web page of another site, its sender is
 * within the limit, and it carries the token, when there is one. Otherwise it answers 403, 429 or 401.
 */
export function guardMutations(token: string | undefined, limiter: RateLimiter) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (isForeignPage(request, token !== undefined)) {
      return sendProblem(reply, 403, {
        detail: 'Requests from web pages of other sites are refused.',
        remedy: 'Send the request without a browser.',
      });
    }
    const waitSeconds = limiter.take(request.ip);
    if (waitSeconds > 0) {
      reply.header('retry-after', waitSeconds);
      return sendProblem(reply, 429, { detail: `Too many requests from ${request.ip}.`, remedy: `Try again in ${waitSeconds} seconds.` });
    }
    if (token !== undefined && !carriesToken(request, token)) {
      reply.header('www-authenticate', 'Bearer realm="poolkeeper"');
      return sendProblem(reply, 401, {
        detail: 'The token is missing or wrong.',
        code: 'UNAUTHORIZED',
        remedy: PROBLEMS.UNAUTHORIZED.remedy,
      });
    }
    return undefined;
  };
}

/**
 * A browser can be made to send requests to the machine it runs on. It then names the page's origin, or, after DNS rebinding,
 * a host that is not ours: without a token only loopback names are good.
 */
function isForeignPage({ headers, host, hostname }: FastifyRequest, hasToken: boolean): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (headers.origin !== undefined && URL.parse(headers.origin)?.host !== host) return true;
  return !hasToken && !isLoopback(hostname.replace(/^\[|\]$/g, ''));
}

function carriesToken({ headers }: FastifyRequest, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  return given !== undefined && isSameSecret(given, token);
}
