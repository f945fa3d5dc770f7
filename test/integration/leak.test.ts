import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

const runnerPath = join(import.meta.dirname, '../support/leak-runner.ts');

/** Processes whose command line names something in `directory`; zombies have none. */
async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(directory)) found.push(`${pid} ${commandLine.replaceAll('\0', ' ')}`);
  }
  return found;
}

async function eventually(what: () => Promise<readonly string[]>, wantedCount: number): Promise<readonly string[]> {
  const deadline = Date.now() + 5000;
  let last = await what();
  while (last.length !== wantedCount && Date.now() < deadline) {
    await sleep(50);
    last = await what();
  }
  return last;
}

/** Starts the runner with a temporary directory of its own, so that what it leaves is known to be its. */
async function startRunner(): Promise<{ runner: ChildProcess; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-leak-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const runner = spawn(process.execPath, [runnerPath], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    runner.kill('SIGKILL');
  });
  return { runner, directory };
}

it('leaves no process and no directory when the runner is killed with its servers up', async () => {
  const { runner, directory } = await startRunner();
  if (runner.stdout === null) throw new Error('the runner has no stdout');
  const [line] = await once(createInterface({ input: runner.stdout }), 'line');
  const { pids } = JSON.parse(String(line)) as { pids: number[] };
  expect(pids).toHaveLength(6);
  expect((await processesOf(directory)).length).toBeGreaterThanOrEqual(5);
  expect((await readdir(directory)).length).toBe(2);

  runner.kill('SIGKILL');

  expect(await eventually(() => processesOf(directory), 0)).toEqual([]);
  expect(await eventually(() => readdir(directory), 0)).toEqual([]);
  expect(pids.filter(isAlive)).toEqual([]);
});

it.each([0.3, 0.6, 1, 2])('leaves nothing when the runner is killed %f s after its start, in mid-start', async (seconds) => {
  const { runner, directory } = await startRunner();
  await sleep(seconds * 1000);

  runner.kill('SIGKILL');
  await once(runner, 'exit');

  expect(await eventually(() => readdir(directory), 0)).toEqual([]);
  expect(await eventually(() => processesOf(directory), 0)).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
