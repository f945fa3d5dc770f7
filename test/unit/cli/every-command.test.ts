import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src/cli/build-program.ts';
import { createContext } from '../../../src/cli/command-context.ts';
import { loadModules } from '../../../src/cli/load-modules.ts';
import { callCli, modules } from '../../support/call-cli.ts';

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
const all = (command: Command, path: readonly string[] = []): readonly (readonly string[])[] =>
  command.commands.flatMap((inner) => [[...path, inner.name()], ...all(inner, [...path, inner.name()])]);
const COMMANDS = all(program).filter(([name]) => name !== '__complete');

/** One way in which each command fails: its exit code, and what stderr says to do about it. */
const FAILURES: readonly (readonly [command: string, code: number, remedy: RegExp])[] = [
  ['run', 78, /cluster: must be set\. Set it in/],
  ['sync --once', 78, /git\.url: must be set\. Set/],
  ['sync', 64, /--once.*\(add --help for the options\)/s],
  ['plan', 78, /cluster: must be set\. Set/],
  ['plan --cluster a --dir . --snapshot none.json', 78, /snapshot none\.json cannot be read \(ENOENT\)\. Check that the file exists/],
  ['plan --cluster a --dir . --snapshot other.json', 78, /SNAPSHOT_UNREADABLE: other\.json is no snapshot.* Write the snapshot anew/],
  ['plan --dir . --ref main', 64, /cannot be used with option/],
  ['rbac nowhere', 1, /cannot read nowhere: no such file or folder\. Check the path/],
  ['doctor consul', 78, /cluster: must be set\. Set/],
  ['doctor', 64, /missing required argument.*\(add --help/s],
  ['routes --translate nowhere.yaml', 1, /cannot read nowhere\.yaml: no such file or folder\. Check the path/],
  // A path that cannot be read is a finding (validate-command.test.ts).
  ['validate', 64, /missing required argument.*\(add --help/s],
  ['spec', 64, /Usage: poolkeeper spec/],
  ['spec new', 64, /missing --name, --image, --port.*\(add --help/s],
  ['spec convert', 64, /name one file, or two.*\(add --help/s],
  ['spec fmt nowhere.yaml', 1, /cannot read nowhere\.yaml: no such file or folder\. Check the path/],
  ['status', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['why web', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['resync', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['approve', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['suspend web.yaml', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['suspend', 64, /name a spec, or write --all.*\(add --help/s],
  ['resume --all', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['drain n1', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['undrain n1', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['migrate --all', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['log-level debug', 1, /DAEMON_UNREACHABLE.*\. \w/],
  ['status --url nonsense', 78, /--url: expected an http or https URL\. Write it like/],
  ['demo --twice', 64, /unknown option.*\(add --help/s],
  ['completion tcsh', 64, /Allowed choices are bash, zsh, fish.*\(add --help/s],
  ['nonsense', 64, /unknown command.*\(add --help/s],
];

describe('every command', () => {
  it.each(COMMANDS.map((path) => path.join(' ')))('%s has help with examples, and words for each option', async (path) => {
    const { code, stdout, stderr } = await callCli([...path.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Examples?:\n {2}\S/m);
    expect(stdout).toContain(`poolkeeper ${path}`);
  });

  it.each(FAILURES)('`%s` fails with %i and says what to do', async (line, code, remedy) => {
    const { rights, spec, validate } = loadModules;
    const world = { files: { 'other.json': '{}' }, env: { POOLKEEPER_URL: 'http://127.0.0.1:9' }, load: { rights, spec, validate } };
    const result = await callCli(line.split(' '), world);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(remedy);
  });

  it('is in the README', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const rows = readme.split('\n').filter((line) => line.startsWith('| `poolkeeper '));
    const isNamed = (name = ''): boolean => rows.some((row) => new RegExp(`\`(?:poolkeeper )?${name}\\b`).test(row));
    expect(COMMANDS.map(([name]) => name).filter((name) => !isNamed(name))).toEqual([]);
    expect(rows.join('\n')).toMatch(/doctor git\\\|consul/);
  });

  it('is in the table of failures', () => {
    const tried = FAILURES.map(([line]) => line);
    expect(COMMANDS.map((path) => path.join(' ')).filter((path) => !tried.some((line) => `${line} `.startsWith(`${path} `)))).toEqual([]);
  });
});
