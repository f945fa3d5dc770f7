import { access, constants, mkdir } from 'node:fs/promises';
import { AppError, errorText } from '../../shared/errors.ts';
import type { ProblemCode } from '../../shared/problem.ts';
import { checkSettings, type GitSettings, type GitSourceOptions } from './git-settings.ts';
import { createGitSource } from './git-source.ts';
import { HeadWatch } from './head-watch.ts';
import { createGitRunner } from './run-git.ts';
import { addressOf, type NetworkCheck, tryConnection, tryLookup, tryTls } from './try-network.ts';

/** One thing that reading the repository needs, and whether it is so. */
export interface GitCheck extends NetworkCheck {
  readonly name: 'settings' | 'files' | 'dns' | 'tcp' | 'tls' | 'host-key' | 'login' | 'ref' | 'signature' | 'root';
}

/**
 * Tries step by step what a read of the repository does, up to the first step that fails: those after it would fail as well.
 * `mirrorDir` should be a folder that is thrown away afterwards. Nothing is changed at the remote.
 */
export async function diagnoseGit(options: GitSourceOptions, signal: AbortSignal): Promise<readonly GitCheck[]> {
  const checks: GitCheck[] = [];
  for await (const check of steps(options, signal)) {
    checks.push(check);
    if (check.status === 'failed') break;
  }
  return checks;
}

async function* steps(options: GitSourceOptions, signal: AbortSignal): AsyncGenerator<GitCheck> {
  let settings: GitSettings;
  try {
    settings = checkSettings(options);
  } catch (error) {
    yield failed('settings', error);
    return;
  }
  yield { name: 'settings', status: 'ok', message: `the URL ${settings.remote.url} and the options are in order` };
  yield await filesCheck(settings);
  yield* networkChecks(settings, signal);
  yield* lookChecks(settings, signal);
  yield* readChecks(options, signal);
}

/** Whether the files that options name can be read. */
async function filesCheck(settings: GitSettings): Promise<GitCheck> {
  const { sslCaFile, certFile, keyFile, sshKeyFile, knownHostsFile, verify } = settings;
  const { allowedSignersFile, openpgpKeysFile } = verify ?? {};
  const named = { sslCaFile, certFile, keyFile, sshKeyFile, knownHostsFile, allowedSignersFile, openpgpKeysFile };
  const wrong: string[] = [];
  const given = Object.entries(named).flatMap(([name, path]) => (path === undefined ? [] : [{ name, path }]));
  for (const { name, path } of given) {
    await access(path, constants.R_OK).catch((error: unknown) => wrong.push(`git.${name}: ${errorText(error)}`));
  }
  if (wrong.length > 0) {
    const remedy = 'Correct the paths, or let the account of the daemon read the files.';
    return { name: 'files', status: 'failed', message: wrong.join('; '), remedy };
  }
  if (given.length === 0) return { name: 'files', status: 'skipped', message: 'no option names a file for git' };
  return { name: 'files', status: 'ok', message: `${given.map(({ name }) => `git.${name}`).join(', ')} can be read` };
}

async function* networkChecks(settings: GitSettings, signal: AbortSignal): AsyncGenerator<GitCheck> {
  const address = addressOf(settings);
  if (address.kind === 'unknown') {
    yield { name: 'dns', status: 'skipped', message: address.why };
    return;
  }
  yield { name: 'dns', ...(await tryLookup(address, signal)) };
  yield { name: 'tcp', ...(await tryConnection(address, settings, signal)) };
  if (settings.remote.protocol === 'https' && address.kind === 'server') {
    yield { name: 'tls', ...(await tryTls(address, settings, signal)) };
  }
}

/** What the remote says when it is asked for its head. */
async function* lookChecks(settings: GitSettings, signal: AbortSignal): AsyncGenerator<GitCheck> {
  try {
    await mkdir(settings.mirrorDir, { recursive: true, mode: 0o700 });
    const head = await new HeadWatch(settings, createGitRunner(settings)).look(settings.clock.now(), signal);
    yield { name: 'login', status: 'ok', message: 'the server lets us read' };
    yield { name: 'ref', status: 'ok', message: `${head.ref} is at ${head.revision}` };
  } catch (error) {
    signal.throwIfAborted();
    const name = stepOf(error);
    if (name === 'ref') yield { name: 'login', status: 'ok', message: 'the server lets us read' };
    yield failed(name, error);
  }
}

/** What a read makes of it: without the history, unless something needs it. */
async function* readChecks(options: GitSourceOptions, signal: AbortSignal): AsyncGenerator<GitCheck> {
  const shallow = options.commit === undefined;
  const verify = options.verify === undefined ? {} : { verify: { ...options.verify, mode: 'head' as const } };
  const source = createGitSource({ ...options, ...verify, shallow, fastForwardOnly: false });
  try {
    const snapshot = await source.read('', signal);
    if (snapshot.kind !== 'complete') {
      yield failed(stepOf(new AppError(snapshot.reason)), new AppError(snapshot.reason));
      return;
    }
    if (options.verify !== undefined) {
      yield { name: 'signature', status: 'ok', message: `commit ${snapshot.value.revision} is signed by a trusted key` };
    }
    yield rootCheck(
      options,
      snapshot.value.files.map(({ content }) => content.kind),
    );
  } finally {
    await source.close();
  }
}

function rootCheck({ root = '' }: GitSourceOptions, files: readonly ('bytes' | 'refused')[]): GitCheck {
  const where = root === '' ? 'the repository' : `the folder ${root}`;
  const refused = files.filter((kind) => kind === 'refused').length;
  if (files.length === 0) {
    const remedy = 'Correct `git.root`, `git.include` and `git.exclude`; specs end in .json, .yaml or .yml.';
    return { name: 'root', status: 'warning', message: `${where} holds no file that could be a spec`, remedy };
  }
  const message = `${where} holds ${files.length === 1 ? '1 file that could be a spec' : `${files.length} files that could be specs`}`;
  if (refused === 0) return { name: 'root', status: 'ok', message };
  return { name: 'root', status: 'warning', message: `${message}, ${refused} of them unreadable`, remedy: 'See `poolkeeper status`.' };
}

const STEPS: Partial<Record<ProblemCode, GitCheck['name']>> = {
  GIT_HOST_KEY_UNKNOWN: 'host-key',
  GIT_HOST_KEY_CHANGED: 'host-key',
  GIT_REF_MISSING: 'ref',
  GIT_ROOT_MISSING: 'root',
  GIT_COMMIT_UNVERIFIED: 'signature',
  CONFIG_UNREADABLE: 'files',
};

const stepOf = (error: unknown): GitCheck['name'] => (error instanceof AppError ? STEPS[error.problem.code] : undefined) ?? 'login';

function failed(name: GitCheck['name'], error: unknown): GitCheck {
  if (!(error instanceof AppError)) return { name, status: 'failed', message: errorText(error) };
  const { message, remedy } = error.problem;
  return { name, status: 'failed', message, remedy };
}
