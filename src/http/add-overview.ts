import type { FastifyInstance } from 'fastify';
import type { Events } from './events.ts';
import type { RunFollower } from './follow-runs.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import type { OverviewAnswer } from './overview.ts';
import { sendProblem } from './problem-document.ts';

interface OverviewSource extends Pick<HttpServerOptions, 'report' | 'token' | 'failing'> {
  readonly follower: RunFollower;
  readonly events: Pick<Events, 'catchUp'>;
}

/** Adds `GET /api/v1/overview`: the compact model that the page lives on. 503 until the first run has ended. */
export function addOverview(app: FastifyInstance, { follower, events, report, token, failing }: OverviewSource): void {
  app.get('/api/v1/overview', (_request, reply) => {
    events.catchUp();
    const last = report();
    const known = follower.answer();
    const failure = failing?.();
    if (last === undefined || known === undefined) {
      reply.header('retry-after', 1);
      const detail = failure === undefined ? 'The first run has not ended yet.' : `No run has ended yet: ${failure.says}.`;
      return sendProblem(reply, 503, { detail, remedy: 'Try again in a moment.' });
    }
    return reply.send({
      nowMs: Date.now(),
      token: token !== undefined,
      ...(failure === undefined ? {} : { failing: failure }),
      ...known,
      head: { ...known.head, sources: last.sources },
    } satisfies OverviewAnswer);
  });
}
