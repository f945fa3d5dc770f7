import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PLAIN_MARK } from '../../src/cli/progress.ts';
import type { DaemonProcess } from './daemon-process.ts';

/** How a command of the built program ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BUNDLE = join(import.meta.dirname, '..', '..', 'dist', 'poolkeeper.mjs');

/** Runs one command of the built program with the configuration of a daemon, but a Git mirror of its own. Progress is left out. */
export async function runCli(daemon: Pick<DaemonProcess, 'env'>, ...args: readonly string[]): Promise<CliResult> {
  const { POOLKEEPER_GIT_MIRROR_DIR: _, ...env } = daemon.env;
  const child = spawn(process.execPath, [BUNDLE, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr] = [child.stdout.toArray(), child.stderr.toArray()];
  const [code] = (await once(child, 'exit')) as [number | null];
  const said = Buffer.concat(await stderr).toString();
  return {
    code,
    stdout: Buffer.concat(await stdout).toString(),
    stderr: said
      .split('\n')
      .filter((line) => !line.startsWith(PLAIN_MARK))
      .join('\n'),
  };
}
