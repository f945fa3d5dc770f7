import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The counts in vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The projects of vitest.config.ts, one after the other: the fast tests would disturb the timing of those on real servers. */
const PROJECTS = ['fast', 'real'];

/** Runs one project; a file that cannot even be loaded counts as one failure. */
async function runProject(project: string, args: readonly string[]): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-tests-'));
  const file = join(directory, 'report.json');
  try {
    const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const child = spawn(process.execPath, [vitest, 'run', '--project', project, ...reporters, ...args], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal));
    const [code] = (await once(child, 'exit')) as [number | null];
    const report = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Partial<Report>;
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = report;
    return { passed: numPassedTests, failed: code === 0 ? 0 : Math.max(1, numFailedTests), skipped: numPendingTests + numTodoTests };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Runs all tests, those on the real servers included when these are built, and ends with one line that counts them:
 * `N passed, N failed, N skipped`. Arguments are handed to vitest. Exit code 0 only when tests ran and none failed.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const project of PROJECTS) {
    const { passed, failed, skipped } = await runProject(project, args);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await runTests(process.argv.slice(2));
