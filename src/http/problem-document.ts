import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Problem, ProblemCode } from '../shared/problem.ts';

/** The body of every error answer: a problem document of RFC 9457, with our code and remedy as extension members. */
export interface ProblemDocument {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code?: ProblemCode;
  readonly remedy?: string;
}

/** Answers with a problem document. */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  more: { readonly detail: string; readonly code?: ProblemCode; readonly remedy?: string },
): FastifyReply {
  const body: ProblemDocument = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, ...more };
  // A string, because Fastify would add a charset to the media type, which has none, if it made the text itself.
  return reply.code(status).type('application/problem+json').serializer(JSON.stringify).send(body);
}

/** Answers with what kept a wish from being done. What has no status of its own is the fault of a server behind this one, not of the request. */
export const sendRefusal = (
  reply: FastifyReply,
  { code, message, remedy }: Problem,
  statuses: Readonly<Partial<Record<ProblemCode, number>>>,
): FastifyReply => sendProblem(reply, statuses[code] ?? 502, { detail: `${message}.`, code, remedy });
