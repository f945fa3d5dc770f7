// The reaper owns every server process and temporary directory of one test runner. It holds the other end of a pipe:
// when the runner ends, in whatever way (kill -9 too), the kernel closes the pipe and the reaper removes everything.
// It makes the processes and directories itself, so there is no moment at which one exists and is unknown to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReaperMessage, ReaperRequest } from './reaper-protocol.ts';

const children = new Map<number, ChildProcess>();
const directories = new Set<string>();

function say(message: ReaperMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function handle(request: ReaperRequest): Promise<string | number | null> {
  switch (request.op) {
    case 'make-directory': {
      const path = mkdtempSync(join(tmpdir(), `poolkeeper-${request.label}-`));
      directories.add(path);
      return path;
    }
    case 'remove-directory':
      await removeDirectory(request.path);
      return null;
    case 'spawn':
      return await startChild(request);
    case 'signal':
      signalGroup(request.pid, request.signal);
      return null;
    case 'wait':
      await ended(request.pid);
      return null;
    case 'stop':
      await stopChild(request.pid, request.graceMs);
      return null;
  }
}

async function startChild(request: Extract<ReaperRequest, { op: 'spawn' }>): Promise<number> {
  const log = openSync(request.logFile, 'a');
  // Detached makes it the leader of a process group: signals then reach what it has started, too.
  const child = spawn(request.command, [...request.args], {
    cwd: request.directory,
    env: { ...request.env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) {
    const [error] = await once(child, 'error');
    throw error;
  }
  children.set(pid, child);
  child.once('exit', (code, signal) => {
    // What the leader leaves behind in its group would outlive us.
    signalGroup(pid, 'SIGKILL');
    children.delete(pid);
    say({ kind: 'exited', pid, code, signal });
  });
  return pid;
}

/** Signals the whole group; nothing happens when the process has ended. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (!children.has(pid)) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function ended(pid: number): Promise<void> {
  const child = children.get(pid);
  if (child !== undefined) await once(child, 'exit');
}

async function stopChild(pid: number, graceMs: number): Promise<void> {
  const exited = ended(pid);
  signalGroup(pid, 'SIGTERM');
  // A paused process takes SIGTERM only when it goes on.
  signalGroup(pid, 'SIGCONT');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

async function removeDirectory(path: string): Promise<void> {
  // A killed process may finish a write while the tree is being removed: hence the retries.
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  directories.delete(path);
}

async function removeEverything(): Promise<void> {
  const exits = [...children.keys()].map(ended);
  for (const pid of children.keys()) signalGroup(pid, 'SIGKILL');
  await Promise.race([Promise.all(exits), sleep(5000)]);
  await Promise.allSettled([...directories].map(removeDirectory));
}

// The runner may be gone when we write to it; that must not end us before the work is done.
process.stdout.on('error', () => {});

const lines = createInterface({ input: process.stdin });
process.stdin.on('error', () => lines.close());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => lines.close());
lines.on('line', (line) => {
  const { id, ...request } = JSON.parse(line) as ReaperRequest & { id: number };
  handle(request as ReaperRequest).then(
    (value) => say({ kind: 'done', id, value }),
    (error: unknown) => say({ kind: 'failed', id, reason: error instanceof Error ? error.message : String(error) }),
  );
});
await once(lines, 'close');
await removeEverything();
process.exit(0);
