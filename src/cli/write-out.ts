import { AppError } from '../shared/errors.ts';
import { fileFault } from '../shared/file-fault.ts';
import { problem } from '../shared/problem.ts';
import type { CommandContext } from './command-context.ts';
import type { WriteHow } from './write-file.ts';

interface WriteOut extends WriteHow {
  readonly context: CommandContext;
}

/** Writes a file, or to stdout where `-` or no file is named. Throws AppError FILE_NOT_WRITTEN. */
export function writeOut(file: string | undefined, text: string, { context, ...how }: WriteOut): void {
  const { stdout, writeFile } = context.io;
  if (file === undefined || file === '-' || writeFile === undefined) {
    stdout.write(text);
    return;
  }
  try {
    writeFile(file, text, how);
  } catch (error) {
    throw new AppError(problem('FILE_NOT_WRITTEN', `${file} is not written: ${fileFault(error)}`), { cause: error });
  }
}
