import { describe, expect, it } from 'vitest';
import { type FailedFile, failuresOf, type TestReport, type UnhandledError, worthAnotherRun } from '../support/test-report.ts';

const PATH = new URL('a.test.ts', import.meta.url).pathname;

const file = (path: string, why = 'expected 1 to be 2'): FailedFile => ({
  path,
  isLoaded: true,
  tests: [{ name: 'a thing works', why }],
  errors: [],
});

const unloadable = (path: string): FailedFile => ({ path, isLoaded: false, tests: [], errors: ['no such module'] });
const hook = (path: string): FailedFile => ({ path, isLoaded: true, tests: [], errors: ['2 processes are left'] });

const ran = (failedFiles: readonly FailedFile[], unhandled: readonly UnhandledError[] = []): TestReport => ({
  passed: 2,
  skipped: 0,
  failedFiles,
  unhandled,
});

describe('the report of a test run', () => {
  it('names each failed test with the first lines of why', () => {
    expect(failuresOf(ran([file(PATH, 'one\ntwo\nthree\nfour\nfive')]))).toEqual([
      'test/unit/a.test.ts > a thing works\n    one\n    two\n    three\n    four',
    ]);
  });

  it.each<readonly [string, TestReport, string]>([
    ['a file that cannot be loaded', ran([unloadable(PATH)]), 'test/unit/a.test.ts > (the file)\n    no such module'],
    ['what a hook threw', ran([hook(PATH)]), 'test/unit/a.test.ts > (a hook)\n    2 processes are left'],
    [
      'a rejection that nobody handled',
      ran([], [{ path: PATH, why: 'Error: gone' }]),
      'test/unit/a.test.ts > (outside of the tests)\n    Error: gone',
    ],
    ['an error of no file', ran([], [{ why: 'Error: gone' }]), '(outside of the tests)\n    Error: gone'],
    [
      'a file of which nothing is told',
      ran([{ ...hook(PATH), errors: [] }]),
      'test/unit/a.test.ts > (the file)\n    vitest does not tell why',
    ],
  ])('names %s', (_, report, words) => expect(failuresOf(report)).toEqual([words]));

  it('runs a few files again, each once', () => {
    expect(worthAnotherRun(ran([file('a.ts'), hook('b.ts')], [{ path: 'b.ts', why: 'x' }]), [])).toEqual(['a.ts', 'b.ts']);
  });

  it('runs everything again when nothing failed but the runner', () => {
    const worker = { why: 'Error: [vitest-pool]: Worker forks emitted error.' };
    expect(worthAnotherRun(ran([]), ['some'])).toEqual(['some']);
    expect(worthAnotherRun(ran([], [worker]), [])).toEqual([]);
    expect(worthAnotherRun(ran([file('a.ts')], [worker]), [])).toEqual(['a.ts']);
  });

  it.each<readonly [string, TestReport]>([
    ['a file could not be loaded', ran([file('a.ts'), unloadable('x.ts')])],
    ['an error belongs to no file', ran([file('a.ts')], [{ why: 'Error: gone' }])],
    ['a property found a counterexample', ran([file('a.ts'), file('b.ts', 'Error: Property failed after 3 tests\n{ seed: 1 }')])],
    ['more files failed than chance explains', ran(['a.ts', 'b.ts', 'c.ts', 'd.ts'].map((name) => file(name)))],
  ])('runs nothing again when %s', (_, report) => expect(worthAnotherRun(report, [])).toBeUndefined());
});
