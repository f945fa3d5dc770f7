import { AppError, errorText } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';

/** What ends a command whose arguments name a spec, or a folder of specs, that cannot be read: the exit code is 78. */
export function unreadableSpec(path: string, cause: unknown): AppError {
  const told = problem('CONFIG_UNREADABLE', `the spec ${path} cannot be read: ${errorText(cause)}`, {
    remedy: 'Check that it exists and that you may read it.',
  });
  return new AppError(told, { cause });
}
