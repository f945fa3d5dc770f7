import { resolve } from 'node:path';
import type { Clock } from '../../core/model/ports.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { checkFollow, type Follow, type FollowOptions, followIdentity } from './follow.ts';
import { DEFAULT_LIMITS, EXTENSIONS, type GitLimits } from './git-limits.ts';
import { parseRemote, type Remote } from './parse-remote.ts';
import { folderFilter, type PathFilter, pathFilter } from './path-filter.ts';
import { isSshPath } from './ssh-command.ts';

/** Reads a user name, password or token from where it is kept; called for each look at the repository, so that it may rotate. */
export type CredentialReader = (signal: AbortSignal) => string | Promise<string>;

/** Whose signatures count, and on which commits. */
export interface VerifyOptions {
  /** `head`: the commit that is read; `range`: every commit after the one in force as well. */
  readonly mode: 'head' | 'range';
  /** Keys as ssh-keygen(1) describes them under ALLOWED SIGNERS. */
  readonly allowedSignersFile?: string | undefined;
  /** OpenPGP public keys, in armour or not; each one in it is trusted. */
  readonly openpgpKeysFile?: string | undefined;
}

/** How to create a Git source. Which commit counts: see FollowOptions. */
export interface GitSourceOptions extends FollowOptions {
  /** See parseRemote for the accepted forms. */
  readonly url: string;
  /** The folder that holds the specs; the whole repository unless told. */
  readonly root?: string;
  /** File name endings that are read; `.json`, `.yaml` and `.yml` unless told. */
  readonly extensions?: readonly string[];
  /** Globs below the root: only what one of them takes is read; everything unless told. */
  readonly include?: readonly string[];
  /** Globs below the root: what one of them takes is not read. */
  readonly exclude?: readonly string[];
  /** Fetch only the newest commit, not the history. */
  readonly shallow?: boolean;
  /** Refuse a head that does not descend from the commit in force. */
  readonly fastForwardOnly?: boolean;
  /** Which signatures are asked for; none unless told. */
  readonly verify?: VerifyOptions;
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
  /** PEM files with the client certificate and its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The HTTP or SOCKS proxy, without credentials; what the environment says unless told. */
  readonly proxy?: string;
  /** The private key for ssh; those of the agent and of the machine unless told. */
  readonly sshKeyFile?: string;
  /** The only host keys that count; those of the machine unless told. */
  readonly knownHostsFile?: string;
  /** The ssh command, instead of one made from the two before. */
  readonly sshCommand?: string;
  /** Told the arguments of each git process before it starts. They never hold a secret. */
  readonly onCommand?: (args: readonly string[]) => void;
}

/** The options, checked and filled up. */
export interface GitSettings {
  readonly remote: Remote;
  readonly follow: Follow;
  /** Without slashes at its ends; empty for the whole repository. */
  readonly root: string;
  /** In lower case, each with its dot. */
  readonly extensions: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** By both lists. */
  readonly isWanted: PathFilter;
  /** Whether something below a folder would be wanted. */
  readonly mayHoldWanted: PathFilter;
  readonly shallow: boolean;
  readonly fastForwardOnly: boolean;
  readonly verify: VerifyOptions | undefined;
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
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly proxy: string | undefined;
  readonly sshKeyFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly sshCommand: string | undefined;
  readonly onCommand: (args: readonly string[]) => void;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Checks the options of a Git source. Throws AppError CONFIG_INVALID or GIT_URL_REFUSED. */
export function checkSettings(options: GitSourceOptions): GitSettings {
  checkShallow(options);
  const { root = '', include = [], exclude = [], extensions = EXTENSIONS, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return {
    remote: parseRemote(options.url),
    follow: checkFollow(options),
    root: checkRoot(root),
    extensions: extensions.map(checkExtension),
    include,
    exclude,
    isWanted: pathFilter(include, exclude),
    mayHoldWanted: folderFilter(include, exclude),
    shallow: options.shallow ?? false,
    fastForwardOnly: options.fastForwardOnly ?? false,
    verify: options.verify === undefined ? undefined : verifyFrom(options.verify),
    mirrorDir: resolve(options.mirrorDir),
    username: options.username,
    password: options.password,
    timeoutMs,
    fetchTimeoutMs: options.fetchTimeoutMs ?? 10 * timeoutMs,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    tidyAfterFetches: options.tidyAfterFetches ?? 200,
    clock: options.clock,
    environment: options.environment,
    sslCaFile: absolute(options.sslCaFile),
    certFile: absolute(options.certFile),
    keyFile: absolute(options.keyFile),
    proxy: options.proxy,
    sshKeyFile: checkSshPath('git.sshKeyFile', absolute(options.sshKeyFile)),
    knownHostsFile: checkSshPath('git.knownHostsFile', absolute(options.knownHostsFile)),
    sshCommand: options.sshCommand,
    onCommand: options.onCommand ?? (() => {}),
  };
}

/** git works in the folder of the mirror, where a relative path would lead elsewhere. */
const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));

function verifyFrom({ mode, allowedSignersFile, openpgpKeysFile }: VerifyOptions): VerifyOptions {
  return { mode, allowedSignersFile: absolute(allowedSignersFile), openpgpKeysFile: absolute(openpgpKeysFile) };
}

/** Identifies what is read: repository, branch or tag, filter and root. Two sources with the same text read the same files. */
export function sourceIdentity(settings: GitSettings): string {
  const { remote, follow, extensions, root, include, exclude } = settings;
  const globs = include.length + exclude.length === 0 ? [] : [JSON.stringify([[...include].sort(), [...exclude].sort()])];
  return [remote.identity, followIdentity(follow), [...extensions].sort().join(','), root, ...globs].join(' ').trimEnd();
}

/** Whether a fetched head has to be judged before it counts. */
export function isJudged({ follow, verify, fastForwardOnly }: GitSettings): boolean {
  return verify !== undefined || fastForwardOnly || follow.kind === 'commit';
}

/** Whether judging a head needs to know which commit was in force before it. */
export function comparesHeads({ verify, fastForwardOnly }: Pick<GitSettings | GitSourceOptions, 'verify' | 'fastForwardOnly'>): boolean {
  return fastForwardOnly === true || verify?.mode === 'range';
}

/** What needs the history cannot go with a fetch that leaves it out. */
function checkShallow({ shallow, fastForwardOnly, commit, verify }: GitSourceOptions): void {
  if (shallow !== true) return;
  if (fastForwardOnly === true || commit !== undefined || verify?.mode === 'range') {
    throw invalid('git.shallow excludes git.fastForwardOnly, git.commit and git.verify: range, which need the history');
  }
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

function checkSshPath(option: string, path: string | undefined): string | undefined {
  if (path === undefined || isSshPath(path)) return path;
  throw invalid(`${option} ${JSON.stringify(path)} holds characters that ssh cannot be given`);
}

function invalid(message: string): AppError {
  return new AppError(problem('CONFIG_INVALID', message));
}
