import type { CatalogueEntry, ProblemNext, Severity } from './problems/catalogue-entry.ts';
import { INPUT_PROBLEMS } from './problems/input-problems.ts';
import { SERVER_PROBLEMS } from './problems/server-problems.ts';

export type { ProblemNext, Severity } from './problems/catalogue-entry.ts';

/** A place in a spec file. Lines and columns count from 1. */
export interface SourcePosition {
  /** The file's path in the repository, or on disk for a configuration file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The path inside the document, such as `objects.services.specification.spec.ports[0]`. Empty for the whole file. */
  readonly path: string;
}

/** Every problem poolkeeper can report. Adding one here is the only way to make a new code. */
export const PROBLEMS = { ...INPUT_PROBLEMS, ...SERVER_PROBLEMS } as const satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong, said so that its reader can mend it. Plain data: it is logged, shown and compared. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly next: ProblemNext;
  /** What failed, on which object. Never holds a secret. */
  readonly message: string;
  /** What to do, in words. */
  readonly remedy: string;
  readonly where?: SourcePosition;
  /** The fields that it is about, as paths inside the object, where the reporter knows them. */
  readonly fields?: readonly string[];
}

/** Makes a problem of the catalogue; `more` overrides what the catalogue says where the caller knows better. */
export function problem(
  code: ProblemCode,
  message: string,
  more: Partial<Pick<Problem, 'remedy' | 'where' | 'severity' | 'next' | 'fields'>> = {},
): Problem {
  const base = PROBLEMS[code];
  return {
    code,
    severity: more.severity ?? base.severity,
    next: more.next ?? base.next,
    message,
    remedy: more.remedy ?? base.remedy,
    ...(more.where === undefined ? {} : { where: more.where }),
    ...(more.fields === undefined ? {} : { fields: more.fields }),
  };
}

/** One line for a person: `file:line:column: CODE: message. Remedy`. */
export function problemText(value: Problem): string {
  const { where } = value;
  const place = where === undefined ? '' : `${where.file}:${where.line}:${where.column}: `;
  const inside = where === undefined || where.path === '' ? '' : ` (at ${where.path})`;
  return `${place}${value.code}: ${value.message}${inside}. ${value.remedy}`;
}
