import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The counts in vitest's JSON report. */
interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/**
 * Runs all tests, those on the real servers included when these are built, and ends with one line that counts them:
 * `N passed, N failed, N skipped`. Arguments are handed to vitest. Exit code 0 only when tests ran and none failed.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-tests-'));
  const report = join(directory, 'report.json');
  try {
    const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    const [code] = (await once(child, 'exit')) as [number | null];
    const counts = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Partial<Counts>;
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = counts;
    // A file that cannot even be loaded holds no failed test, and must count all the same.
    const failed = numFailedTests > 0 || code === 0 ? numFailedTests : 1;
    process.stdout.write(`\n${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped\n`);
    return code === 0 && numPassedTests > 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

process.exitCode = await runTests(process.argv.slice(2));
