import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingServers } from './servers/catalog.ts';
import { chromiumPath } from './support/chromium-path.ts';
import { failuresOf, type TestReport, worthAnotherRun } from './support/test-report.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each failed test in words, with the first lines of why. */
  readonly failures: readonly string[];
  /** Each test that failed beside the others and passed when its file ran again on its own: a fault of the test or of the product. */
  readonly unstable: readonly string[];
}

/** The projects of vitest.config.ts, one after the other: the fast tests would disturb the timing of those on real servers. */
const PROJECTS = ['fast', 'web', 'real'];

/** How many test files need the real servers. */
async function realTestFiles(): Promise<number> {
  const files = await readdir(import.meta.dirname, { recursive: true });
  return files.filter((file) => /^(integration|e2e|faults)\/.*\.test\.ts$|\.real\.test\.ts$/.test(file)).length;
}

/** Runs vitest once; gives its report, and whether it was content. */
async function runVitest(args: readonly string[]): Promise<{ readonly passed: boolean; readonly report: Partial<TestReport> }> {
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-tests-'));
  const file = join(directory, 'report.json');
  try {
    const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { stdio: 'inherit' });
    const kill = (signal: NodeJS.Signals): boolean => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, kill);
    const [code] = (await once(child, 'exit')) as [number | null];
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, kill);
    return { passed: code === 0, report: JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Partial<TestReport> };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs one project, and again the few files that failed beside the others; a file that cannot even be loaded counts as one failure. */
async function runProject(project: string, args: readonly string[]): Promise<Counts> {
  const { passed: isContent, report } = await runVitest(['--project', project, ...args]);
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0, testResults = [] } = report;
  const counts = { passed: numPassedTests, skipped: numPendingTests + numTodoTests, failures: [], unstable: [] };
  if (isContent) return { ...counts, failed: 0 };
  const failures = testResults.flatMap((result) => failuresOf(result));
  const again = process.env['CI'] === 'true' ? worthAnotherRun(report) : [];
  if (again.length > 0) {
    process.stdout.write(`\nOnce more, on their own:\n${again.join('\n')}\n`);
    if ((await runVitest(['--project', project, ...again])).passed) {
      return { ...counts, passed: numPassedTests + numFailedTests, failed: 0, unstable: failures };
    }
  }
  return { ...counts, failed: Math.max(1, numFailedTests), failures };
}

/**
 * Runs all tests, those on the real servers included when these are built, and ends with what failed and one line that counts:
 * `N passed, N failed, N skipped`. Arguments are handed to vitest. Exit code 0 only when tests ran and none failed.
 *
 * With CI=true, up to three files of a project that failed run once more on their own. What passes then is told as `UNSTABLE`, and
 * is to be mended as any other fault: it does not hold back a change that has nothing to do with it.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const unstable: string[] = [];
  const missing = await missingServers();
  for (const project of PROJECTS) {
    if (project === 'web' && chromiumPath() === undefined) {
      if (process.env['POOLKEEPER_REQUIRE_SERVERS'] === '1') throw new Error('Chromium is not installed');
      const files = (await readdir(join(import.meta.dirname, 'web'))).length;
      process.stderr.write(
        `\n!!! SKIPPED: ${files} test files of the page; Chromium is not installed (Debian: apt-get install chromium)\n`,
      );
      total.skipped += files;
      continue;
    }
    if (project === 'real' && missing.length > 0) {
      if (process.env['POOLKEEPER_REQUIRE_SERVERS'] === '1') throw new Error(`these servers are not built: ${missing.join(', ')}`);
      const files = await realTestFiles();
      process.stderr.write(
        `\n!!! SKIPPED: ${files} test files on real servers; ${missing.join(', ')} not built. Get them by: npm run servers\n`,
      );
      total.skipped += files;
      continue;
    }
    const counts = await runProject(project, args);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    failures.push(...counts.failures);
    unstable.push(...counts.unstable);
  }
  for (const test of unstable) process.stdout.write(`\nUNSTABLE ${test}\n`);
  for (const failure of failures) process.stdout.write(`\nFAILED ${failure}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await runTests(process.argv.slice(2));
