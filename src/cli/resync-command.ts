import type { Command } from 'commander';
import type { ResyncAnswer } from '../http/api-answers.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import { outputOption } from './output-option.ts';

/** `resync [SPEC]`: asks a running daemon to compare everything, or one spec, anew. */
export function addResyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('resync')
    .description('Ask a running daemon to read and compare everything, or one spec, anew.')
    .argument('[spec]', 'path of the spec in the repository, below the root')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  poolkeeper resync\n  poolkeeper resync prod/echoserver.json --token-file /run/secrets/poolkeeper')
    .action(async (spec: string | undefined, options: ClientFlags & { readonly output: OutputFormat }) => {
      const { io } = context;
      const answer = await createClient(options, io).resync(spec, io.signal);
      if (options.output === 'json') writeJson(context, answer);
      else io.stdout.write(renderResync(answer, spec));
      context.exit(EXIT.done);
    });
  addClientOptions(command);
}

/** What became of the request, in one line. */
export function renderResync({ coalesced }: ResyncAnswer, spec: string | undefined): string {
  const what = spec === undefined ? 'every spec' : spec;
  return coalesced ? `A resync of ${what} waits already; this one joins it.\n` : `A resync of ${what} begins.\n`;
}
