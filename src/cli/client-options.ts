import type { Command } from 'commander';
import { AppError } from '../shared/errors.ts';
import { fileFault } from '../shared/file-fault.ts';
import { problem } from '../shared/problem.ts';
import type { CliIo } from './cli-io.ts';
import { DaemonClient } from './daemon-client.ts';

export interface ClientFlags {
  readonly url?: string;
  readonly tokenFile?: string;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Adds the options that say how to reach a running daemon. */
export function addClientOptions(command: Command): void {
  command
    .option('--url <url>', `where the daemon listens (default: POOLKEEPER_URL, else ${DEFAULT_URL})`)
    .option('--token-file <file>', 'file with the bearer token (default: POOLKEEPER_TOKEN_FILE, else none)');
}

/** The client that the options ask for; throws an AppError when they are wrong. */
export function createClient(
  { url, tokenFile, timeoutMs }: ClientFlags & { readonly timeoutMs?: number },
  { env, readFile }: CliIo,
): DaemonClient {
  const target = url ?? (env['POOLKEEPER_URL'] || DEFAULT_URL);
  const parsed = URL.parse(target);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new AppError(problem('CONFIG_INVALID', '--url: expected an http or https URL', { remedy: `Write it like ${DEFAULT_URL}.` }));
  }
  const file = tokenFile ?? (env['POOLKEEPER_TOKEN_FILE'] || undefined);
  const token = file === undefined ? undefined : readToken(file, readFile);
  return new DaemonClient({ url: target, token, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

function readToken(file: string, readFile: CliIo['readFile']): string {
  try {
    return readFile(file).trim();
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `--token-file: cannot read ${file}: ${fileFault(error)}`), { cause: error });
  }
}
