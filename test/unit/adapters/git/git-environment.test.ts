import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gitEnvironment } from '../../../../src/adapters/git/git-environment.ts';
import { checkSettings, type GitSourceOptions, sourceIdentity } from '../../../../src/adapters/git/git-settings.ts';

const settings = (options: Partial<GitSourceOptions> = {}) =>
  checkSettings({ url: 'https://git.example/b', mirrorDir: '/m', clock: { now: () => 0 }, environment: {}, ...options });

/** The configuration in an environment, as git reads it. */
function configurationIn(environment: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const count = Number(environment['GIT_CONFIG_COUNT']);
  const entries = Array.from(
    { length: count },
    (_, n) => [environment[`GIT_CONFIG_KEY_${n}`] ?? '', environment[`GIT_CONFIG_VALUE_${n}`] ?? ''] as const,
  );
  return new Map(entries);
}

describe('gitEnvironment', () => {
  const local = { gitDir: '/m/x.git', credentials: undefined };

  it('takes from the machine what reaches the network, and nothing else', () => {
    const environment = {
      PATH: '/bin',
      HOME: '/h',
      https_proxy: 'http://p',
      SSH_AUTH_SOCK: '/s',
      GIT_DIR: '/x',
      SSH_ASKPASS: '/x',
      TOKEN: 'x',
    };
    const result = gitEnvironment(settings({ environment }), local);
    expect(result).toMatchObject({ PATH: '/bin', HOME: '/h', https_proxy: 'http://p', SSH_AUTH_SOCK: '/s', GIT_DIR: '/m/x.git' });
    expect(Object.keys(result)).not.toContain('SSH_ASKPASS');
    expect(Object.keys(result)).not.toContain('TOKEN');
  });

  it.each([
    ['https://git.example/b', 'https'],
    ['http://git.example/b', 'http:https'],
    ['git@git.example:b', 'ssh'],
    ['/srv/b', 'file'],
  ])('allows %s no protocol but %s', (url, allowed) => {
    expect(gitEnvironment(settings({ url }), local)['GIT_ALLOW_PROTOCOL']).toBe(allowed);
  });

  it('gives credentials as a header that follows no redirect, and only to who needs them', () => {
    const credentials = { username: 'ü', password: 'p:w' };
    const remote = configurationIn(gitEnvironment(settings(), { ...local, credentials }));
    expect(remote.get('http.extraHeader')).toBe(`Authorization: Basic ${Buffer.from('ü:p:w').toString('base64')}`);
    expect(remote.get('http.followRedirects')).toBe('false');
    const without = configurationIn(gitEnvironment(settings(), local));
    expect([...without.keys()]).not.toContain('http.extraHeader');
    expect(without.get('core.hooksPath')).toBe('/dev/null');
  });

  it('gives certificates and the ssh command to git as they are configured', () => {
    expect(gitEnvironment(settings({ sslCaFile: '/ca.pem' }), local)['GIT_SSL_CAINFO']).toBe('/ca.pem');
    const url = 'git@git.example:b';
    expect(gitEnvironment(settings({ url, sshCommand: 'ssh -i /key' }), local)['GIT_SSH_COMMAND']).toBe('ssh -i /key');
    expect(gitEnvironment(settings({ url, timeoutMs: 2500 }), local)['GIT_SSH_COMMAND']).toContain(
      'BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=3',
    );
  });
});

describe('checkSettings', () => {
  it('takes paths from where the daemon works, since git works in the mirror', () => {
    const { mirrorDir, sslCaFile, knownHostsFile, verify } = settings({
      mirrorDir: 'mirror',
      sslCaFile: 'ca.pem',
      knownHostsFile: 'keys/known',
      verify: { mode: 'head', allowedSignersFile: 'allowed' },
    });
    const at = (path: string) => join(process.cwd(), path);
    expect({ mirrorDir, sslCaFile, knownHostsFile }).toEqual({
      mirrorDir: at('mirror'),
      sslCaFile: at('ca.pem'),
      knownHostsFile: at('keys/known'),
    });
    expect(verify).toEqual({ mode: 'head', allowedSignersFile: at('allowed'), openpgpKeysFile: undefined });
  });

  it.each(['', '!a', '/a', 'a'.repeat(1001)])('refuses the glob %j', (glob) => {
    expect(() => settings({ include: [glob] })).toThrow('git.include');
    expect(() => settings({ exclude: [glob] })).toThrow('git.exclude');
  });

  it('refuses to leave out a history that is asked for', () => {
    for (const more of [{ fastForwardOnly: true }, { commit: 'a'.repeat(40) }, { verify: { mode: 'range' } as const }]) {
      expect(() => settings({ shallow: true, ...more })).toThrow('git.shallow excludes');
    }
  });
});

describe('gitEnvironment for signatures', () => {
  it('names a program that refuses all for each kind of key that was not given', () => {
    const of = (signers?: { allowedSignersFile: string | undefined; gnupgHome: string | undefined }) =>
      gitEnvironment(settings(), { gitDir: '/m', credentials: undefined, signers });
    expect([...configurationIn(of()).keys()].filter((key) => key.startsWith('gpg.'))).toEqual([]);
    const ssh = configurationIn(of({ allowedSignersFile: '/a', gnupgHome: undefined }));
    expect(Object.fromEntries(ssh)).toMatchObject({
      'gpg.x509.program': 'false',
      'gpg.openpgp.program': 'false',
      'gpg.ssh.program': 'ssh-keygen',
      'gpg.ssh.allowedSignersFile': '/a',
    });
    const pgp = of({ allowedSignersFile: undefined, gnupgHome: '/g' });
    expect(pgp['GNUPGHOME']).toBe('/g');
    expect(Object.fromEntries(configurationIn(pgp))).toMatchObject({
      'gpg.openpgp.program': 'gpg',
      'gpg.ssh.program': 'false',
    });
    expect(configurationIn(pgp).has('gpg.ssh.allowedSignersFile')).toBe(false);
  });
});

describe('sourceIdentity', () => {
  it('changes with repository, branch, root and filter, not with the user', () => {
    const base = { url: 'ssh://a@git.example/b' };
    const identity = (options: Partial<GitSourceOptions>) => sourceIdentity(settings({ ...base, ...options }));
    expect(identity({})).toBe('ssh://git.example/b main .json,.yaml,.yml');
    expect(identity({ url: 'ssh://other@git.example/b', root: '/'.slice(1) })).toBe(identity({}));
    expect(identity({ extensions: ['.yml', '.YAML', '.json'], root: '' })).toBe(identity({}));
    const others = [
      { url: 'ssh://a@git.example/c' },
      { ref: 'other' },
      { root: 'specs' },
      { extensions: ['.yaml'] },
      { tag: 'main' },
      { include: ['a'] },
      { exclude: ['a'] },
    ];
    expect(new Set([identity({}), ...others.map(identity)]).size).toBe(others.length + 1);
  });
});
