import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** What of a process is looked at: its arguments, its environment variables, or the directory it works in. */
export type ProcessPart = 'command' | 'environment' | 'directory';

/** Command lines of all running processes of this machine whose `part` (the arguments) holds `text`. */
export async function processesWith(text: string, part: ProcessPart = 'command'): Promise<readonly string[]> {
  const folders = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((name) => join('/proc', name));
  const found = await Promise.all(
    folders.map(async (folder) => ((await partOf(folder, part)).includes(text) ? await commandOf(folder) : '')),
  );
  return found.filter((line) => line !== '');
}

async function partOf(folder: string, part: ProcessPart): Promise<string> {
  if (part === 'command') return await commandOf(folder);
  // A process that has just ended has neither.
  if (part === 'directory') return await readlink(join(folder, 'cwd')).catch(() => '');
  return `${await readFile(join(folder, 'environ'), 'utf8').catch(() => '')}\0`;
}

async function commandOf(folder: string): Promise<string> {
  return (await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '')).replaceAll('\0', ' ').trimEnd();
}
