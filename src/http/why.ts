import type { FastifyInstance } from 'fastify';
import { WHY_KINDS, type WhyQuestion } from '../core/report/explanation.ts';
import { whyNoQuestion } from '../core/report/why-no-question.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem } from './problem-document.ts';
import { showFromLeader } from './show-from-leader.ts';

const REMEDY = 'Ask with one of url, pool, node, commit and name: /api/v1/why?url=https://shop.example.com/cart';

type WhyQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * `GET /api/v1/why?url=…|pool=…|node=…|commit=…|name=…`: an `Explanation`. A standby gives the leader's, who knows what Traefik serves and what
 * has become of commits; where that one does not answer, its own. 400
 * for a question that is none, 503 until the first run has ended; a name that nobody knows is answered like any other.
 */
export function addWhy(app: FastifyInstance, { why, ...rest }: Pick<HttpServerOptions, 'why' | 'leader' | 'token'>): void {
  if (why === undefined) return;
  const preHandler = showFromLeader(rest);
  app.get<{ Querystring: WhyQuery }>('/api/v1/why', { preHandler }, ({ query }, reply) => {
    const asked = questionOf(query);
    const wrong = typeof asked === 'string' ? asked : whyNoQuestion(asked);
    if (typeof asked === 'string' || wrong !== undefined) return sendProblem(reply, 400, { detail: wrong ?? '', remedy: REMEDY });
    const answer = why(asked);
    if (answer !== undefined) return reply.send(answer);
    reply.header('retry-after', 1);
    return sendProblem(reply, 503, { detail: 'The first run has not ended yet.', remedy: 'Try again in a moment.' });
  });
}

function questionOf(query: WhyQuery): WhyQuestion | string {
  const given = WHY_KINDS.flatMap((kind) => [query[kind] ?? []].flat().map((value) => ({ kind, value })));
  const [asked] = given;
  if (asked === undefined) return 'Nothing is asked about.';
  return given.length > 1 ? 'More than one thing is asked about.' : asked;
}
