import type { Clock } from '../../core/model/ports.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { isBranchName } from './is-branch-name.ts';
import { parseRemote, type Remote } from './parse-remote.ts';

/** Reads a user name, password or token from where it is kept; called for each look at the repository, so that it may rotate. */
export type CredentialReader = (signal: AbortSignal) => string | Promise<string>;

/** What a repository may hold before it is refused. */
export interface GitLimits {
  /** Larger files are set aside unread (SPEC_TOO_LARGE). */
  readonly maxFileBytes: number;
  /** More files than these under the root fail the read: a wrong root, most likely. */
  readonly maxFiles: number;
  /** All files under the root together; they are kept in memory. */
  readonly maxTotalBytes: number;
}

/** How to create a Git source. */
export interface GitSourceOptions {
  /** See parseRemote for the accepted forms. */
  readonly url: string;
  /** The branch; `main` unless told. */
  readonly ref?: string;
  /** The folder that holds the specs; the whole repository unless told. */
  readonly root?: string;
  /** File name endings that are read; `.json`, `.yaml` and `.yml` unless told. */
  readonly extensions?: readonly string[];
  /** A folder of our own for the mirror; created when absent. Other things in it are left alone. */
  readonly mirrorDir: string;
  readonly username?: CredentialReader;
  readonly password?: CredentialReader;
  /** The longest a look at the remote, or a local command, may take; 60 s unless told. */
  readonly timeoutMs?: number;
  /** The longest a fetch may take; ten times `timeoutMs` unless told, since the first one brings the whole history. */
  readonly fetchTimeoutMs?: number;
  readonly limits?: Partial<GitLimits>;
  /** After how many fetches git is asked whether the mirror needs packing; 200 unless told: each leaves some loose objects. */
  readonly tidyAfterFetches?: number;
  readonly clock: Pick<Clock, 'now'>;
  /** What git processes inherit, such as `process.env`; only PATH, HOME, proxies and the like are taken from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** PEM file with the certificate authorities of the server. */
  readonly sslCaFile?: string;
  /** The ssh command; `ssh -o BatchMode=yes -o ConnectTimeout=…` unless told. */
  readonly sshCommand?: string;
  /** Told the arguments of each git process before it starts. They never hold a secret. */
  readonly onCommand?: (args: readonly string[]) => void;
}

/** The options, checked and filled up. */
export interface GitSettings {
  readonly remote: Remote;
  readonly ref: string;
  /** Without slashes at its ends; empty for the whole repository. */
  readonly root: string;
  /** In lower case, each with its dot. */
  readonly extensions: readonly string[];
  readonly mirrorDir: string;
  readonly username: CredentialReader | undefined;
  readonly password: CredentialReader | undefined;
  readonly timeoutMs: number;
  readonly fetchTimeoutMs: number;
  readonly limits: GitLimits;
  readonly tidyAfterFetches: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly sslCaFile: string | undefined;
  readonly sshCommand: string | undefined;
  readonly onCommand: (args: readonly string[]) => void;
}

const MIB = 1024 * 1024;
const DEFAULT_LIMITS: GitLimits = { maxFileBytes: MIB, maxFiles: 10_000, maxTotalBytes: 256 * MIB };
const DEFAULT_TIMEOUT_MS = 60_000;

/** Checks the options of a Git source. Throws AppError CONFIG_INVALID or GIT_URL_REFUSED. */
export function checkSettings(options: GitSourceOptions): GitSettings {
  const { ref = 'main', root = '', extensions = ['.json', '.yaml', '.yml'], timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return {
    remote: parseRemote(options.url),
    ref: checkRef(ref),
    root: checkRoot(root),
    extensions: extensions.map(checkExtension),
    mirrorDir: options.mirrorDir,
    username: options.username,
    password: options.password,
    timeoutMs,
    fetchTimeoutMs: options.fetchTimeoutMs ?? 10 * timeoutMs,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    tidyAfterFetches: options.tidyAfterFetches ?? 200,
    clock: options.clock,
    environment: options.environment,
    sslCaFile: options.sslCaFile,
    sshCommand: options.sshCommand,
    onCommand: options.onCommand ?? (() => {}),
  };
}

/** Identifies what is read: repository, branch, filter and root. Two sources with the same text read the same files. */
export function sourceIdentity(settings: GitSettings): string {
  const { remote, ref, extensions, root } = settings;
  return [remote.identity, ref, [...extensions].sort().join(','), root].join(' ').trimEnd();
}

function checkRef(ref: string): string {
  if (isBranchName(ref)) return ref;
  throw invalid(`git.ref ${JSON.stringify(ref)} is not a branch name`);
}

function checkRoot(root: string): string {
  const path = root.replace(/\/+$/, '');
  const parts = path === '' ? [] : path.split('/');
  const isFolder = parts.every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
  if (isFolder && !path.includes('\0')) return path;
  throw invalid(`git.root ${JSON.stringify(root)} is not a folder inside the repository`);
}

function checkExtension(extension: string): string {
  if (/^\.[^/\s]+$/.test(extension)) return extension.toLowerCase();
  throw invalid(`the file name ending ${JSON.stringify(extension)} does not begin with a dot`);
}

function invalid(message: string): AppError {
  return new AppError(problem('CONFIG_INVALID', message));
}
