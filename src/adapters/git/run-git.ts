import { randomUUID } from 'node:crypto';
import { GitPluginError, type SimpleGit, type SimpleGitOptions, simpleGit } from 'simple-git';
import { withDeadline } from '../../shared/abort.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { createRedactor } from '../../shared/redact.ts';
import { classifyError, timeoutProblem } from './classify-error.ts';
import { endMarkedProcesses } from './end-processes.ts';
import { type Credentials, gitEnvironment, type Signers } from './git-environment.ts';
import type { GitSettings } from './git-settings.ts';

/** One git command. */
export interface GitCommand {
  /** Subcommand, options and, after `--`, the rest. */
  readonly args: readonly string[];
  /** The repository it works on. */
  readonly gitDir: string;
  /** What it does, for messages, such as `git fetch of https://…`. */
  readonly what: string;
  /** Whether it talks to the remote: then it gets the credentials. */
  readonly remote?: boolean;
  /** `timeoutMs` of the settings unless told. */
  readonly timeoutMs?: number;
  /** Whose signatures it is to verify. */
  readonly signers?: Signers;
}

/**
 * Runs git. Each call starts one process, which ends with all its helpers at its deadline or when the signal aborts. Throws
 * AppError with what was wrong, free of secrets, or the signal's reason.
 */
export interface GitRunner {
  /** What the command wrote, as text. */
  text(command: GitCommand, signal: AbortSignal): Promise<string>;
  /** The content of the given blobs, one behind the other. */
  blobs(gitDir: string, blobIds: readonly string[], signal: AbortSignal): Promise<Buffer>;
}

/** Creates the one place that starts git. simple-git needs `mirrorDir` to exist. */
export function createGitRunner(settings: GitSettings): GitRunner {
  return {
    text: (command, signal) => run(settings, command, (git) => git.raw([...command.args]), signal),
    blobs: (gitDir, blobIds, signal) => {
      const command = { args: ['show', ...blobIds], gitDir, what: `reading ${blobIds.length} files from the mirror` };
      return run(settings, command, (git) => git.showBuffer([...blobIds]), signal);
    },
  };
}

/** Whether a command failed because the repository does not hold the commit `id`. */
export function isUnknownCommit(error: unknown, id: string): boolean {
  return error instanceof AppError && error.problem.message.includes(`bad object ${id}`);
}

async function run<T>(
  settings: GitSettings,
  command: GitCommand,
  start: (git: SimpleGit) => PromiseLike<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted();
  const { gitDir, what, remote = false, timeoutMs = settings.timeoutMs } = command;
  const credentials = remote ? await readCredentials(settings, signal) : undefined;
  const marker = randomUUID();
  const environment = { ...gitEnvironment(settings, { gitDir, credentials, signers: command.signers }), POOLKEEPER_GIT_CALL: marker };
  const flood = new AbortController();
  const limited = withDeadline(AbortSignal.any([signal, flood.signal]), timeoutMs);
  let cleaning: Promise<void> | undefined;
  // simple-git's promise waits for the pipes, which helpers keep open: so they must end while it waits.
  const clean = () => {
    cleaning = endMarkedProcesses(marker);
  };
  limited.addEventListener('abort', clean, { once: true });
  try {
    settings.onCommand(command.args);
    const git = simpleGit(gitOptions(settings, environment, limited)).env(environment);
    return await start(git.outputHandler((_, ...streams) => stopFlood(streams.slice(0, 2), settings.limits.maxOutputBytes, flood)));
  } catch (error) {
    signal.throwIfAborted();
    if (flood.signal.aborted) throw new AppError(floodProblem(what, settings.limits.maxOutputBytes));
    if (limited.aborted) throw new AppError(timeoutProblem({ what, remote }, timeoutMs));
    const redact = createRedactor(
      credentials === undefined ? [] : [credentials.password, `${credentials.username}:${credentials.password}`],
    );
    // No cause: simple-git's error holds the output as it was.
    throw new AppError(classifyError({ what, remote, output: redact(errorText(error)) }));
  } finally {
    limited.removeEventListener('abort', clean);
    await cleaning;
  }
}

/** Ends a process that writes more than `limit` bytes. */
function stopFlood(streams: readonly unknown[], limit: number, flood: AbortController): void {
  let bytes = 0;
  for (const stream of streams as readonly NodeJS.ReadableStream[]) {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limit) flood.abort();
    });
  }
}

function floodProblem(what: string, limit: number): Problem {
  const remedy = 'Look for a folder that holds itself many times over, or for thousands of refs; narrow `git.root`.';
  return problem('GIT_READ_FAILED', `${what} was ended: it wrote more than ${limit} bytes`, { next: 'fix-config', remedy });
}

/** A simple-git for one process: its signal and its errors belong to that process. */
function gitOptions(settings: GitSettings, environment: Readonly<Record<string, string>>, signal: AbortSignal): Partial<SimpleGitOptions> {
  return {
    baseDir: settings.mirrorDir,
    abort: signal,
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    // What these allow comes from gitEnvironment alone, never from a repository.
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeHooksPath: true,
      allowUnsafeGpgProgram: true,
      allowUnsafeSshCommand: true,
    },
    // By default simple-git takes what it has 50 ms after the process ended, and a large answer may not be whole by then.
    completion: { onExit: false, onClose: true },
    errors: failureOf,
  };
}

/** simple-git takes a process that failed without a word, or was killed, for a success: half a tree would pass for the whole. */
const failureOf: NonNullable<SimpleGitOptions['errors']> = (error, { exitCode, stdErr }) => {
  if (error instanceof GitPluginError || exitCode === 0) return error;
  const said = Buffer.concat(stdErr);
  return said.length > 0 ? said : Buffer.from(`git ended with ${exitCode ?? 'a signal'}`);
};

async function readCredentials(settings: GitSettings, signal: AbortSignal): Promise<Credentials | undefined> {
  const { username, password } = settings;
  if (password === undefined) return undefined;
  try {
    // Servers that take tokens accept any user name, but not an empty one.
    return { username: (await username?.(signal)) ?? 'git', password: await password(signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    throw new AppError(problem('CONFIG_UNREADABLE', `the credentials of the repository cannot be read: ${errorText(error)}`), {
      cause: error,
    });
  }
}
