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
  readonly skipped: number;
  /** Each failed test, hook or file in words, with the first lines of why. */
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

/** Runs vitest once; gives what it reports, or undefined when it died before, and whether it was content. */
async function runVitest(args: readonly string[]): Promise<{ readonly code: number | string; readonly report: TestReport | undefined }> {
  const directory = await mkdtemp(join(tmpdir(), 'poolkeeper-tests-'));
  const file = join(directory, 'report.json');
  try {
    const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'support', 'report-writer.ts')}`];
    const env = { ...process.env, POOLKEEPER_TEST_REPORT: file };
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { stdio: 'inherit', env });
    const kill = (signal: NodeJS.Signals): boolean => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, kill);
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    for (const one of ['SIGINT', 'SIGTERM'] as const) process.off(one, kill);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return { code: code ?? String(signal), report: text === undefined ? undefined : (JSON.parse(text) as TestReport) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs one project, and again the few files that failed beside the others. Whatever else makes vitest discontent is one failure. */
async function runProject(project: string, args: readonly string[]): Promise<Counts> {
  const chosen = args.length === 0 ? [] : ['--passWithNoTests', ...args];
  const { code, report = NOTHING_TOLD } = await runVitest(['--project', project, ...chosen]);
  const { passed, skipped } = report;
  if (code === 0) return { passed, skipped, failures: [], unstable: [] };
  const told = failuresOf(report);
  const failures = told.length > 0 ? told : [`project ${project}\n    vitest ended with ${code}, though no test failed; see above`];
  const again = process.env['CI'] === 'true' ? worthAnotherRun(report, chosen) : undefined;
  if (again === undefined) return { passed, skipped, failures, unstable: [] };
  process.stdout.write(`\nOnce more, on their own:\n${(again === chosen ? [`all of ${project}`] : again).join('\n')}\n`);
  const second = await runVitest(['--project', project, ...again]);
  if (second.code !== 0) return { passed, skipped, failures, unstable: [] };
  const failed = report.failedFiles.reduce((sum, { tests }) => sum + tests.length, 0);
  const counts = again === chosen ? (second.report ?? NOTHING_TOLD) : { passed: passed + failed, skipped };
  return { passed: counts.passed, skipped: counts.skipped, failures: [], unstable: failures };
}

const NOTHING_TOLD: TestReport = { passed: 0, skipped: 0, failedFiles: [], unhandled: [] };

/**
 * Runs all tests, those on the real servers included when these are built, and ends with what failed and one line that counts:
 * `N passed, N failed, N skipped`. Arguments are handed to vitest. Exit code 0 only when tests ran and none failed.
 *
 * With CI=true, up to three files of a project that failed run once more on their own, and all of it when nothing failed but vitest's
 * own processes. What passes then is told as `UNSTABLE`, and is to be mended as any other fault: it does not hold back a change that
 * has nothing to do with it.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const total = { passed: 0, skipped: 0 };
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
    total.skipped += counts.skipped;
    failures.push(...counts.failures);
    unstable.push(...counts.unstable);
  }
  for (const test of unstable) process.stdout.write(`\nUNSTABLE ${test}\n`);
  for (const failure of failures) process.stdout.write(`\nFAILED ${failure}\n`);
  process.stdout.write(`\n${total.passed} passed, ${failures.length} failed, ${total.skipped} skipped\n`);
  return failures.length === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await runTests(process.argv.slice(2));
