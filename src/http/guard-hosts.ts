import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../shared/loopback.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem } from './problem-document.ts';

/** They tell nothing, or prove themselves: whoever watches over processes, or sends webhooks by a proxy, may use any name. */
const OPEN = /^\/(livez|readyz|hooks\/\w+)(\?|$)/;

/**
 * A hook against DNS rebinding: a web page of another site can have its own name lead to this machine, and then reads what only this
 * machine may see. While there is no token, requests must be for a loopback name or one of `allowedHosts`; others are answered with 403. HTTP/1.0
 * without a Host header passes, since no browser sends that.
 */
export function guardHosts({ token, allowedHosts = [] }: Pick<HttpServerOptions, 'token' | 'allowedHosts'>) {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return async ({ hostname, url }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
    if (token !== undefined || host === '' || isLoopback(host) || allowed.has(host) || OPEN.test(url)) return undefined;
    return sendProblem(reply, 403, {
      detail: `This server does not go by the name ${host}.`,
      remedy: 'Ask for localhost, add the name to http.allowedHosts, or set http.tokenFile.',
    });
  };
}
