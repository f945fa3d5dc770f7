import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ProblemCode } from '../shared/problem.ts';
import type { DrainAnswer } from './api-answers.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { sendProblem, sendRefusal } from './problem-document.ts';
import { REASON_LENGTH, reasonLine } from './reason-line.ts';

/** The body of `POST /api/v1/nodes/{node}/drain`. */
export const DrainBody = z.strictObject({ reason: reasonLine }).optional();
/** The body of `POST /api/v1/nodes/{node}/undrain`. */
export const UndrainBody = z.strictObject({}).optional();

const STATUS: Partial<Record<ProblemCode, number>> = { NODE_UNKNOWN: 404, DRAIN_DISABLED: 403, KUBERNETES_UNAVAILABLE: 503 };

/** Adds the requests that mark a node as to leave all pools, or take the mark away. Twice the same is once. */
export function addNodeDrains(scope: FastifyInstance, { drain }: Pick<HttpServerOptions, 'drain'>): void {
  const answer = async (reply: FastifyReply, wish: Parameters<typeof drain>[0]): Promise<FastifyReply> => {
    const refused = await drain(wish);
    const done: DrainAnswer = { node: wish.node, draining: wish.drain };
    return refused === undefined ? reply.send(done) : sendRefusal(reply, refused, STATUS);
  };
  scope.post<{ Params: { node: string } }>('/api/v1/nodes/:node/drain', ({ params: { node }, body }, reply) => {
    const read = DrainBody.safeParse(body ?? undefined);
    if (read.success) return answer(reply, { node, drain: true, reason: read.data?.reason });
    return badBody(reply, `The body must be empty, or {"reason": "<one line of at most ${REASON_LENGTH} characters>"}.`);
  });
  scope.post<{ Params: { node: string } }>('/api/v1/nodes/:node/undrain', ({ params: { node }, body }, reply) => {
    if (UndrainBody.safeParse(body ?? undefined).success) return answer(reply, { node, drain: false });
    return badBody(reply, 'The body must be empty.');
  });
}

const badBody = (reply: FastifyReply, detail: string): FastifyReply =>
  sendProblem(reply, 400, { detail, remedy: 'Send JSON of this form.' });
