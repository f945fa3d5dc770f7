import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type { Signers } from './git-environment.ts';
import type { GitSettings, VerifyOptions } from './git-settings.ts';
import { makeWorkFolder, removeDeadFolders } from './work-folders.ts';

const run = promisify(execFile);
const KEYRING = 'keys-';

/**
 * Calls `use` with the keys whose signatures count. OpenPGP keys are read anew each time into a keyring that lives no longer,
 * so that nothing else is in it, and a key that was taken out of the file counts no more. Throws AppError when the keys cannot be
 * read or a program is missing.
 */
export async function withSigners<T>(settings: GitSettings, use: (signers: Signers) => Promise<T>, signal: AbortSignal): Promise<T> {
  const { allowedSignersFile, openpgpKeysFile } = settings.verify ?? ({} as Partial<VerifyOptions>);
  if (allowedSignersFile !== undefined) {
    // It ends with an error for want of arguments; but it must be there, or every signature would look wrong.
    await start(settings, { program: 'ssh-keygen', args: ['-Y', 'check-novalidate'], home: undefined, mayFail: true }, signal);
  }
  if (openpgpKeysFile === undefined) return use({ allowedSignersFile, gnupgHome: undefined });
  await removeDeadFolders(settings.mirrorDir, KEYRING);
  const home = await makeWorkFolder(settings.mirrorDir, KEYRING);
  try {
    await writeFile(join(home, 'gpg.conf'), 'trust-model always\nno-autostart\ndisable-dirmngr\n');
    const args = ['--batch', '--no-tty', '--quiet', '--import', openpgpKeysFile];
    await start(settings, { program: 'gpg', args, home, mayFail: false }, signal);
    return await use({ allowedSignersFile, gnupgHome: home });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Tells one set of keys from another. Throws AppError CONFIG_UNREADABLE when a file of them cannot be read. */
export async function digestOfKeys({ allowedSignersFile, openpgpKeysFile }: VerifyOptions): Promise<string> {
  const hash = createHash('sha256');
  for (const [option, path] of [
    ['git.allowedSignersFile', allowedSignersFile],
    ['git.openpgpKeysFile', openpgpKeysFile],
  ] as const) {
    const bytes = path === undefined ? Buffer.alloc(0) : await readable(option, path);
    hash.update(`${bytes.length} `).update(bytes);
  }
  return hash.digest('hex');
}

interface Program {
  readonly program: 'gpg' | 'ssh-keygen';
  readonly args: readonly string[];
  readonly home: string | undefined;
  /** Whether only a missing program is an error. */
  readonly mayFail: boolean;
}

async function start(settings: GitSettings, { program, args, home, mayFail }: Program, signal: AbortSignal): Promise<void> {
  const { environment, timeoutMs } = settings;
  const env = { PATH: environment['PATH'], LC_ALL: 'C', ...(home === undefined ? {} : { GNUPGHOME: home }) };
  try {
    const child = run(program, [...args], { env, signal, timeout: timeoutMs, killSignal: 'SIGKILL' });
    child.child.stdin?.end();
    await child;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new AppError(missing(program));
    if (mayFail) return;
    const message = `git.openpgpKeysFile: gpg cannot read its keys: ${errorText(error).replaceAll(/\s*\n\s*/g, '; ')}`;
    throw new AppError(problem('CONFIG_INVALID', message, { remedy: 'Write the public keys into it: gpg --armor --export KEY….' }));
  }
}

function missing(program: Program['program']) {
  const name = program === 'gpg' ? 'gpg' : 'openssh-client';
  const remedy = `Install ${program} (in Debian the package ${name}) and see that PATH holds it.`;
  return problem('GIT_READ_FAILED', `signatures cannot be verified: there is no program ${program}`, { next: 'fix-config', remedy });
}

async function readable(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `${option}: ${errorText(error)}`), { cause: error });
  }
}
