import type { Config } from '../config/config.ts';
import type { ReadFile } from '../config/read-secrets.ts';
import type { RunReport } from '../core/report/run-report.ts';
import type { DaemonRights } from '../core/rights/daemon-rules.ts';
import type { Problem } from '../shared/problem.ts';

/** Where text goes; `process.stdout` fits. */
export interface Output {
  write(text: string): unknown;
}

/** What the commands give to the daemon of the outside world. */
export type DaemonIo = Pick<CliIo, 'env' | 'stdout'>;

/** What the commands need of the daemon. */
export interface DaemonModule {
  readonly startDaemon: (config: Config, io: DaemonIo) => Promise<{ readonly url: string; stop(): Promise<void> }>;
}

/** What the commands need of runs that are made once. */
export interface OnceModule {
  /** Plans everything once and writes nothing. With `check` the API server is asked whether it would take the plan. */
  readonly planOnce: (config: Config, io: DaemonIo & { readonly check?: boolean }, signal: AbortSignal) => Promise<RunReport>;
  /** Runs until nothing changes any more, or too long; `onReport` is told of each run. */
  readonly syncOnce: (
    config: Config,
    io: DaemonIo & { readonly onReport?: (report: RunReport) => void },
    signal: AbortSignal,
  ) => Promise<RunReport>;
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

export interface RightsRequest {
  readonly config: Config;
  /** Files and folders with specs; empty for the configured repository. */
  readonly paths: readonly string[];
  readonly env: CliIo['env'];
  readonly signal: AbortSignal;
}

/** The rights that a daemon needs, or everything that kept them from being told. */
export type RightsAnswer =
  | { readonly kind: 'ok'; readonly rights: DaemonRights }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

export interface RightsModule {
  readonly readRights: (request: RightsRequest) => Promise<RightsAnswer>;
}

export interface DoctorRequest {
  readonly config: Config;
  /** Files and folders with specs whose Consul services are all that may be written; empty for any service. */
  readonly exact: readonly string[];
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** One thing that the daemon needs, and whether it has it. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  readonly remedy?: string;
}

/** An answer, or the specs that do not decode. */
export type DoctorAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

export interface DoctorModule {
  /** Tries everything that the daemon does in Consul, and changes nothing. */
  readonly examineConsul: (request: DoctorRequest) => Promise<DoctorAnswer<readonly DoctorCheck[]>>;
  /** The least ACL policy, as HCL. Consul is not asked. */
  readonly policyForConsul: (request: Pick<DoctorRequest, 'config' | 'exact'>) => Promise<DoctorAnswer<string>>;
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
  readonly load: {
    readonly daemon: () => Promise<DaemonModule>;
    readonly once: () => Promise<OnceModule>;
    readonly demo: () => Promise<DemoModule>;
    readonly rights: () => Promise<RightsModule>;
    readonly doctor: () => Promise<DoctorModule>;
  };
}
