import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS } from '../shared/problem.ts';
import { sendProblem } from './problem-document.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { isSameSecret } from './same-secret.ts';
import { PASSED_ON, type StandbySignatures, signedRequest } from './standby-signatures.ts';

/**
 * A hook that lets a request to change something pass only if it was not sent by a web page of another site, its sender is
 * within the limit, and it carries the token, when there is one. Otherwise it answers 403, 429 or 401. What a standby has signed
 * instead is for `guardPassedOn`, which knows the body.
 */
export function guardMutations(token: string | undefined, limiter: RateLimiter) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (isForeignPage(request)) {
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
    if (token === undefined || carriesToken(request, token) || request.headers[PASSED_ON] !== undefined) return undefined;
    return refuseToken(reply, 'The token is missing or wrong.');
  };
}

/** A hook, once the body is read, that lets pass what carries the token or the signature of a standby that knows it; else it answers 401. */
export function guardPassedOn(token: string, signatures: StandbySignatures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (carriesToken(request, token) || signatures.take(request.headers[PASSED_ON], signedRequest(request))) return undefined;
    return refuseToken(reply, 'No replica with this token has signed the request within the last minute, or it came before.');
  };
}

function refuseToken(reply: FastifyReply, detail: string): FastifyReply {
  reply.header('www-authenticate', 'Bearer realm="poolkeeper"');
  return sendProblem(reply, 401, { detail, code: 'UNAUTHORIZED', remedy: PROBLEMS.UNAUTHORIZED.remedy });
}

/** A browser can be made to send requests to the machine it runs on. It then names the page's origin; for DNS rebinding see `guardHosts`. */
function isForeignPage({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && URL.parse(headers.origin)?.host !== host;
}

function carriesToken({ headers }: FastifyRequest, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  return given !== undefined && isSameSecret(given, token);
}
