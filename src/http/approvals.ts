import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ProblemCode } from '../shared/problem.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem, sendRefusal } from './problem-document.ts';

/** The body of `POST /api/v1/approvals`. */
export const ApprovalBody = z.union([
  z.strictObject({ hold: z.string().min(1).max(64) }),
  z.strictObject({ removals: z.int().min(1).max(999_999) }),
]);

const STATUS: Partial<Record<ProblemCode, number>> = {
  NOTHING_HELD: 409,
  HOLD_CHANGED: 409,
  LEASE_HELD_ELSEWHERE: 503,
  CONSUL_UNAVAILABLE: 503,
};

/** Adds the request that lets go what the guard holds back. Twice the same lets go no more. */
export function addApprovals(scope: FastifyInstance, approve: NonNullable<HttpServerOptions['approve']>): void {
  scope.post('/api/v1/approvals', async ({ body }, reply): Promise<FastifyReply> => {
    const read = ApprovalBody.safeParse(body);
    if (!read.success) {
      const detail = 'The body must be {"hold": "<id of what is held>"}, or {"removals": <number>}.';
      return sendProblem(reply, 400, { detail, remedy: 'Send JSON of this form; GET /api/v1/status tells the id as held.id.' });
    }
    const result = await approve(read.data);
    return result.kind === 'done' ? reply.code(201).send(result.approval) : sendRefusal(reply, result.problem, STATUS);
  });
}
