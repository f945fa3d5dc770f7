import type { Problem } from './problem.ts';
import { problemText } from './problem.ts';

/** An error that carries a problem: thrown at edges, caught by the loop, shown as the problem. */
export class AppError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem, options?: { readonly cause?: unknown }) {
    super(problemText(problem), options);
    this.name = 'AppError';
    this.problem = problem;
  }
}

/** True when `error` says "stopped", not "failed": an aborted signal, ours or a library's. */
export function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || (error.cause !== undefined && error.cause !== error && isAbort(error.cause));
}

/** For the `default` of a switch that must handle every case: the compiler refuses a forgotten one. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}

/** The message of an error with those of its causes, joined by ": "; messages repeated by a wrapper are not said twice. */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth++) {
    const text = current instanceof Error ? current.message : String(current);
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ');
}
