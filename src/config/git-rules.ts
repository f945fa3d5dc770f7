import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import type { Config } from './config.ts';
import type { Rule } from './rule.ts';

type Git = Config['git'];
type Check = (git: Git) => Problem | undefined;

const rule = (names: readonly (keyof Git)[], check: Check): Rule => ({
  reads: names.map((name) => `git.${name.replace(/Ms$/, '')}`),
  check: ({ git }) => check(git),
});

const broken = (message: string, remedy: string): Problem => problem('CONFIG_INVALID', message, { remedy });

const isHttp = (url: string): boolean => /^https?:\/\//i.test(url);
const isSsh = (url: string): boolean => /^ssh:\/\//i.test(url) || (!url.startsWith('/') && !url.includes('://') && url.includes('@'));

/** What must fit together among the options of the repository. */
export const GIT_RULES: readonly Rule[] = [
  rule(['tag', 'semver', 'commit'], ({ tag, semver, commit }) =>
    [tag, semver, commit].filter((value) => value !== undefined).length > 1
      ? broken('git.tag, git.semver and git.commit: at most one of them says what is read', 'Keep one of them.')
      : undefined,
  ),
  rule(['certFile', 'keyFile', 'url'], ({ certFile, keyFile, url }) => {
    if ((certFile === undefined) !== (keyFile === undefined)) {
      const message = `git.${certFile === undefined ? 'keyFile' : 'certFile'}: a client certificate needs its key, and the other way round`;
      return broken(message, 'Set git.certFile and git.keyFile, or neither.');
    }
    return certFile !== undefined && !/^https:\/\//i.test(url)
      ? broken('git.certFile: a client certificate is for an https repository', 'Remove git.certFile and git.keyFile, or correct git.url.')
      : undefined;
  }),
  rule(['proxy', 'url'], ({ proxy, url }) =>
    proxy !== undefined && !isHttp(url)
      ? broken('git.proxy: only http and https repositories go through a proxy', 'Remove it; for ssh set ProxyJump in git.sshCommand.')
      : undefined,
  ),
  rule(['sshKeyFile', 'knownHostsFile', 'sshCommand', 'url'], ({ sshKeyFile, knownHostsFile, sshCommand, url }) => {
    if ((sshKeyFile ?? knownHostsFile) === undefined) return undefined;
    if (!isSsh(url)) {
      return broken('git.sshKeyFile and git.knownHostsFile: the repository is not reached by ssh', 'Remove them, or correct git.url.');
    }
    if (sshCommand !== undefined) {
      return broken('git.sshCommand: excludes git.sshKeyFile and git.knownHostsFile', 'Write their paths into the command, or remove it.');
    }
    return knownHostsFile === undefined
      ? broken(
          'git.sshKeyFile: without git.knownHostsFile nobody can tell whose server answers',
          'Write the output of `ssh-keyscan -p PORT HOST` into a file, compare its fingerprints, and name it by git.knownHostsFile.',
        )
      : undefined;
  }),
  rule(['verify', 'allowedSignersFile', 'openpgpKeysFile'], ({ verify, allowedSignersFile, openpgpKeysFile }) => {
    const hasKeys = (allowedSignersFile ?? openpgpKeysFile) !== undefined;
    if (hasKeys === (verify !== 'none')) return undefined;
    return hasKeys
      ? broken('git.verify: keys are given, and no commit has to be signed', 'Set git.verify to head or range, or remove the keys.')
      : broken('git.verify: no keys are given', 'Set git.allowedSignersFile or git.openpgpKeysFile.');
  }),
  rule(['shallow', 'fastForwardOnly', 'commit', 'verify'], ({ shallow, fastForwardOnly, commit, verify }) =>
    shallow && (fastForwardOnly || commit !== undefined || verify === 'range')
      ? broken(
          'git.shallow: excludes git.fastForwardOnly, git.commit and git.verify: range, which need the history',
          'Remove git.shallow, or the others.',
        )
      : undefined,
  ),
];
