import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GitRepository } from './git-repository.ts';
import { makeSshKey } from './ssh-server.ts';

const run = promisify(execFile);
const PEOPLE = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];

/** A key to sign with. */
export interface SigningKey {
  /** What git is told to sign by it. */
  readonly configuration: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** For SSH a line of allowed signers, for OpenPGP the public key in armour. */
  readonly publicText: string;
}

/** Makes an SSH key below `folder`. */
export async function sshSigner(folder: string, name: string): Promise<SigningKey> {
  const path = await makeSshKey(join(folder, name));
  const publicKey = await readFile(`${path}.pub`, 'utf8');
  return {
    configuration: ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${path}`],
    environment: {},
    publicText: `test@example.com namespaces="git" ${publicKey}`,
  };
}

/** Makes an OpenPGP key in a keyring of its own below `folder`; its agent ends when the folder is gone. */
export async function openpgpSigner(folder: string, name: string): Promise<SigningKey & { stop(): Promise<void> }> {
  const home = join(folder, name);
  await mkdir(home, { mode: 0o700 });
  await writeFile(join(home, 'gpg.conf'), 'batch\nno-tty\npinentry-mode loopback\npassphrase \n');
  const env = { PATH: process.env['PATH'], GNUPGHOME: home };
  await run('gpg', ['--quiet', '--passphrase', '', '--quick-gen-key', `${name} <${name}@example.com>`, 'ed25519', 'sign', 'never'], {
    env,
  });
  const { stdout } = await run('gpg', ['--armor', '--export'], { env });
  return {
    configuration: ['-c', 'gpg.format=openpgp', '-c', `user.signingKey=${name}@example.com`],
    environment: { GNUPGHOME: home },
    publicText: stdout,
    async stop() {
      await run('gpgconf', ['--kill', 'all'], { env });
    },
  };
}

/** Replaces the head of a branch by the same commit, signed; returns its id. */
export async function signHead(repository: GitRepository, key: SigningKey, branch = 'main'): Promise<string> {
  const [tree = '', parents = '', ...message] = (await repository.git(['log', '-1', '--format=%T%n%P%n%B', branch])).split('\n');
  const parentOptions = parents.split(' ').flatMap((parent) => (parent === '' ? [] : ['-p', parent]));
  const args = [...PEOPLE, ...key.configuration, 'commit-tree', '-S', ...parentOptions, '-m', message.join('\n').trim(), tree];
  const env = { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...key.environment };
  const { stdout } = await run('git', ['-C', repository.path, ...args], { env });
  await repository.forceBranch(branch, stdout.trim());
  return stdout.trim();
}
