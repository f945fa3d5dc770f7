import type { Config } from '../config/config.ts';
import type { ReadFile } from '../config/read-secrets.ts';
import type { RunReport } from '../core/report/run-report.ts';

/** Where text goes; `process.stdout` fits. */
export interface Output {
  write(text: string): unknown;
}

/** What the commands give to the daemon of the outside world. */
export type DaemonIo = Pick<CliIo, 'env' | 'stdout'>;

/** What the commands need of the daemon. */
export interface DaemonModule {
  readonly startDaemon: (config: Config, io: DaemonIo) => Promise<{ readonly url: string; stop(): Promise<void> }>;
  /** Plans everything once and writes nothing. */
  readonly planOnce: (config: Config, io: DaemonIo, signal: AbortSignal) => Promise<RunReport>;
  /** Runs until nothing changes any more, or too long. */
  readonly syncOnce: (config: Config, io: DaemonIo, signal: AbortSignal) => Promise<RunReport>;
}

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly env: CliIo['env'];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
}

export interface DemoModule {
  /** Resolves to the exit code. */
  readonly runDemo: (options: DemoOptions) => Promise<number>;
}

/** All that the command line touches of the outside world, so that it runs whole inside a test. */
export interface CliIo {
  /** The arguments, without the runtime and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  readonly readFile: ReadFile;
  readonly now: () => number;
  /** Aborts when the user wants the command to end. */
  readonly signal: AbortSignal;
  /** The parts that take long to load, loaded by the commands that need them. */
  readonly load: { readonly daemon: () => Promise<DaemonModule>; readonly demo: () => Promise<DemoModule> };
}
