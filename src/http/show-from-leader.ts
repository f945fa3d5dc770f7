import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServerOptions } from './http-server-options.ts';
import { askLeader } from './pass-on.ts';
import { PASSED_ON, StandbySignatures } from './standby-signatures.ts';

/** Who looks at a page does not wait longer for a leader that may be away. */
const LEADER_MS = 2_000;

/**
 * A hook for a question that changes nothing: a standby gives the leader's answer, which knows more, and its own where that one gives none.
 */
export function showFromLeader({ leader, token }: Pick<HttpServerOptions, 'leader' | 'token'>) {
  const signatures = token === undefined ? undefined : new StandbySignatures(token);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const url = leader?.();
    if (url === undefined || request.headers[PASSED_ON] !== undefined) return undefined;
    try {
      const { status, type, text } = await askLeader(url, request, { signatures, timeoutMs: LEADER_MS });
      if (status !== 200) return undefined;
      return await reply
        .type(type)
        .serializer((body: string) => body)
        .send(text);
    } catch {
      return undefined;
    }
  };
}
