import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseDuration } from '../shared/duration.ts';
import { LOG_LEVELS } from '../shared/log-levels.ts';
import type { LogLevelAnswer } from './api-answers.ts';
import { sendProblem } from './problem-document.ts';

/** Tells and changes which lines a log writes. */
export interface LogLevels {
  readonly state: () => LogLevelAnswer;
  /** The configured level, if it is another one, comes back after so many milliseconds. */
  readonly set: (level: LogLevelAnswer['level'], forMs: number) => LogLevelAnswer;
}

const DEFAULT_FOR_MS = 3_600_000;
const LONGEST_MS = 24 * 3_600_000;

/** The body of `PUT /api/v1/log-level`. */
export const LogLevelBody = z.strictObject({
  level: z.enum(LOG_LEVELS),
  for: z
    .string()
    .transform((text) => parseDuration(text) ?? 0)
    .refine((ms) => ms > 0 && ms <= LONGEST_MS)
    .optional(),
});

/** Adds the request that changes the level of the log of this very replica: it is not to be passed on to the one that leads. */
export function addLogLevel(scope: FastifyInstance, { set }: LogLevels): void {
  scope.put('/api/v1/log-level', ({ body }, reply) => {
    const read = LogLevelBody.safeParse(body);
    if (read.success) return reply.send(set(read.data.level, read.data.for ?? DEFAULT_FOR_MS));
    return sendProblem(reply, 400, {
      detail: 'The body must be {"level": "debug"}, or info, warn or error, with "for": "10m" if it is not for an hour; at most "24h".',
      remedy: 'Send JSON of this form.',
    });
  });
}
