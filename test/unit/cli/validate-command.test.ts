import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CliWorld, callCli, type StartedCli, startCli } from '../../support/call-cli.ts';
import { makePipe } from '../../support/make-pipe.ts';

const WRONG = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  port: 80\n';
const RIGHT = WRONG.replace('80', '"80"');
/** A Service in a namespace that nobody makes: a warning when the folder is validated. */
const WARNED = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: b, namespace: shop }\n';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poolkeeper-validate-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const withValidate = (world: CliWorld): CliWorld => ({ ...world, load: { validate: () => import('../../../src/cli/validate.ts') } });

const start = (argv: readonly string[], world: CliWorld = {}): StartedCli => startCli(['validate', ...argv], withValidate(world));

async function validate(argv: readonly string[], world: CliWorld = {}) {
  const { stdout, ...rest } = await callCli(['validate', ...argv], withValidate(world));
  return { ...rest, stdout: stdout.replaceAll(`${folder}/`, '') };
}

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

describe('validate', () => {
  it('shows the line with a caret, and what to do', async () => {
    await write('a.yaml', WRONG);
    const { code, stdout, stderr } = await validate([folder]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toBe(`error the value must be a string, not a number [SPEC_INVALID_FIELD]
 --> a.yaml:6:9 (data.port)
6 |   port: 80
  |         ^^
  = Put the value in quotes.

1 file with 1 object: 1 error.
`);
  });

  it('needs no configuration, and says so when nothing is wrong', async () => {
    await mkdir(join(folder, 'more'));
    await write('a.yaml', RIGHT);
    await write('README.md', 'no spec');
    await write('more/b.json', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}');
    expect(await validate([folder])).toEqual({ code: 0, stdout: '2 files with 2 objects: nothing is wrong.\n', stderr: '' });
  });

  it('refuses the files that the daemon would not read', async () => {
    await write('big.yaml', `${RIGHT}# ${'x'.repeat(1024 * 1024)}`);
    await write('large.yaml', `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`);
    const { code, stdout } = await validate([folder, '--output', 'json']);
    const { problems } = JSON.parse(stdout) as { readonly problems: readonly { readonly code: string }[] };
    expect([code, ...problems.map((problem) => problem.code)]).toEqual([1, 'SPEC_TOO_LARGE', 'SPEC_LFS_POINTER']);
  });

  it('reads standard input', async () => {
    const { code, stdout } = await validate(['-'], { files: { '/dev/stdin': WRONG } });
    expect(code).toBe(1);
    expect(stdout).toContain('--> stdin:6:9 (data.port)');
  });

  it('writes JSON for programs', async () => {
    await write('a.yaml', WRONG);
    const { code, stdout } = await validate(['--output', 'json', folder]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      problems: [
        {
          file: 'a.yaml',
          line: 6,
          column: 9,
          path: 'data.port',
          severity: 'error',
          code: 'SPEC_INVALID_FIELD',
          message: 'the value must be a string, not a number',
          remedy: 'Put the value in quotes.',
        },
      ],
    });
  });

  it('writes workflow commands, with what would end them escaped', async () => {
    await write('a,b.yaml', WRONG);
    const { stdout } = await validate(['--output', 'github', folder]);
    expect(stdout).toBe(
      '::error file=a%2Cb.yaml,line=6,col=9,title=SPEC_INVALID_FIELD::the value must be a string, not a number (at data.port). Put the value in quotes.\n',
    );
  });

  it('writes SARIF', async () => {
    await write('a b.yaml', WRONG);
    const { stdout } = await validate(['--output', 'sarif', folder]);
    expect(JSON.parse(stdout)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'poolkeeper', rules: [{ id: 'SPEC_INVALID_FIELD', defaultConfiguration: { level: 'error' } }] } },
          results: [
            {
              ruleId: 'SPEC_INVALID_FIELD',
              ruleIndex: 0,
              level: 'error',
              locations: [
                {
                  physicalLocation: { region: { startLine: 6, startColumn: 9 } },
                  logicalLocations: [{ fullyQualifiedName: 'data.port' }],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(stdout).toContain('a%20b.yaml"');
  });

  it('takes warnings for errors when it is to be strict', async () => {
    await write('b.yaml', WARNED);
    expect(await validate([folder])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('warning the namespace shop is in no file'),
    });
    expect(await validate(['--strict', folder])).toMatchObject({ code: 1, stdout: expect.stringContaining('error the namespace shop') });
  });

  it('goes by the configuration, without the secrets that it names', async () => {
    await write('b.yaml', WARNED);
    const config = 'cluster: main\ngit: { url: /r, passwordFile: /none }\nkubernetes: { createNamespaces: true }\n';
    const run = { files: { 'site.yaml': config } };
    expect(await validate([folder, '--config', 'site.yaml'], run)).toMatchObject({ code: 0, stderr: '' });
    expect((await validate([folder, '--config', 'site.yaml'], run)).stdout).toBe('1 file with 1 object: nothing is wrong.\n');
    expect(await validate([folder, '--traefik-dialect', 'v2'])).toMatchObject({ code: 78 });
  });

  it('colours for a terminal, unless NO_COLOR is set, and passes nothing on that a terminal would obey', async () => {
    await write('a.yaml', `${WRONG}# \u001b[2J\nthe\u0085bad: 1\n`);
    const coloured = await validate([folder], { isTerminal: true });
    expect(coloured.stdout).toContain('\u001b[31merror');
    const plain = await validate([folder], { isTerminal: true, env: { NO_COLOR: '1' } });
    expect(plain.stdout).toBe(stripVTControlCharacters(plain.stdout));
    expect(plain.stdout).not.toContain('\u0085');
  });

  it('shows no line of a file that holds a Secret', async () => {
    await write('a.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata:\n  password: hunter2-hunter2\n');
    const { code, stdout } = await validate([folder]);
    expect(code).toBe(1);
    expect(stdout).toContain('a.yaml:5:13 (data.password)');
    expect(stdout).not.toContain('hunter2');
  });

  it('tells which path cannot be read, beside what is wrong with the others', async () => {
    await write('a.yaml', WRONG);
    const { code, stdout, stderr } = await validate([join(folder, 'none'), join(folder, 'a.yaml')]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^error cannot read none: no such file or folder \[FILE_NOT_READ\]\n--> none:1:1\n = Check the path.*\n/m);
    expect(stdout).toContain('error the value must be a string');
    expect(stdout).toContain('1 file with 1 object: 2 errors.');
  });

  it('fails by one finding for each path when none can be read', async () => {
    const { code, stdout } = await validate(['--output', 'json', join(folder, 'none'), join(folder, 'gone')]);
    const { problems } = JSON.parse(stdout) as { readonly problems: readonly { readonly code: string; readonly file: string }[] };
    expect([code, ...problems.map((problem) => `${problem.code} ${problem.file}`)]).toEqual([
      1,
      'FILE_NOT_READ none',
      'FILE_NOT_READ gone',
    ]);
  });

  it('takes nothing for missing that may stand where nobody can read', async () => {
    await write('b.yaml', WARNED);
    const { stdout } = await validate([folder, join(folder, 'none')]);
    expect(stdout).toContain('1 file with 1 object: 1 error.');
  });

  it('fails where a folder holds no spec: a path that is wrong must not look well', async () => {
    await mkdir(join(folder, 'empty'));
    await write('empty/README.md', 'no spec');
    await write('a.yaml', RIGHT);
    expect(await validate([join(folder, 'empty'), join(folder, 'a.yaml')])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('error cannot read empty: it holds no file ending in .json, .yaml or .yml'),
    });
  });

  it('reads a pipe as a file, and stops waiting for who writes into it when it is told to', async () => {
    const pipe = makePipe(join(folder, 'pipe'));
    const stop = new AbortController();
    const waiting = validate([pipe], { signal: stop.signal });
    stop.abort();
    expect(await waiting).toEqual({ code: 130, stdout: '', stderr: '' });
    const read = validate([pipe]);
    await writeFile(pipe, WRONG);
    expect(await read).toMatchObject({ code: 1, stdout: expect.stringContaining('--> pipe:6:9 (data.port)') });
  });

  it('watches no standard input', async () => {
    expect(await validate(['--watch', '-'])).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/--watch is for files and folders.*\(add --help/s),
    });
  });

  it('counts the objects that do not say what they are', async () => {
    await write('a.yaml', `${RIGHT}---\n${RIGHT.replace('name: a', 'name: Bad_Name')}`);
    expect(await validate([folder])).toMatchObject({ code: 1, stdout: expect.stringContaining('1 file with 2 objects: 1 error.') });
  });

  it('validates again when a file changes, until it is stopped', async () => {
    await write('a.yaml', WRONG);
    const stop = new AbortController();
    const { code, stdout } = start(['--watch', folder], { signal: stop.signal });
    await vi.waitFor(() => expect(stdout.join('')).toContain('1 error.\n'), 10_000);
    await write('a.yaml', RIGHT);
    await vi.waitFor(() => expect(stdout.join('')).toContain('nothing is wrong.\n'), 10_000);
    expect(stdout.join('')).toContain('\n--- something has changed, validated again at 1970-01-01T00:00:00.000Z ---\n');
    await write('b.yaml', WARNED);
    await vi.waitFor(() => expect(stdout.join('')).toContain('1 warning.\n'), 10_000);
    stop.abort();
    expect(await code).toBe(0);
  });
});
