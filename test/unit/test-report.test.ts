import { describe, expect, it } from 'vitest';
import { type FileReport, failuresOf, type TestReport, worthAnotherRun } from '../support/test-report.ts';

const PATH = new URL('a.test.ts', import.meta.url).pathname;

function file(name: string, failureMessages: readonly string[] = ['expected 1 to be 2']): FileReport {
  const test = { fullName: 'a thing works', status: 'failed', failureMessages };
  const passed = { fullName: 'another', status: 'passed', failureMessages: [] };
  return { name, status: 'failed', message: '', assertionResults: [passed, test] };
}

const unloadable: FileReport = { name: 'x.ts', status: 'failed', message: 'no such module', assertionResults: [] };

const ran = (...testResults: readonly FileReport[]): Partial<TestReport> => ({ testResults });

describe('the report of a test run', () => {
  it('names each failed test with the first lines of why, and a file that cannot be loaded', () => {
    expect(failuresOf(file(PATH, ['one\ntwo\nthree\nfour\nfive']))).toEqual([
      'test/unit/a.test.ts > a thing works\n    one\n    two\n    three\n    four',
    ]);
    expect(failuresOf({ ...unloadable, name: PATH })).toEqual(['test/unit/a.test.ts > (the file)\n    no such module']);
  });

  it('runs a few files again, and passes over those that were content', () => {
    const content: FileReport = { name: 'c.ts', status: 'passed', message: '', assertionResults: [] };
    expect(worthAnotherRun(ran(file('a.ts'), content, file('b.ts')))).toEqual(['a.ts', 'b.ts']);
    expect(worthAnotherRun(ran(content))).toEqual([]);
    expect(worthAnotherRun({})).toEqual([]);
  });

  it.each<readonly [string, Partial<TestReport>]>([
    ['a file could not be loaded', ran(file('a.ts'), unloadable)],
    ['a property found a counterexample', ran(file('a.ts'), file('b.ts', ['Error: Property failed after 3 tests\n{ seed: 1 }']))],
    ['more files failed than chance explains', ran(...['a.ts', 'b.ts', 'c.ts', 'd.ts'].map((name) => file(name)))],
  ])('runs nothing again when %s', (_, report) => expect(worthAnotherRun(report)).toEqual([]));
});
