import type { Config } from '../config/config.ts';
import type { ReadFile } from '../config/read-secrets.ts';
import type { PlannedChange } from '../core/report/plan-diff.ts';
import type { RunReport } from '../core/report/run-report.ts';
import type { DaemonRights } from '../core/rights/daemon-rules.ts';
import type { RecordedWorld } from '../core/snapshot/recorded-world.ts';
import type { formatSpec } from '../core/write-spec/format-spec.ts';
import type { Problem } from '../shared/problem.ts';
import type { writeFile } from './write-file.ts';
import type { convertSpec, joinSpecs, makeSpec } from './write-spec.ts';

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

/** What a plan is made from and for, beside the configuration. */
export interface PlanWish {
  /** The API server is asked whether it would take the plan. */
  readonly check?: boolean;
  /** Specs or branch are to be seen as if they were in force already. */
  readonly standIn?: boolean;
  /** A folder in the place of the repository. */
  readonly directory?: string;
  /** A world to plan against instead of the live one. */
  readonly recorded?: RecordedWorld;
}

export interface PlanAnswer {
  readonly report: RunReport;
  readonly changes: readonly PlannedChange[];
  /** The world that was planned for. */
  readonly recorded: RecordedWorld;
}

/** What the commands need of runs that are made once. */
export interface OnceModule {
  /** Plans everything once and writes nothing. */
  readonly planOnce: (config: Config, io: DaemonIo & PlanWish, signal: AbortSignal) => Promise<PlanAnswer>;
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

export type GitDoctorRequest = Pick<DoctorRequest, 'config' | 'now' | 'signal'> & Pick<CliIo, 'env'>;

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
  /** Tries everything that reading the repository takes, and changes nothing. */
  readonly examineGit: (request: GitDoctorRequest) => Promise<DoctorAnswer<readonly DoctorCheck[]>>;
  /** The least ACL policy, as HCL. Consul is not asked. */
  readonly policyForConsul: (request: Pick<DoctorRequest, 'config' | 'exact' | 'signal'>) => Promise<DoctorAnswer<string>>;
}

export interface ValidateRequest {
  readonly config: Config;
  /** Files and folders with specs; `-` for what `stdin` tells. */
  readonly paths: readonly string[];
  readonly stdin: () => Promise<string>;
  /** Whether the API server is asked as well. */
  readonly cluster: boolean;
  readonly io: DaemonIo;
  readonly signal: AbortSignal;
}

export interface ValidatedFiles {
  readonly files: number;
  readonly objects: number;
  /** In the order of files and lines. */
  readonly problems: readonly Problem[];
  /** The text of a file, for people to see the line: undefined for one that cannot be shown. */
  readonly textOf: (file: string) => string | undefined;
}

export interface ValidateModule {
  /** A file that cannot be read is a finding among the others. */
  readonly validatePaths: (request: ValidateRequest) => Promise<ValidatedFiles>;
  /** Tells once for each bunch of changes below the paths, until the signal aborts. It watches from the call on. */
  readonly changesOf: (paths: readonly string[], signal: AbortSignal) => AsyncIterable<void>;
}

/** The work of `spec`: texts in, texts out. */
export interface SpecModule {
  readonly formatSpec: typeof formatSpec;
  readonly joinSpecs: typeof joinSpecs;
  readonly convertSpec: typeof convertSpec;
  readonly makeSpec: typeof makeSpec;
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
  /** The text of a file or pipe that an argument names; of standard input for `-`. Ends with the signal, and throws what the file system throws. */
  readonly readInput: (path: string, signal: AbortSignal) => Promise<string>;
  readonly writeFile?: typeof writeFile;
  /** Asks a person, who may also end the input (undefined); absent where nobody can answer. */
  readonly ask?: (question: string) => Promise<string | undefined>;
  /** Whether stderr is a terminal. */
  readonly hasErrorTerminal?: boolean;
  /** How long a command works before that is shown, in milliseconds. Default one second. */
  readonly progressAfterMs?: number;
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
    readonly validate: () => Promise<ValidateModule>;
    readonly spec: () => Promise<SpecModule>;
  };
}
