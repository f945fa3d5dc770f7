import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SpecId } from '../core/model/ids.ts';
import type { ResyncOutcome } from '../core/report/run-report.ts';
import { unknownSpec } from '../core/report/unknown-spec.ts';
import { addApprovals } from './approvals.ts';
import { guardMutations, guardPassedOn } from './guard-mutations.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { addLogLevel } from './log-level.ts';
import { addMigrations } from './migrations.ts';
import { addNodeDrains } from './node-drains.ts';
import { passOn } from './pass-on.ts';
import { sendProblem, sendRefusal } from './problem-document.ts';
import { RateLimiter } from './rate-limiter.ts';
import { StandbySignatures } from './standby-signatures.ts';
import { addSuspensions } from './suspensions.ts';

type Source = Pick<
  HttpServerOptions,
  | 'token'
  | 'leader'
  | 'report'
  | 'resync'
  | 'drain'
  | 'migrate'
  | 'approve'
  | 'suspensions'
  | 'logLevel'
  | 'onResync'
  | 'mutationsPerMinute'
>;

/** The body of `POST /api/v1/resync`. */
export const ResyncBody = z.strictObject({ spec: z.string().min(1).max(4096).optional() }).optional();

const REFUSED: Readonly<Record<number, ResyncOutcome>> = { 401: 'unauthorized', 403: 'unauthorized', 404: 'unknown-spec', 429: 'limited' };

/** Adds everything that changes something, behind one guard. */
export function addMutations(
  app: FastifyInstance,
  { token, leader, report, resync, drain, migrate, approve, suspensions, logLevel, onResync, mutationsPerMinute = 30 }: Source,
): void {
  const limiter = new RateLimiter({ perMinute: mutationsPerMinute, now: () => performance.now() });
  const signatures = token === undefined ? undefined : new StandbySignatures(token);

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
      return sendRefusal(reply, unknownSpec(spec ?? '', report()?.specs.map(({ id }) => id) ?? []), { SPEC_UNKNOWN: 404 });
    onResync?.(answer.coalesced ? 'coalesced' : 'queued');
    return reply.code(202).send(answer);
  };

  app.register(async (scope) => {
    acceptJsonOnly(scope);
    scope.addHook('onRequest', guardMutations(token, limiter));
    scope.addHook('onResponse', async ({ routeOptions: { url = '' } }, { statusCode }) => {
      if (url.endsWith('/resync') && statusCode >= 400 && statusCode < 500) onResync?.(REFUSED[statusCode] ?? 'invalid');
    });
    if (token !== undefined && signatures !== undefined) scope.addHook('preHandler', guardPassedOn(token, signatures));
    // For a page that wants to know whether its token is right; all replicas have the same, so that a standby tells also while nobody leads.
    scope.post('/api/v1/token', (_request, reply) => reply.code(204).send());
    // The log is that of the replica which is asked.
    if (logLevel !== undefined) addLogLevel(scope, logLevel);
    scope.register(async (leading) => {
      leading.addHook('preHandler', passOn({ leader, signatures }));
      leading.post('/resync', answerResync);
      leading.post('/api/v1/resync', answerResync);
      addNodeDrains(leading, { drain });
      if (migrate !== undefined) addMigrations(leading, migrate);
      if (approve !== undefined) addApprovals(leading, approve);
      if (suspensions !== undefined) addSuspensions(leading, suspensions);
    });
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
