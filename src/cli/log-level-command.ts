import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { LogLevelAnswer } from '../http/api-answers.ts';
import { parseDuration } from '../shared/duration.ts';
import { LOG_LEVELS } from '../shared/log-levels.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import { outputOption } from './output-option.ts';

const HELP = `
Without a level it tells which one is in force. The configured level (log.level) comes back by itself, or at once when it is given.
Of several replicas the one that is asked changes.

Examples:
  poolkeeper log-level
  poolkeeper log-level debug --for 10m --token-file /run/secrets/poolkeeper`;

type LogLevelFlags = ClientFlags & { readonly output: OutputFormat; readonly for?: string };

/** `log-level [LEVEL]`: tells which log lines a running daemon writes, or changes it for a while. */
export function addLogLevelCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('log-level')
    .description('Tell which log lines a running daemon writes, or change it for a while.')
    .addArgument(new Argument('[level]', 'the least important lines that are to be written').choices(LOG_LEVELS))
    .addOption(new Option('--for <duration>', 'when the configured level comes back (default: 1h)').argParser(checkDuration))
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (level: string | undefined, flags: LogLevelFlags) => {
      if (level === undefined && flags.for !== undefined) command.error('error: --for needs a level', { exitCode: EXIT.usage });
      const { io } = context;
      const wish = level === undefined ? undefined : { level, ...(flags.for === undefined ? {} : { for: flags.for }) };
      const answer = await createClient(flags, io).logLevel(wish, io.signal);
      if (flags.output === 'json') writeJson(context, answer);
      else io.stdout.write(renderLogLevel(answer, io.now()));
      context.exit(EXIT.done);
    });
  addClientOptions(command);
}

const LONGEST_MS = 24 * 3_600_000;

/** The daemon reads it itself; here it is only checked. */
function checkDuration(text: string): string {
  const ms = parseDuration(text) ?? 0;
  if (ms > 0 && ms <= LONGEST_MS) return text;
  throw new InvalidArgumentError('Expected a duration such as 10m, at most 24h.');
}

/** Which level is in force, and what comes after it, in one line. */
export function renderLogLevel({ level, configured, untilMs }: LogLevelAnswer, nowMs: number): string {
  if (untilMs === undefined) return `The log level is ${level}, as configured.\n`;
  const minutes = Math.max(1, Math.round((untilMs - nowMs) / 60_000));
  return `The log level is ${level}; ${configured} comes back in ${minutes} minute${minutes === 1 ? '' : 's'}.\n`;
}
