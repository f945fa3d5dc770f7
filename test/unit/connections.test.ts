import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { gitOptions } from '../../src/connections.ts';

const clock = { now: () => 0, random: () => 0 };

function optionsFor(git: Readonly<Record<string, string | boolean>>) {
  const flags = Object.fromEntries(
    Object.entries({ url: 'https://git.example/specs.git', ...git }).map(([key, value]) => [`git.${key}`, value]),
  );
  const loaded = loadConfig({ env: {}, flags: { cluster: 'main', ...flags }, readFile: () => 'first' });
  if (loaded.kind === 'invalid') throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return gitOptions(loaded.config, '/mirror', clock, { env: {} });
}

describe('gitOptions', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'connections-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('hands every option on that the configuration sets, and no other', () => {
    const plain = optionsFor({});
    expect(Object.keys(plain)).not.toContain('verify');
    expect(Object.values(plain)).not.toContain(undefined);
    expect(
      optionsFor({
        semver: '^1',
        include: 'a/**,b/**',
        exclude: 'c',
        shallow: true,
        verify: 'head',
        allowedSignersFile: '/a',
        proxy: 'http://p',
      }),
    ).toMatchObject({
      semver: '^1',
      include: ['a/**', 'b/**'],
      exclude: ['c'],
      shallow: true,
      fastForwardOnly: false,
      verify: { mode: 'head', allowedSignersFile: '/a' },
      proxy: 'http://p',
    });
    const ssh = { url: 'git@git.example:specs.git', sshKeyFile: '/k', knownHostsFile: '/h' };
    expect(optionsFor(ssh)).toMatchObject(ssh);
  });

  it('reads the password at each look, so that it may change', async () => {
    const passwordFile = join(directory, 'password');
    const { password } = optionsFor({ passwordFile });
    for (const text of ['one', 'two']) {
      await writeFile(passwordFile, `${text}\n`);
      expect(await password?.(AbortSignal.timeout(1_000))).toBe(text);
    }
    await rm(passwordFile);
    expect(() => password?.(AbortSignal.timeout(1_000))).toThrow('git.passwordFile');
  });
});
