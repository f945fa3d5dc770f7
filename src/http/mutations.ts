import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SpecId } from '../core/model/ids.ts';
import type { ResyncOutcome } from '../core/report/run-report.ts';
import { guardMutations } from './guard-mutations.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { addMigrations } from './migrations.ts';
import { addNodeDrains } from './node-drains.ts';
import { passOn } from './pass-on.ts';
import { sendProblem } from './problem-document.ts';
import { RateLimiter } from './rate-limiter.ts';

type Source = Pick<HttpServerOptions, 'token' | 'leader' | 'resync' | 'drain' | 'migrate' | 'onResync' | 'mutationsPerMinute'>;

const ResyncBody = z.strictObject({ spec: z.string().min(1).max(4096).optional() }).optional();

const REFUSED: Readonly<Record<number, ResyncOutcome>> = { 401: 'unauthorized', 403: 'unauthorized', 404: 'unknown-spec', 429: 'limited' };

/** Adds everything that changes something, behind one guard. */
export function addMutations(
  app: FastifyInstance,
  { token, leader, resync, drain, migrate, onResync, mutationsPerMinute = 30 }: Source,
): void {
  const limiter = new RateLimiter({ perMinute: mutationsPerMinute, now: () => performance.now() });

  const answerResync = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = ResyncBody.safeParse(request.body ?? undefined);
    if (!body.success) {
      return sendProblem(reply, 400, {
        detail: 'The body must be empty, or {"spec": "<path of the spec>"}.',
        remedy: 'Send JSON of this form.',
      });
    }
    const spec = body.data?.spec;
    const answer = await resync(spec as SpecId | undefined);
    if (!answer.queued)
      return sendProblem(reply, 404, { detail: `There is no spec ${spec ?? ''}.`, remedy: 'GET /api/v1/specs lists them all.' });
    onResync?.(answer.coalesced ? 'coalesced' : 'queued');
    return reply.code(202).send(answer);
  };

  app.register(async (scope) => {
    acceptJsonOnly(scope);
    scope.addHook('onRequest', guardMutations(token, limiter));
    scope.addHook('onResponse', async ({ routeOptions: { url = '' } }, { statusCode }) => {
      if (url.endsWith('/resync') && statusCode >= 400 && statusCode < 500) onResync?.(REFUSED[statusCode] ?? 'invalid');
    });
    scope.addHook('preHandler', passOn(leader ?? (() => undefined)));
    // For a page that wants to know whether its token is right.
    scope.post('/api/v1/token', (_request, reply) => reply.code(204).send());
    scope.post('/resync', answerResync);
    scope.post('/api/v1/resync', answerResync);
    addNodeDrains(scope, { drain });
    if (migrate !== undefined) addMigrations(scope, migrate);
  });
}

/** JSON or no body at all; an empty one is none, whatever type it claims. */
function acceptJsonOnly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.trim() === '') done(null, undefined);
    else void parse(request, body, done);
  });
}
