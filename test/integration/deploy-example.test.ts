import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { optionEntries } from '../../src/config/option-entries.ts';
import { readYaml } from '../../src/config/read-yaml.ts';
import { problemText } from '../../src/shared/problem.ts';
import { readDeploy } from '../support/deploy-files.ts';

const FILE = 'poolkeeper.example.yaml';
const written = readDeploy(FILE);
/** As it is after every "#" without a space behind it was taken away. */
const whole = written.replace(/^( *)#(?=\S| {2}-)/gm, '$1');

/** Of options that stand in each other's place, all but one; and those that ask for another value elsewhere: an ssh address, signed commits. */
const ALTERNATIVES = /^ *(?:semver|commit|sshKeyFile|knownHostsFile|allowedSignersFile|openpgpKeysFile|urlFile): .*\n/gm;

const within = (key: string): readonly string[] => key.split('.').map((_, i, names) => names.slice(0, i).join('.'));
const sections = new Set(optionEntries().flatMap(({ key }) => within(key).slice(1)));

function leavesOf(text: string): ReadonlyMap<string, unknown> {
  const read = readYaml(FILE, text, sections);
  if (read.kind === 'invalid') throw new Error(read.problems.map(problemText).join('\n'));
  return new Map(read.leaves.map(({ key, value }) => [key, value]));
}

const problemsOf = (text: string): readonly string[] => {
  const secretAt = (path: string): string => (path.endsWith('-headers') ? 'Authorization: Bearer a-secret' : 'a secret');
  const loaded = loadConfig({ file: FILE, env: {}, flags: {}, readFile: (path) => (path === FILE ? text : secretAt(path)) });
  return loaded.kind === 'ok' ? [] : loaded.problems.map(problemText);
};

describe('deploy/poolkeeper.example.yaml', () => {
  it('is a configuration as it stands, and with every line of it taken in', () => {
    expect(problemsOf(written)).toEqual([]);
    expect(problemsOf(whole.replace(ALTERNATIVES, ''))).toEqual([]);
    for (const key of ['git.semver', 'git.sshKeyFile', 'git.verify'])
      expect(problemsOf(whole)).toContainEqual(expect.stringContaining(key));
    expect(problemsOf(whole.replace(ALTERNATIVES, '').replace('letGo:', 'letgo:'))).toEqual([
      expect.stringContaining('Did you mean traefik.letGo?'),
    ]);
  });

  it('has every option, each once', () => {
    expect([...leavesOf(whole).keys()].sort()).toEqual(
      optionEntries()
        .map(({ key }) => key)
        .sort(),
    );
  });

  it('shows the default wherever an option is not set', () => {
    const set = leavesOf(written);
    const shown = [...leavesOf(whole)].filter(([key]) => !set.has(key));
    const defaults = new Map(optionEntries().map(({ key, option }) => [key, option.default]));
    const withDefault = shown.filter(([key]) => defaults.get(key) !== undefined);
    expect(withDefault.length).toBeGreaterThan(20);
    for (const [key, value] of withDefault) expect({ [key]: value }).toEqual({ [key]: defaults.get(key) });
  });

  it('explains every option: above each stands a comment, or others that stand under one', () => {
    const lines = written.split('\n');
    const isOption = (line: string): boolean => /^ *#?\w+: *\S/.test(line);
    const unexplained = lines.filter((line, index) => {
      const above = lines.slice(0, index).findLast((other) => !isOption(other));
      return isOption(line) && !/^ *# \S/.test(above ?? '');
    });
    expect(lines.filter(isOption).length).toBeGreaterThan(40);
    expect(unexplained).toEqual([]);
  });
});
