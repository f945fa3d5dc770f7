import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DaemonProcess } from './daemon-process.ts';

/** How a command of the built program ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BUNDLE = join(import.meta.dirname, '..', '..', 'dist', 'poolkeeper.mjs');

/** Runs one command of the built program with the configuration of a daemon, but a Git mirror of its own. */
export async function runCli(daemon: DaemonProcess, ...args: readonly string[]): Promise<CliResult> {
  const { POOLKEEPER_GIT_MIRROR_DIR: _, ...env } = daemon.env;
  const child = spawn(process.execPath, [BUNDLE, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr] = [child.stdout.toArray(), child.stderr.toArray()];
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, stdout: Buffer.concat(await stdout).toString(), stderr: Buffer.concat(await stderr).toString() };
}
