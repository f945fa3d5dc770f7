import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ReaperMessage, ReaperRequest } from './reaper-protocol.ts';

/** How a process ended: an exit code, or the signal that killed it. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A directory that is removed with all it holds when the runner ends, at the latest. */
export interface TempDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

/** A running process that ends when the runner ends, at the latest. */
export interface OwnedProcess {
  readonly pid: number;
  /** Undefined while the process lives. */
  exitStatus(): ExitStatus | undefined;
  waitForExit(): Promise<ExitStatus>;
  /** Signals the process and what it started. Nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs` (5000); returns when the process has ended. */
  stop(graceMs?: number): Promise<void>;
}

/** Command, arguments and surroundings of a process. The environment is `env` and nothing else but PATH and HOME. */
export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** stdout and stderr are appended to this file. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiter {
  readonly resolve: (value: string | number | null) => void;
  readonly reject: (error: Error) => void;
}

/** The runner's end of one reaper process. */
class Reaper {
  readonly #child: ChildProcess;
  readonly #waiters = new Map<number, Waiter>();
  readonly #exits = new Map<number, (status: ExitStatus) => void>();
  /** Exits that were reported before the reply to `spawn` had been handled. */
  readonly #earlyExits = new Map<number, ExitStatus>();
  #lastId = 0;
  #ended: Error | undefined;
  /** Directories and processes that exist; the reaper goes when there are none. */
  held = 0;

  constructor() {
    // Detached: Ctrl-C goes to the whole group of the runner and must not reach the reaper.
    const child = spawn(process.execPath, [join(import.meta.dirname, 'reaper.ts')], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'], NODE_NO_WARNINGS: '1' },
    });
    this.#child = child;
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(JSON.parse(line) as ReaperMessage));
    child.once('error', (error) => this.#fail(error));
    child.once('exit', (code, signal) => this.#fail(new Error(`the reaper ended with ${code ?? signal}`)));
    child.unref();
    this.#keepRunnerAlive(false);
  }

  request(request: ReaperRequest): Promise<string | number | null> {
    const id = ++this.#lastId;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      this.#keepRunnerAlive(true);
      this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  /** Settles with the exit of the process; reported at most once per process. */
  exitOf(pid: number): Promise<ExitStatus> {
    const early = this.#earlyExits.get(pid);
    if (early !== undefined) {
      this.#earlyExits.delete(pid);
      return Promise.resolve(early);
    }
    return new Promise((resolve) => this.#exits.set(pid, resolve));
  }

  /** Ends the reaper, which removes what it still has. */
  async end(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.ref();
    this.#child.stdin?.end();
    await exited;
  }

  #receive(message: ReaperMessage): void {
    if (message.kind === 'exited') {
      const status = { code: message.code, signal: message.signal };
      const settle = this.#exits.get(message.pid);
      if (settle === undefined) this.#earlyExits.set(message.pid, status);
      else settle(status);
      this.#exits.delete(message.pid);
      return;
    }
    const waiter = this.#waiters.get(message.id);
    this.#waiters.delete(message.id);
    if (this.#waiters.size === 0) this.#keepRunnerAlive(false);
    if (message.kind === 'done') waiter?.resolve(message.value);
    else waiter?.reject(new Error(message.reason));
  }

  #fail(error: Error): void {
    this.#ended = error;
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
    for (const settle of this.#exits.values()) settle({ code: null, signal: 'SIGKILL' });
    this.#exits.clear();
    if (current === this) current = undefined;
  }

  /** An idle reaper must not keep the runner from ending; one that owes a reply must. */
  #keepRunnerAlive(alive: boolean): void {
    for (const pipe of [this.#child.stdin, this.#child.stdout] as (Socket | null)[]) {
      if (alive) pipe?.ref();
      else pipe?.unref();
    }
  }
}

let current: Reaper | undefined;

function hold(): Reaper {
  current ??= new Reaper();
  current.held++;
  return current;
}

async function release(reaper: Reaper): Promise<void> {
  reaper.held--;
  if (reaper.held > 0 || current !== reaper) return;
  // Whoever asks from now on gets a new reaper: this one takes no more requests.
  current = undefined;
  await reaper.end();
}

/** Makes a directory `poolkeeper-<label>-…` in the system's temporary directory. */
export async function makeTempDirectory(label: string): Promise<TempDirectory> {
  const reaper = hold();
  let removed = false;
  try {
    const path = String(await reaper.request({ op: 'make-directory', label }));
    return {
      path,
      remove: async () => {
        if (removed) return;
        removed = true;
        await reaper.request({ op: 'remove-directory', path }).finally(() => release(reaper));
      },
    };
  } catch (error) {
    await release(reaper);
    throw error;
  }
}

/** Starts a process in a process group of its own. Rejects when the command cannot be run. */
export async function startProcess(options: ProcessOptions): Promise<OwnedProcess> {
  const reaper = hold();
  const { command, args, directory, logFile } = options;
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, ...options.env };
  let pid: number;
  try {
    pid = Number(await reaper.request({ op: 'spawn', command, args, env, directory, logFile }));
  } catch (error) {
    await release(reaper);
    throw new Error(`${command} did not start`, { cause: error });
  }
  let status: ExitStatus | undefined;
  const exited = reaper.exitOf(pid).then((value) => {
    status = value;
    return value;
  });
  const released = exited.then(() => release(reaper));
  return {
    pid,
    exitStatus: () => status,
    // Not `exited` alone: only a request that waits for its reply keeps the runner alive.
    waitForExit: async () => {
      if (status === undefined) await reaper.request({ op: 'wait', pid });
      return await exited;
    },
    signal: async (signal) => {
      if (status === undefined) await reaper.request({ op: 'signal', pid, signal });
    },
    stop: async (graceMs = 5000) => {
      if (status === undefined) await reaper.request({ op: 'stop', pid, graceMs });
      await released;
    },
  };
}

/** The last `lines` (40) lines of a log file; empty when there is none. */
export async function logTail(file: string, lines = 40): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
