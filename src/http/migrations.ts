import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ProblemCode } from '../shared/problem.ts';
import type { MigrationAnswer } from './api-answers.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem, sendRefusal } from './problem-document.ts';

/** The body of `POST /api/v1/migrations`. */
export const MigrationBody = z.union([
  z.strictObject({ all: z.literal(true) }),
  z.strictObject({ pools: z.array(z.string().min(1).max(512)).min(1).max(10_000) }),
]);

const STATUS: Partial<Record<ProblemCode, number>> = { POOL_UNKNOWN: 404, MIGRATION_REFUSED: 409, LEASE_HELD_ELSEWHERE: 503 };

/** Adds the request that moves pools from agents to the catalog. Twice the same is once. */
export function addMigrations(scope: FastifyInstance, migrate: NonNullable<HttpServerOptions['migrate']>): void {
  scope.post('/api/v1/migrations', async ({ body }, reply): Promise<FastifyReply> => {
    const read = MigrationBody.safeParse(body);
    if (!read.success) {
      const detail = 'The body must be {"all": true}, or {"pools": ["<namespace>/<name>", …]}.';
      return sendProblem(reply, 400, { detail, remedy: 'Send JSON of this form.' });
    }
    const result = await migrate(read.data);
    if (result.kind === 'done') return reply.code(202).send({ moving: result.moving } satisfies MigrationAnswer);
    return sendRefusal(reply, result.problem, STATUS);
  });
}
