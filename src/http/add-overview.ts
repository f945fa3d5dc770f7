import type { FastifyInstance } from 'fastify';
import type { RunFollower } from './follow-runs.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import type { OverviewAnswer } from './overview.ts';
import { sendProblem } from './problem-document.ts';

/** Adds `GET /api/v1/overview`: the compact model that the page lives on. 503 until the first run has ended. */
export function addOverview(
  app: FastifyInstance,
  { follower, report, token }: Pick<HttpServerOptions, 'report' | 'token'> & { readonly follower: RunFollower },
): void {
  app.get('/api/v1/overview', (_request, reply) => {
    const last = report();
    // A run of which nobody was told, such as the first look.
    if (last !== undefined && follower.id() === '') follower.take(last);
    const known = follower.answer();
    if (last === undefined || known === undefined) {
      reply.header('retry-after', 1);
      return sendProblem(reply, 503, { detail: 'The first run has not ended yet.', remedy: 'Try again in a moment.' });
    }
    const head = { ...known.head, sources: last.sources };
    return reply.send({ nowMs: Date.now(), token: token !== undefined, ...known, head } satisfies OverviewAnswer);
  });
}
