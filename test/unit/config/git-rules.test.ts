import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';

function messagesOf(git: Readonly<Record<string, string>>): readonly string[] {
  const flags = Object.fromEntries(
    Object.entries({ url: 'https://git.example/specs.git', ...git }).map(([key, value]) => [`git.${key}`, value]),
  );
  const loaded = loadConfig({ env: {}, flags: { cluster: 'main', ...flags }, readFile: () => '' });
  return loaded.kind === 'ok' ? [] : loaded.problems.map(({ code, message }) => `${code} ${message}`);
}

const SSH = 'git@git.example:specs.git';
const COMMIT = 'a'.repeat(40);

describe('the rules among the options of the repository', () => {
  it.each<[Readonly<Record<string, string>>]>([
    [{ tag: 'v1' }],
    [{ semver: '>=1.2 <2' }],
    [{ commit: COMMIT, ref: 'live' }],
    [{ certFile: '/c', keyFile: '/k', proxy: 'socks5h://proxy:1080' }],
    [{ url: SSH, sshKeyFile: '/k', knownHostsFile: '/h' }],
    [{ url: 'ssh://git@git.example/specs.git', knownHostsFile: '/h' }],
    [{ url: SSH, sshCommand: 'ssh -i /k' }],
    [{ verify: 'range', allowedSignersFile: '/a' }],
    [{ verify: 'head', openpgpKeysFile: '/a', shallow: 'true' }],
  ])('accept %j', (git) => {
    expect(messagesOf(git)).toEqual([]);
  });

  it.each<[Readonly<Record<string, string>>, string]>([
    [{ tag: 'v1', semver: '1' }, 'at most one of them'],
    [{ commit: 'abc' }, 'the full id of a commit'],
    [{ certFile: '/c' }, 'git.certFile: a client certificate needs its key'],
    [{ keyFile: '/k' }, 'git.keyFile: a client certificate needs its key'],
    [{ url: SSH, certFile: '/c', keyFile: '/k' }, 'for an https repository'],
    [{ url: SSH, proxy: 'http://proxy:3128' }, 'only http and https'],
    [{ proxy: 'http://user:secret@proxy:3128' }, 'git.proxy'],
    [{ sshKeyFile: '/k', knownHostsFile: '/h' }, 'not reached by ssh'],
    [{ url: '/srv/git@host/specs.git', knownHostsFile: '/h' }, 'not reached by ssh'],
    [{ url: SSH, sshKeyFile: '/k' }, 'nobody can tell whose server answers'],
    [{ url: SSH, knownHostsFile: '/h', sshCommand: 'ssh' }, 'git.sshCommand: excludes'],
    [{ verify: 'head' }, 'no keys are given'],
    [{ allowedSignersFile: '/a' }, 'no commit has to be signed'],
    [{ shallow: 'true', fastForwardOnly: 'true' }, 'git.shallow: excludes'],
    [{ shallow: 'true', commit: COMMIT }, 'git.shallow: excludes'],
    [{ shallow: 'true', verify: 'range', allowedSignersFile: '/a' }, 'git.shallow: excludes'],
  ])('refuse %j', (git, says) => {
    expect(messagesOf(git)).toEqual([expect.stringMatching(new RegExp(`^CONFIG_INVALID .*${says.replaceAll('.', '\\.')}`))]);
    expect(messagesOf(git).join('')).not.toContain('secret');
  });
});
