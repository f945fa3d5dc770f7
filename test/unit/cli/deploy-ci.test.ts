import type { Command } from 'commander';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/build-program.ts';
import { createContext } from '../../../src/cli/command-context.ts';
import { modules } from '../../support/call-cli.ts';
import { readDeploy } from '../../support/deploy-files.ts';

const none = { write: () => undefined };
const program = buildProgram(
  createContext(
    {
      ...{ argv: [], env: {}, stdout: none, stderr: none, isTerminal: false, readFile: () => '', readInput: async () => '', now: () => 0 },
      signal: new AbortController().signal,
      load: modules(),
    },
    () => undefined,
  ),
);

/** Every text under `run`, `script` and `before_script`, wherever it stands. */
function scriptsIn(value: unknown, key = ''): readonly string[] {
  if (typeof value === 'string') return ['run', 'script', 'before_script'].includes(key) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => scriptsIn(item, key));
  return typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([name, inner]) => scriptsIn(inner, name)) : [];
}

/** The words of each call of poolkeeper in a script. */
const callsIn = (script: string): readonly (readonly string[])[] =>
  [...script.matchAll(/(?:^|&& )poolkeeper ([^>|&\n]+)/gm)].map(([, words = '']) => words.trim().split(/\s+/));

/** Words that the command does not know: options, and values where only some may stand. */
function unknownIn([name = '', ...words]: readonly string[]): readonly string[] {
  const command: Command | undefined = program.commands.find((one) => one.name() === name);
  if (command === undefined) return [name];
  return words.flatMap((word, i) => {
    if (!word.startsWith('-')) return [];
    const option = command.options.find(({ long, short }) => long === word || short === word);
    if (option === undefined) return [word];
    const value = words[i + 1] ?? '';
    return option.argChoices !== undefined && !option.argChoices.includes(value) ? [`${word} ${value}`] : [];
  });
}

describe.each(['github-actions.yaml', 'gitea-actions.yaml', 'gitlab-ci.yaml'])('deploy/ci/%s', (file) => {
  const calls = scriptsIn(load(readDeploy('ci', file))).flatMap(callsIn);

  it('validates, and plans against a snapshot as a comment', () => {
    expect(calls.map(([command]) => command).sort()).toEqual(['plan', 'validate']);
    expect(calls.find(([command]) => command === 'plan')).toEqual(expect.arrayContaining(['--snapshot', '--dir', 'markdown']));
  });

  it('calls commands and options that there are', () => {
    expect(calls.flatMap(unknownIn)).toEqual([]);
  });
});

describe('deploy/ci/README.md', () => {
  it('calls commands and options that there are', () => {
    const calls = callsIn(readDeploy('ci', 'README.md'));
    expect(calls).toHaveLength(1);
    expect(calls.flatMap(unknownIn)).toEqual([]);
  });
});
