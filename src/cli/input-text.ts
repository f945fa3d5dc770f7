import type { CommandContext } from './command-context.ts';
import { unreadableFile } from './unreadable-file.ts';

/** The text of a file that an argument names, of standard input for `-`. Throws AppError FILE_NOT_READ. */
export async function inputText(file: string, { io }: Pick<CommandContext, 'io'>): Promise<string> {
  try {
    return await io.readInput(file, io.signal);
  } catch (error) {
    io.signal.throwIfAborted();
    throw unreadableFile(file === '-' ? 'standard input' : file, error);
  }
}
