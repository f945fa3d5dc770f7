import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { parseDuration } from '../shared/duration.ts';
import type { ProblemCode } from '../shared/problem.ts';
import type { ResumeAnswer } from './api-answers.ts';
import type { HttpServerOptions, SuspensionScope } from './http-server-options.ts';
import { sendProblem, sendRefusal } from './problem-document.ts';
import { REASON_LENGTH, reasonLine } from './reason-line.ts';

/** Longer is a mistake of units; whoever means for ever says no end. */
const LONGEST_MS = 366 * 24 * 3_600_000;

const spec = z.string().min(1).max(4096);
const words = {
  for: z
    .string()
    .transform((text) => parseDuration(text) ?? 0)
    .refine((ms) => ms > 0 && ms <= LONGEST_MS)
    .optional(),
  until: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .optional(),
  reason: reasonLine,
};

/** The body of `POST /api/v1/suspensions`. */
export const SuspensionBody = z.union([z.strictObject({ spec, ...words }), z.strictObject({ all: z.literal(true), ...words })]);

/** What `DELETE /api/v1/suspensions` asks for. */
const ResumeQuery = z.union([z.strictObject({ spec }), z.strictObject({ all: z.literal('true') })]);

const STATUS: Partial<Record<ProblemCode, number>> = {
  SPEC_UNKNOWN: 404,
  LEASE_HELD_ELSEWHERE: 503,
  CONSUL_UNAVAILABLE: 503,
  SNAPSHOT_STALE: 503,
};

const FORM =
  'The body must be {"spec": "<path of the spec>"}, or {"all": true}, with "for": "2h" or "until": "<time, with its zone>" in the future if it is to end by itself' +
  `, and "reason": "<one line of at most ${REASON_LENGTH} characters>" if there is one.`;

/** Adds the requests that leave a spec, or every spec, as it is, and go on with it. Twice the same is once. */
export function addSuspensions(
  scope: FastifyInstance,
  { suspend, resume }: NonNullable<HttpServerOptions['suspensions']>,
  now: () => number = Date.now,
): void {
  scope.post('/api/v1/suspensions', async ({ body }, reply): Promise<FastifyReply> => {
    const read = SuspensionBody.safeParse(body);
    if (!read.success) return badForm(reply, FORM);
    const { for: forMs, until, reason, ...rest } = read.data;
    const untilMs = forMs === undefined ? until : now() + forMs;
    if ((forMs !== undefined && until !== undefined) || (untilMs !== undefined && untilMs <= now())) return badForm(reply, FORM);
    const scoped: SuspensionScope = 'spec' in rest ? { spec: rest.spec } : { all: true };
    const times = untilMs === undefined ? {} : { untilMs };
    const result = await suspend({ ...scoped, ...times, ...(reason === undefined ? {} : { reason }) });
    return result.kind === 'done' ? reply.code(201).send(result.suspension) : sendRefusal(reply, result.problem, STATUS);
  });
  scope.delete('/api/v1/suspensions', async ({ query }, reply): Promise<FastifyReply> => {
    const read = ResumeQuery.safeParse(query);
    if (!read.success) return badForm(reply, 'The query must be spec=<path of the spec>, or all=true.');
    const scoped: SuspensionScope = 'spec' in read.data ? { spec: read.data.spec } : { all: true };
    const result = await resume(scoped);
    if (result.kind === 'refused') return sendRefusal(reply, result.problem, STATUS);
    return reply.send({ ...('spec' in scoped ? { spec: scoped.spec } : {}), suspended: result.suspended } satisfies ResumeAnswer);
  });
}

const badForm = (reply: FastifyReply, detail: string): FastifyReply => sendProblem(reply, 400, { detail, remedy: 'Send it in this form.' });
