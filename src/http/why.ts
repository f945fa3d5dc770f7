import type { FastifyInstance } from 'fastify';
import { WHY_KINDS, type WhyQuestion } from '../core/report/explanation.ts';
import { whyNoQuestion } from '../core/report/why-no-question.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem } from './problem-document.ts';

const REMEDY = 'Ask with one of url, pool, node and name: /api/v1/why?url=https://shop.example.com/cart';

/**
 * `GET /api/v1/why?url=…|pool=…|node=…|name=…`: an `Explanation`. Leader and standby answer alike, each from what it knows itself. 400
 * for a question that is none, 503 until the first run has ended; a name that nobody knows is answered like any other.
 */
export function addWhy(app: FastifyInstance, { why }: Pick<HttpServerOptions, 'why'>): void {
  if (why === undefined) return;
  app.get<{ Querystring: Readonly<Record<string, string | readonly string[] | undefined>> }>('/api/v1/why', ({ query }, reply) => {
    const asked = questionOf(query);
    const wrong = typeof asked === 'string' ? asked : whyNoQuestion(asked);
    if (typeof asked === 'string' || wrong !== undefined) return sendProblem(reply, 400, { detail: wrong ?? '', remedy: REMEDY });
    const answer = why(asked);
    if (answer !== undefined) return reply.send(answer);
    reply.header('retry-after', 1);
    return sendProblem(reply, 503, { detail: 'The first run has not ended yet.', remedy: 'Try again in a moment.' });
  });
}

function questionOf(query: Readonly<Record<string, string | readonly string[] | undefined>>): WhyQuestion | string {
  const given = WHY_KINDS.flatMap((kind) => [query[kind] ?? []].flat().map((value) => ({ kind, value })));
  const [asked] = given;
  if (asked === undefined) return 'Nothing is asked about.';
  return given.length > 1 ? 'More than one thing is asked about.' : asked;
}
