import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GitSourceOptions } from '../../src/adapters/git/git-settings.ts';
import { createGitSource, type GitSource } from '../../src/adapters/git/git-source.ts';
import { withoutAbsent } from '../../src/shared/without-absent.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { hasProgram } from '../support/programs.ts';
import { makeSshKey, type SshServer, startSshServer } from '../support/ssh-server.ts';
import { complete, PATIENCE_MS, reasonOf, steady, texts } from './spec-source-rig.ts';

describe.skipIf(!hasProgram('sshd'))('a spec source over ssh (needs sshd)', () => {
  let server: SshServer;
  let directory: TempDirectory;
  const sources: GitSource[] = [];
  beforeAll(async () => {
    server = await startSshServer();
    await server.repository.commit({ 'a.yaml': 'a' }, 'one');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    directory = await makeTempDirectory('spec-source-ssh');
  });
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close()));
    await directory.remove();
  });

  type Changed = { readonly [K in keyof GitSourceOptions]?: GitSourceOptions[K] | undefined };
  const open = (options: Changed = {}) => {
    const all = {
      url: server.url,
      mirrorDir: join(directory.path, 'mirror'),
      sshKeyFile: server.keyFile,
      knownHostsFile: server.knownHostsFile,
      timeoutMs: PATIENCE_MS,
      clock: { now: () => 0 },
      environment: { PATH: process.env['PATH'], HOME: directory.path },
      ...options,
    };
    const source = createGitSource(withoutAbsent(all) as GitSourceOptions);
    sources.push(source);
    return source;
  };

  it('reads with a key, and trusts the host keys it was given', async () => {
    expect(texts(complete(await open().read('', steady())))).toEqual({ 'a.yaml': 'a' });
  });

  it('refuses a host key that it does not know, and tells its fingerprint', async () => {
    const empty = join(directory.path, 'empty');
    await writeFile(empty, '');
    const reason = reasonOf(await open({ knownHostsFile: empty }).read('', steady()));
    expect(reason).toMatchObject({ code: 'GIT_HOST_KEY_UNKNOWN', next: 'fix-config', remedy: expect.stringContaining('ssh-keyscan') });
    expect(reason.message).toContain(await server.fingerprint());
    expect(reason.message).not.toContain('debug1');
    expect(await readFile(empty, 'utf8')).toBe('');
  });

  it('refuses it also when it was given no files at all', async () => {
    const source = open({ sshKeyFile: undefined, knownHostsFile: undefined });
    expect(reasonOf(await source.read('', steady())).code).toBe('GIT_HOST_KEY_UNKNOWN');
  });

  it('refuses a host key that has changed, until its file is corrected', async () => {
    const own = join(directory.path, "it's 100% known");
    await copyFile(server.knownHostsFile, own);
    const source = open({ knownHostsFile: own });
    complete(await source.read('', steady()));
    const known = await server.changeHostKey();
    const changed = await source.read('', steady());
    expect(changed).toMatchObject({ kind: 'stale', reason: { code: 'GIT_HOST_KEY_CHANGED' } });
    expect(reasonOf(changed).message).toContain(await server.fingerprint());
    await writeFile(own, known);
    complete(await source.read('', steady()));
    await writeFile(server.knownHostsFile, known);
  });

  it('tells of a key that the server does not take', async () => {
    const reason = reasonOf(await open({ sshKeyFile: server.strangerKeyFile }).read('', steady()));
    expect(reason).toMatchObject({
      code: 'GIT_AUTH_FAILED',
      message: expect.stringContaining('Permission denied (publickey)'),
      remedy: expect.stringContaining('git.sshKeyFile'),
    });
    expect(reason.message).not.toContain('debug1');
  });

  it('tells of a key with a passphrase, a key that others may read, and a file that is no key', async () => {
    const locked = await makeSshKey(join(directory.path, 'locked'), 'a passphrase');
    expect(reasonOf(await open({ sshKeyFile: locked }).read('', steady())).code).toBe('GIT_AUTH_FAILED');
    const open644 = join(directory.path, 'readable');
    await copyFile(server.keyFile, open644);
    await chmod(open644, 0o644);
    const readable = reasonOf(await open({ sshKeyFile: open644 }).read('', steady()));
    expect(readable).toMatchObject({ code: 'GIT_AUTH_FAILED', remedy: expect.stringContaining('0400') });
    await rm(open644);
    await writeFile(open644, 'not a key\n', { mode: 0o600 });
    const nonsense = reasonOf(await open({ sshKeyFile: open644 }).read('', steady()));
    expect(nonsense).toMatchObject({ code: 'GIT_AUTH_FAILED', remedy: expect.stringContaining('without a passphrase') });
  });

  it('tells of a repository that is not there', async () => {
    const reason = reasonOf(await open({ url: `${server.url}-none` }).read('', steady()));
    expect(reason).toMatchObject({ code: 'GIT_UNREACHABLE', remedy: expect.stringContaining('git.url') });
  });
});
