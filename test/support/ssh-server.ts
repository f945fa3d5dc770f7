import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { GitRepository } from './git-repository.ts';
import { makeTempDirectory } from './processes.ts';

const run = promisify(execFile);

/** An OpenSSH server on the loopback with one bare repository. */
export interface SshServer {
  readonly url: string;
  readonly repository: GitRepository;
  /** A private key that it lets in, and a file with its host key. */
  readonly keyFile: string;
  readonly knownHostsFile: string;
  /** A private key that it does not let in. */
  readonly strangerKeyFile: string;
  /** `SHA256:…` of its host key at the moment. */
  fingerprint(): Promise<string>;
  /** Starts anew with another host key; returns what a file of known hosts then has to hold. */
  changeHostKey(): Promise<string>;
  stop(): Promise<void>;
}

/** Makes a key pair without a passphrase, unless one is told; returns the path of the private key. */
export async function makeSshKey(path: string, passphrase = ''): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]);
  return path;
}

/** Starts `sshd` as this user, who is the only one to be let in, by key. */
export async function startSshServer(): Promise<SshServer> {
  const directory = await makeTempDirectory('ssh');
  const path = (name: string) => join(directory.path, name);
  const repository = await GitRepository.create(path('specs.git'));
  const port = await freePort();
  await Promise.all([makeSshKey(path('host')), makeSshKey(path('client')), makeSshKey(path('stranger'))]);
  await writeFile(path('authorized'), await readFile(path('client.pub')));
  await writeFile(path('known hosts'), knownHost(port, await readFile(path('host.pub'), 'utf8')));
  await writeFile(path('config'), configuration(path, port));
  let daemon = await startDaemon(path('config'));
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}${repository.path}`,
    repository,
    keyFile: path('client'),
    knownHostsFile: path('known hosts'),
    strangerKeyFile: path('stranger'),
    fingerprint: async () => (await run('ssh-keygen', ['-l', '-f', path('host.pub')])).stdout.split(' ')[1] ?? '',
    async changeHostKey() {
      await daemon.stop();
      await Promise.all([rm(path('host')), rm(path('host.pub'))]);
      await makeSshKey(path('host'));
      daemon = await startDaemon(path('config'));
      return knownHost(port, await readFile(path('host.pub'), 'utf8'));
    },
    async stop() {
      await daemon.stop();
      await directory.remove();
    },
  };
}

function configuration(path: (name: string) => string, port: number): string {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('authorized')}`,
    `PidFile ${path('pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'AllowTcpForwarding no',
  ];
  return `${lines.join('\n')}\n`;
}

const knownHost = (port: number, publicKey: string): string => `[127.0.0.1]:${port} ${publicKey}`;

async function startDaemon(config: string): Promise<{ stop(): Promise<void> }> {
  // Where sshd, started by root, drops its rights to; the package makes it only when the system starts.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const { stdout } = await run('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin" command -v sshd']);
  const child = spawn(stdout.trim(), ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Server listening')) resolve();
    });
    child.once('exit', () => reject(new Error(`sshd ended: ${said}`)));
  });
  return {
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
