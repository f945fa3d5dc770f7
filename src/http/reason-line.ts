import { z } from 'zod';

/** As long as what is shown of it. */
export const REASON_LENGTH = 200;

/** Why a person wants something: one line without control characters. */
export const reasonLine = z
  .string()
  .trim()
  .min(1)
  .max(REASON_LENGTH)
  .regex(/^\P{C}*$/u)
  .optional();
