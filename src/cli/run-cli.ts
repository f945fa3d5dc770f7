import { CommanderError } from 'commander';
import { AppError, errorText, isAbort } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import { createRedactor } from '../shared/redact.ts';
import { buildProgram } from './build-program.ts';
import type { CliIo, Output } from './cli-io.ts';
import { type CommandContext, createContext, type OutputFormat, writeProblems } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import { Progress } from './progress.ts';

/** Runs one command line to its end and returns the exit code. Never throws. */
export async function runCli(io: CliIo): Promise<number> {
  let code: number = EXIT.done;
  const shown = new ShownProgress(io);
  const context = createContext(shown.io, (given) => {
    code = given;
  });
  const program = buildProgram(context).hook('preAction', (_, command) => shown.begin(command.name()));
  try {
    await program.parseAsync([...io.argv], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has written its message already; help and version are "errors" of code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return failure(error, context);
  } finally {
    shown.end();
  }
}

/** Those that go on for ever, ask, or are asked by a shell. */
const SILENT: ReadonlySet<string> = new Set(['run', 'demo', 'new', 'completion', '__complete']);

/** Shows that a command is at work, until it writes something. */
class ShownProgress {
  readonly io: CliIo;
  readonly #given: CliIo;
  #progress: Progress | undefined;

  constructor(io: CliIo) {
    const watched = (output: Output): Output => ({
      write: (text) => {
        this.end();
        return output.write(text);
      },
    });
    this.#given = io;
    this.io = { ...io, stdout: watched(io.stdout), stderr: watched(io.stderr) };
  }

  begin(label: string): void {
    const { argv, env, stderr, hasErrorTerminal = false, progressAfterMs: afterMs = 1_000 } = this.#given;
    const isTerminal = hasErrorTerminal && env['TERM'] !== 'dumb';
    // Who reads JSON reads stderr for errors.
    if (SILENT.has(label) || (!isTerminal && wantedOutput(argv) === 'json')) return;
    this.#progress = new Progress({ stderr, label, form: isTerminal ? 'spinner' : 'lines', afterMs });
  }

  end(): void {
    this.#progress?.end();
    this.#progress = undefined;
  }
}

function failure(error: unknown, context: CommandContext): number {
  if (context.io.signal.aborted && isAbort(error)) return EXIT.interrupted;
  const found = error instanceof AppError ? error.problem : problem('INTERNAL', createRedactor([])(errorText(error)));
  writeProblems(context, [found], wantedOutput(context.io.argv));
  return exitCodeOf(found);
}

const exitCodeOf = ({ next }: Problem): number => (next === 'fix-config' ? EXIT.config : EXIT.failed);

/** Which output was asked for. Read from the arguments: an error may come before commander has parsed them. */
function wantedOutput(argv: readonly string[]): OutputFormat {
  return argv.includes('--output=json') || argv[argv.indexOf('--output') + 1] === 'json' ? 'json' : 'text';
}
