import type { Problem } from '../shared/problem.ts';
import { problemText } from '../shared/problem.ts';
import type { CliIo } from './cli-io.ts';
import { type Colors, createColors, wantsColors } from './colors.ts';

/** What every command is given. */
export interface CommandContext {
  readonly io: CliIo;
  readonly colors: Colors;
  /** Sets the exit code. */
  readonly exit: (code: number) => void;
}

export type OutputFormat = 'text' | 'json';

export function createContext(io: CliIo, exit: (code: number) => void): CommandContext {
  return { io, colors: createColors(wantsColors(io.env, io.isTerminal)), exit };
}

/** Writes JSON for programs to stdout. */
export function writeJson({ io }: CommandContext, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes problems: one line each to stderr, or as JSON to stdout. */
export function writeProblems(context: CommandContext, problems: readonly Problem[], output: OutputFormat): void {
  if (output === 'json') writeJson(context, { problems });
  else for (const value of problems) context.io.stderr.write(`${context.colors.red(value.severity)} ${problemText(value)}\n`);
}
