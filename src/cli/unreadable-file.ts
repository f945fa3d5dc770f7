import { AppError } from '../shared/errors.ts';
import { fileFault } from '../shared/file-fault.ts';
import { problem } from '../shared/problem.ts';

/** What ends a command whose arguments name a file or folder that cannot be read: the exit code is 1. */
export function unreadableFile(path: string, cause: unknown): AppError {
  return new AppError(problem('FILE_NOT_READ', `cannot read ${path}: ${fileFault(cause)}`), { cause });
}
