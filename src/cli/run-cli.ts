import { CommanderError } from 'commander';
import { AppError, errorText, isAbort } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import { createRedactor } from '../shared/redact.ts';
import { buildProgram } from './build-program.ts';
import type { CliIo } from './cli-io.ts';
import { type CommandContext, createContext, type OutputFormat, writeProblems } from './command-context.ts';
import { EXIT } from './exit-codes.ts';

/** Runs one command line to its end and returns the exit code. Never throws. */
export async function runCli(io: CliIo): Promise<number> {
  let code: number = EXIT.done;
  const context = createContext(io, (given) => {
    code = given;
  });
  const program = buildProgram(context);
  try {
    await program.parseAsync([...io.argv], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has written its message already; help and version are "errors" of code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return failure(error, context);
  }
}

function failure(error: unknown, context: CommandContext): number {
  if (context.io.signal.aborted && isAbort(error)) return EXIT.failed;
  const found = error instanceof AppError ? error.problem : problem('INTERNAL', createRedactor([])(errorText(error)));
  writeProblems(context, [found], wantedOutput(context.io.argv));
  return exitCodeOf(found);
}

const exitCodeOf = ({ next }: Problem): number => (next === 'fix-config' ? EXIT.config : EXIT.failed);

/** Which output was asked for. Read from the arguments: an error may come before commander has parsed them. */
function wantedOutput(argv: readonly string[]): OutputFormat {
  return argv.includes('--output=json') || argv[argv.indexOf('--output') + 1] === 'json' ? 'json' : 'text';
}

/** What is written when something fails that nothing foresaw. */
export function crashText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `poolkeeper: unexpected error: ${createRedactor([])(text)}\n`;
}
