import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';
import type { FailedFile, TestReport } from './test-report.ts';

/** What vitest tells of an error, of any kind. */
type VitestError = ReturnType<TestModule['errors']>[number];

const words = ({ name, message, stack }: Pick<VitestError, 'name' | 'message' | 'stack'>): string =>
  stack?.includes(message) === true ? stack : `${name === undefined ? '' : `${name}: `}${message}\n${stack ?? ''}`;

/** What failed of a file, its hooks and what could not be loaded included; undefined when nothing did. */
function failedFile(file: TestModule): FailedFile | undefined {
  const tests = [...file.children.allTests('failed')].map((test) => ({
    name: test.fullName,
    why: (test.result().errors ?? []).map(words).join('\n'),
  }));
  const errors = [file, ...file.children.allSuites()].flatMap((part) => part.errors().map(words));
  const isLoaded = [...file.children.allTests()].length > 0;
  return tests.length === 0 && errors.length === 0 && file.state() !== 'failed'
    ? undefined
    : { path: file.moduleId, isLoaded, tests, errors };
}

/** A reporter of vitest that writes a `TestReport` as JSON to the path in POOLKEEPER_TEST_REPORT. */
export default class ReportWriter implements Reporter {
  onTestRunEnd(files: readonly TestModule[], unhandled: readonly VitestError[], _reason: TestRunEndReason): void {
    const path = process.env['POOLKEEPER_TEST_REPORT'];
    if (path === undefined) return;
    const states = files.flatMap((file) => [...file.children.allTests()].map((test) => test.result().state));
    const count = (state: string): number => states.filter((one) => one === state).length;
    const report: TestReport = {
      passed: count('passed'),
      skipped: count('skipped') + count('pending'),
      failedFiles: files.flatMap((file) => failedFile(file) ?? []),
      unhandled: unhandled.map((error) => ({ path: error['VITEST_TEST_PATH'] as string | undefined, why: words(error) })),
    };
    writeFileSync(path, JSON.stringify(report));
  }
}
