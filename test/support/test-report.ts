import { join, relative } from 'node:path';

/** What became of one run of vitest. */
export interface TestReport {
  /** How many tests. */
  readonly passed: number;
  /** How many tests. */
  readonly skipped: number;
  readonly failedFiles: readonly FailedFile[];
  /** Errors outside of any test, such as a rejection that nobody handled. */
  readonly unhandled: readonly UnhandledError[];
}

/** One test file of which something failed. */
export interface FailedFile {
  readonly path: string;
  /** False when it could not be loaded, so that none of its tests is known. */
  readonly isLoaded: boolean;
  readonly tests: readonly { readonly name: string; readonly why: string }[];
  /** What its hooks, or its loading, threw. */
  readonly errors: readonly string[];
}

/** An error outside of any test, with the file that ran, as far as that is known. */
export interface UnhandledError {
  readonly path?: string | undefined;
  readonly why: string;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Everything that failed in words, with the first lines of why. */
export function failuresOf({ failedFiles, unhandled }: TestReport): readonly string[] {
  return [
    ...failedFiles.flatMap(({ path, isLoaded, tests, errors }) => [
      ...tests.map(({ name, why }) => told(path, name, why)),
      ...errors.map((why) => told(path, isLoaded ? '(a hook)' : '(the file)', why)),
      ...(tests.length + errors.length === 0 ? [told(path, '(the file)', 'vitest does not tell why')] : []),
    ]),
    ...unhandled.map(({ path, why }) => told(path, '(outside of the tests)', why)),
  ];
}

function told(path: string | undefined, name: string, why: string): string {
  const where = path === undefined ? name : `${relative(ROOT, path)} > ${name}`;
  return `${where}\n    ${why.split('\n', 4).join('\n    ')}`;
}

/** More failed files than this are no chance, and nothing is tried again. */
const MOST_FILES = 3;

/** A counterexample is one whatever the next seed finds (the words are fast-check's). */
const COUNTEREXAMPLE = /Property failed after|Counterexample/;

/** What vitest says of its own processes, such as a worker that ended unasked. */
const OF_RUNNER = /^(?:\w+: )?\[vitest-/;

/**
 * What of a run that was not content is worth a second one: a few files on their own, since a little failed on a machine that many
 * processes shared; or `all` of it, where no test, hook or file failed but the runner. Undefined when a file could not be loaded, when
 * an error belongs to no file, when a property found a counterexample, and when more failed than chance explains.
 */
export function worthAnotherRun({ failedFiles, unhandled }: TestReport, all: readonly string[]): readonly string[] | undefined {
  const errors = unhandled.filter(({ why }) => !OF_RUNNER.test(why));
  if (failedFiles.length + errors.length === 0) return all;
  const isChance =
    failedFiles.every((file) => {
      const reasons = [...file.tests.map(({ why }) => why), ...file.errors];
      return file.isLoaded && reasons.length > 0 && !reasons.some((why) => COUNTEREXAMPLE.test(why));
    }) && errors.every(({ path }) => path !== undefined);
  const paths = new Set([...failedFiles.map(({ path }) => path), ...errors.flatMap(({ path }) => path ?? [])]);
  return isChance && paths.size <= MOST_FILES ? [...paths] : undefined;
}
