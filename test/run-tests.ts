import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingServers } from './servers/catalog.ts';
import { chromiumPath } from './support/chromium-path.ts';

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
    const { passed, failed, skipped } = await runProject(project, args);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await runTests(process.argv.slice(2));
