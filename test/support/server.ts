import { setTimeout as sleep } from 'node:timers/promises';
import { requireServer, type ServerName } from '../servers/catalog.ts';
import { logTail, type OwnedProcess, startProcess } from './processes.ts';

/** What it takes to run one real server, again and again, on the same ports and data. */
export interface ServerDefinition {
  readonly name: ServerName;
  readonly args: readonly string[];
  /** Working directory; the log goes to `<name>.log` in it. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the server does its work; asked every 50 ms after a start. A rejection means not yet. */
  readonly isReady: () => Promise<boolean>;
}

/** One real server that can be killed, paused and started again. */
export interface RunningServer {
  readonly name: ServerName;
  readonly logFile: string;
  /** Undefined while it does not run. */
  pid(): number | undefined;
  /** SIGKILL; returns when it has ended. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
  /** Starts it again (first ends it when it runs) and waits until it is ready. */
  restart(): Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs` (5000); returns when it has ended. */
  stop(graceMs?: number): Promise<void>;
}

const readyTimeoutMs = 60_000;

/** Starts a server and waits until it is ready. The error tells the end of its log. */
export async function startServer(definition: ServerDefinition): Promise<RunningServer> {
  const { name, directory } = definition;
  const command = await requireServer(name);
  const logFile = `${directory}/${name}.log`;
  let running: OwnedProcess | undefined;

  async function start(): Promise<void> {
    const { args, env } = definition;
    running = await startProcess({ command, args, directory, logFile, ...(env === undefined ? {} : { env }) });
    await waitUntilReady(definition, running, logFile);
  }

  async function stop(graceMs?: number): Promise<void> {
    const ending = running;
    running = undefined;
    await ending?.stop(graceMs);
  }

  await start();
  return {
    name,
    logFile,
    pid: () => running?.pid,
    kill: async () => {
      const killed = running;
      running = undefined;
      await killed?.signal('SIGKILL');
      await killed?.waitForExit();
    },
    pause: async () => running?.signal('SIGSTOP'),
    resume: async () => running?.signal('SIGCONT'),
    restart: async () => {
      await stop();
      await start();
    },
    stop,
  };
}

async function waitUntilReady(definition: ServerDefinition, started: OwnedProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline) {
    const exit = started.exitStatus();
    if (exit !== undefined) {
      throw new Error(`${definition.name} ended with ${exit.code ?? exit.signal}:\n${await logTail(logFile)}`);
    }
    if (await definition.isReady().catch(() => false)) return;
    await sleep(50);
  }
  await started.stop();
  throw new Error(`${definition.name} is not ready after ${readyTimeoutMs / 1000} s:\n${await logTail(logFile)}`);
}

/** GET with a short timeout; true for a status of 2xx. For readiness checks over plain HTTP. */
export async function answersOk(url: string, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(2000) });
  await response.arrayBuffer();
  return response.ok;
}
