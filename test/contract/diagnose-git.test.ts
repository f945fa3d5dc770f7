import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { diagnoseGit, type GitCheck } from '../../src/adapters/git/diagnose-git.ts';
import type { GitSourceOptions } from '../../src/adapters/git/git-settings.ts';
import { selfSigned } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { hasProgram } from '../support/programs.ts';
import { processesWith } from '../support/running-processes.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';
import { steady } from './spec-source-rig.ts';

const TLS = selfSigned('127.0.0.1');

/** The last check: the one that failed, if any did. */
function verdict(checks: readonly GitCheck[]): Partial<GitCheck> {
  return checks.at(-1) ?? {};
}

describe('the diagnosis of a repository', () => {
  let directory: TempDirectory;
  let server: GitServer;
  let sslCaFile: string;
  beforeAll(async () => {
    directory = await makeTempDirectory('diagnose-git');
    server = await startGitServer({ tls: TLS, user: 'git', password: 'canary-password' });
    await server.commit({ 'specs/a.yaml': 'a', 'specs/b.yaml': 'b', 'docs/README.md': 'none' }, 'one');
    sslCaFile = join(directory.path, 'ca.pem');
    await writeFile(sslCaFile, TLS.cert);
  });
  afterAll(async () => {
    await server.stop();
    await directory.remove();
  });

  let run = 0;
  const diagnose = (options: Partial<GitSourceOptions> = {}, signal = steady()) =>
    diagnoseGit(
      {
        url: server.url,
        sslCaFile,
        root: 'specs',
        password: () => 'canary-password',
        mirrorDir: join(directory.path, `mirror-${run++}`),
        timeoutMs: 10_000,
        clock: { now: () => 0 },
        environment: { PATH: process.env['PATH'] },
        ...options,
      },
      signal,
    );

  it('goes through every step of a read that succeeds', async () => {
    const checks = await diagnose();
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'settings ok',
      'files ok',
      'dns skipped',
      'tcp ok',
      'tls ok',
      'login ok',
      'ref ok',
      'root ok',
    ]);
    expect(verdict(checks).message).toBe('the folder specs holds 2 files that could be specs');
    expect(JSON.stringify(checks)).not.toContain('canary');
  });

  it.each<{ what: string; options: () => Partial<GitSourceOptions> | Promise<Partial<GitSourceOptions>>; expected: Partial<GitCheck> }>([
    { what: 'options that contradict', options: () => ({ tag: 'a', semver: '1' }), expected: { name: 'settings' } },
    { what: 'a URL that is refused', options: () => ({ url: 'ext::sh -c true' }), expected: { name: 'settings' } },
    {
      what: 'a file that is not there',
      options: () => ({ sslCaFile: '/none/ca.pem' }),
      expected: { name: 'files', message: expect.stringContaining('git.sslCaFile') },
    },
    {
      what: 'a host without an address',
      options: () => ({ url: 'https://git.invalid/specs.git' }),
      expected: { name: 'dns', remedy: expect.stringContaining('git.url') },
    },
    {
      what: 'a port where nobody listens',
      options: async () => ({ url: `https://127.0.0.1:${await freePort()}/specs.git` }),
      expected: { name: 'tcp', remedy: expect.stringContaining('firewalls') },
    },
    {
      what: 'a proxy where nobody listens',
      options: async () => ({ proxy: `http://127.0.0.1:${await freePort()}` }),
      expected: { name: 'tcp' },
    },
    {
      what: 'an authority that did not sign the certificate',
      options: async () => {
        const other = join(directory.path, 'other.pem');
        await writeFile(other, selfSigned('other').cert);
        return { sslCaFile: other };
      },
      expected: { name: 'tls', remedy: expect.stringContaining('git.sslCaFile') },
    },
    {
      what: 'a wrong password',
      options: () => ({ password: () => 'canary-wrong' }),
      expected: { name: 'login', remedy: expect.stringContaining('password') },
    },
    {
      what: 'a branch that is not there',
      options: () => ({ ref: 'none' }),
      expected: { name: 'ref', message: expect.stringContaining('none') },
    },
    {
      what: 'a folder that is not there',
      options: () => ({ root: 'none' }),
      expected: { name: 'root', message: expect.stringContaining('none') },
    },
  ])('stops at $what', async ({ options, expected }) => {
    const checks = await diagnose(await options());
    expect(verdict(checks)).toMatchObject({ status: 'failed', ...expected });
    expect(verdict(checks).remedy).toMatch(/^[A-Z].*\.$/);
    expect(checks.filter(({ status }) => status === 'failed')).toHaveLength(1);
    expect(JSON.stringify(checks)).not.toContain('canary');
  });

  it('warns of a folder without specs', async () => {
    expect(verdict(await diagnose({ root: 'docs' }))).toMatchObject({ name: 'root', status: 'warning' });
    expect(verdict(await diagnose({ exclude: ['**'] }))).toMatchObject({ name: 'root', status: 'warning' });
  });

  it('tells of a commit without a signature', async () => {
    const allowedSignersFile = join(directory.path, 'allowed');
    await writeFile(allowedSignersFile, '');
    const checks = await diagnose({ verify: { mode: 'range', allowedSignersFile } });
    expect(verdict(checks)).toMatchObject({ name: 'signature', status: 'failed', message: expect.stringContaining('is not signed') });
  });

  it('ends with its signal, and leaves no process', async () => {
    await server.setMode('hanging');
    try {
      await expect(diagnose({}, AbortSignal.timeout(1500))).rejects.toThrow(/abort|timeout/i);
      expect(await processesWith(server.url)).toEqual([]);
    } finally {
      await server.setMode('serving');
    }
  });
});

describe.skipIf(!hasProgram('sshd'))('the diagnosis of a repository behind ssh (needs sshd)', () => {
  let directory: TempDirectory;
  let server: SshServer;
  beforeEach(async () => {
    directory = await makeTempDirectory('diagnose-git');
    server = await startSshServer();
    await server.repository.commit({ 'a.yaml': 'a' }, 'one');
  });
  afterEach(async () => {
    await server.stop();
    await directory.remove();
  });

  it('tells a host key that is not known from a key that is not taken', async () => {
    const diagnose = (options: Partial<GitSourceOptions>) =>
      diagnoseGit(
        {
          url: server.url,
          sshKeyFile: server.keyFile,
          knownHostsFile: server.knownHostsFile,
          mirrorDir: join(directory.path, 'mirror'),
          clock: { now: () => 0 },
          environment: { PATH: process.env['PATH'] },
          ...options,
        },
        steady(),
      );
    expect(verdict(await diagnose({}))).toMatchObject({ name: 'root', status: 'ok' });
    const empty = join(directory.path, 'empty');
    await writeFile(empty, '');
    const unknown = verdict(await diagnose({ knownHostsFile: empty }));
    expect(unknown).toMatchObject({ name: 'host-key', status: 'failed', message: expect.stringContaining(await server.fingerprint()) });
    expect(verdict(await diagnose({ sshKeyFile: server.strangerKeyFile }))).toMatchObject({ name: 'login', status: 'failed' });
  });
});
