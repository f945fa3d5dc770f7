import type { CliIo } from '../../src/cli/cli-io.ts';
import { runCli } from '../../src/cli/run-cli.ts';

/** What a command of a test finds outside: nothing but what is said here. */
export interface CliWorld extends Partial<Omit<CliIo, 'argv' | 'load'>> {
  /** What can be read, by path; every other file is missing. */
  readonly files?: Readonly<Record<string, string>>;
  /** The modules that may be loaded; any other fails the command. */
  readonly load?: Partial<CliIo['load']>;
}

const notLoaded = (): Promise<never> => Promise.reject(new Error('must not be loaded'));

/** The modules as a test has them: those given, and none else. */
export const modules = (given: Partial<CliIo['load']> = {}): CliIo['load'] => ({
  ...{ daemon: notLoaded, once: notLoaded, demo: notLoaded, rights: notLoaded, doctor: notLoaded, validate: notLoaded, spec: notLoaded },
  ...given,
});

export const fileError = (code: string): Error => Object.assign(new Error(code), { code });

/** A command in this process that has begun: its exit code, and what it has written until now. */
export interface StartedCli {
  readonly code: Promise<number>;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Begins a command in this process. */
export function startCli(argv: readonly string[], { files = {}, load, ...world }: CliWorld = {}): StartedCli {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const readFile =
    world.readFile ??
    ((path: string): string => {
      const text = files[path];
      if (text === undefined) throw fileError('ENOENT');
      return text;
    });
  const code = runCli({
    argv,
    env: {},
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    isTerminal: false,
    readFile,
    readInput: async (path) => readFile(path === '-' ? '/dev/stdin' : path),
    // A machine under load makes any command take its time.
    progressAfterMs: Number.POSITIVE_INFINITY,
    now: () => 0,
    signal: AbortSignal.timeout(20_000),
    load: modules(load),
    ...world,
  });
  return { code, stdout, stderr };
}

/** Runs a command in this process to its end. */
export async function callCli(argv: readonly string[], world: CliWorld = {}) {
  const { code, stdout, stderr } = startCli(argv, world);
  return { code: await code, stdout: stdout.join(''), stderr: stderr.join('') };
}
