import { join, relative } from 'node:path';

/** What is used of vitest's JSON report. */
export interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileReport[];
}

/** One test file in vitest's JSON report. */
export interface FileReport {
  /** The file's path. */
  readonly name: string;
  readonly status: string;
  /** Why the file could not be loaded. */
  readonly message: string;
  readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages: readonly string[] }[];
}

const ROOT = join(import.meta.dirname, '..', '..');

/** The failed tests of a file in words, with the first lines of why, and the file itself when it could not be loaded. */
export function failuresOf(file: FileReport): readonly string[] {
  const path = relative(ROOT, file.name);
  const told = (name: string, why: string): string => `${path} > ${name}\n    ${why.split('\n', 4).join('\n    ')}`;
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && file.status === 'failed') return [told('(the file)', file.message)];
  return failed.map((test) => told(test.fullName, test.failureMessages.join('\n')));
}

/** More failed files than this are no chance, and nothing is tried again. */
const MOST_FILES = 3;

/** A counterexample is one whatever the next seed finds (the words are fast-check's). */
const COUNTEREXAMPLE = /Property failed after|Counterexample/;

/**
 * The files worth a second run, on their own: a few tests failed, on a machine that many processes shared. Empty when a file could
 * not be loaded, when a property found a counterexample, and when more failed than chance explains.
 */
export function worthAnotherRun(report: Partial<TestReport>): readonly string[] {
  const failed = (report.testResults ?? []).filter(({ status }) => status === 'failed');
  const isChance = failed.every(({ assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    return tests.length > 0 && !tests.some(({ failureMessages }) => COUNTEREXAMPLE.test(failureMessages.join('\n')));
  });
  return isChance && failed.length <= MOST_FILES ? failed.map(({ name }) => name) : [];
}
