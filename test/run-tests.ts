import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { missingServers } from './servers/catalog.ts';
import { chromiumPath } from './support/chromium-path.ts';

/** What is used of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  /** The file's path. */
  readonly name: string;
  readonly status: string;
  /** Why the file could not be loaded. */
  readonly message: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages: readonly string[] }[];
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each failed test in words, with the first lines of why. */
  readonly failures: readonly string[];
}

/** The failed tests of a file, and the file itself when it could not be loaded. */
function failuresOf(file: FileReport): readonly string[] {
  const path = relative(join(import.meta.dirname, '..'), file.name);
  const told = (name: string, why: string): string => `${path} > ${name}\n    ${why.split('\n', 4).join('\n    ')}`;
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && file.status === 'failed') return [told('(the file)', file.message)];
  return failed.map((test) => told(test.fullName, test.failureMessages.join('\n')));
}

/** The projects of vitest.config.ts, one after the other: the fast tests would disturb the timing of those on real servers. */
const PROJECTS = ['fast', 'web', 'real'];

/** How many test files need the real servers. */
async function realTestFiles(): Promise<number> {
  const files = await readdir(import.meta.dirname, { recursive: true });
  return files.filter((file) => /^(integration|e2e|faults)\/.*\.test\.ts$|\.real\.test\.ts$/.test(file)).length;
}

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
    const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0, testResults = [] } = report;
    return {
      passed: numPassedTests,
      failed: code === 0 ? 0 : Math.max(1, numFailedTests),
      skipped: numPendingTests + numTodoTests,
      failures: testResults.flatMap((result) => failuresOf(result)),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Runs all tests, those on the real servers included when these are built, and ends with what failed and one line that counts:
 * `N passed, N failed, N skipped`. Arguments are handed to vitest. Exit code 0 only when tests ran and none failed.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
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
  }
  for (const failure of failures) process.stdout.write(`\nFAILED ${failure}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await runTests(process.argv.slice(2));
