import type { FastifyInstance } from 'fastify';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem } from './problem-document.ts';
import { showFromLeader } from './show-from-leader.ts';

const LONGEST_SPEC = 4_096;

/**
 * `GET /api/v1/history?spec=…`: a `SpecHistoryAnswer`. A standby gives the leader's answer where it gets one: that one knows what has become
 * of the commits. 400 where no spec is named, 404 for one that nobody knows.
 */
export function addHistory(
  app: FastifyInstance,
  { history, report, ...rest }: Pick<HttpServerOptions, 'history' | 'report' | 'leader' | 'token'>,
): void {
  if (history === undefined) return;
  app.get<{ Querystring: { readonly spec?: string | readonly string[] } }>(
    '/api/v1/history',
    { preHandler: showFromLeader(rest) },
    async ({ query: { spec } }, reply) => {
      if (typeof spec !== 'string' || spec === '' || spec.length > LONGEST_SPEC)
        return sendProblem(reply, 400, { detail: 'One spec is to be named.', remedy: 'Ask like this: /api/v1/history?spec=shop.yaml' });
      if (report() === undefined) {
        reply.header('retry-after', 1);
        return sendProblem(reply, 503, { detail: 'The first run has not ended yet.', remedy: 'Try again in a moment.' });
      }
      const answer = await history(spec);
      if (answer !== undefined) return reply.send(answer);
      return sendProblem(reply, 404, { detail: `There is no spec ${spec}.`, remedy: 'GET /api/v1/specs lists them all.' });
    },
  );
}
