import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHELLS } from '../../../src/cli/completion-scripts.ts';
import { callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { nodeReport, poolReport, runReport, specReport } from '../../support/run-report.ts';

const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poolkeeper-completion-'));
  await writeFile(join(folder, 'poolkeeper'), '#!/bin/sh\n[ "$1" = __complete ] && printf "prod/%s\\nprod/web\\n" "$2"\n');
  await chmod(join(folder, 'poolkeeper'), 0o755);
  for (const shell of SHELLS) await writeFile(join(folder, shell), (await callCli(['completion', shell])).stdout);
});
afterAll(() => rm(folder, { recursive: true }));

/** What bash offers for the last word of a command line. */
async function completed(...words: readonly string[]): Promise<readonly string[]> {
  const script = `source "$0"; COMP_WORDS=(poolkeeper "$@"); COMP_CWORD=$#; _poolkeeper; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` };
  const { stdout } = await run('bash', ['-c', script, join(folder, 'bash'), ...words], { env });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion bash', () => {
  it.each([
    [['pl'], ['plan']],
    [
      ['spec', ''],
      ['new', 'convert', 'fmt'],
    ],
    [
      ['spec', 'new', '--f'],
      ['--form', '--force'],
    ],
    [
      ['plan', '--output', ''],
      ['text', 'json', 'markdown'],
    ],
    [['plan', '--exit-code', '--out'], ['--output']],
    [['completion', 'z'], ['zsh']],
    [
      ['why', ''],
      ['prod/things', 'prod/web'],
    ],
    [['migrate', '--all', 'prod/p'], ['prod/pools']],
    [['resync', 'prod/s'], ['prod/specs']],
    [['drain', 'prod/n'], ['prod/nodes']],
    [['validate', ''], []],
    [['plan', '--snapshot', ''], []],
  ])('completes %j to %j', async (words, expected) => {
    expect(await completed(...words)).toEqual(expected);
  });
});

describe('completion', () => {
  it('names every command in every shell, and none that is hidden', async () => {
    const commands = (await completed('')).filter((word) => word !== 'help');
    expect(commands).toEqual(expect.arrayContaining(['run', 'plan', 'validate', 'status', 'spec', 'completion']));
    for (const shell of SHELLS) {
      const { stdout } = await callCli(['completion', shell]);
      for (const command of commands) expect(stdout).toContain(`/${command}'`);
      expect(stdout).not.toContain('/__complete');
    }
    expect((await callCli(['--help'])).stdout).not.toContain('__complete');
  });

  it.each([
    ['bash', '-n'],
    ['zsh', '-n'],
    ['fish', '--no-execute'],
  ])('is a script that %s takes', async (shell, flag) => {
    const result = await run(shell, [flag, join(folder, shell)]).catch((error: unknown) => error);
    // bash is everywhere; the others are tried where they are.
    if (shell !== 'bash' && (result as NodeJS.ErrnoException).code === 'ENOENT') return;
    expect(result).toMatchObject({ stderr: '' });
  });

  it('knows bash, zsh and fish', async () => {
    expect(await callCli(['completion', 'tcsh'])).toMatchObject({ code: 64, stderr: expect.stringContaining('bash, zsh, fish') });
  });
});

describe('__complete', () => {
  const { serve, stop } = reportServers();
  const REPORT = runReport({
    specs: [specReport('prod/web.yaml'), specReport('$(reboot).yaml')],
    pools: [poolReport('prod', 'web'), poolReport('prod', 'api'), poolReport('test', 'api')],
    nodes: [nodeReport('n1')],
  });

  it.each([
    ['specs', 'prod/web.yaml\n'],
    ['pools', 'prod/web\nprod/api\ntest/api\n'],
    ['nodes', 'n1\n'],
    ['things', 'prod/web\nprod/api\ntest/api\nweb\nn1\nprod/web.yaml\n'],
  ])('tells %s of the running daemon, but nothing that a shell would run', async (kind, stdout) => {
    const env = { POOLKEEPER_URL: await serve([REPORT]) };
    expect(await callCli(['__complete', kind], { env })).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('is silent when there is no daemon', async () => {
    const env = { POOLKEEPER_URL: await serve([REPORT]) };
    await stop();
    expect(await callCli(['__complete', 'pools'], { env })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await callCli(['__complete', 'pools'], { env: { POOLKEEPER_URL: 'nonsense' } })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
