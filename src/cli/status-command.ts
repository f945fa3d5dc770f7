import type { Command } from 'commander';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { renderStatus } from './render-status.ts';

/** `status`: what a running daemon last saw. */
export function addStatusCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description('Show the specs, pools and sources of a running daemon.')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  poolkeeper status\n  poolkeeper status --url http://poolkeeper.example.com:8080 --output json')
    .action(async (options: ClientFlags & { readonly output: OutputFormat }) => {
      const { io, colors } = context;
      const status = await createClient(options, io).status(io.signal);
      if (options.output === 'json') writeJson(context, status);
      else io.stdout.write(renderStatus(status, colors, io.now()));
      context.exit(EXIT.done);
    });
  addClientOptions(command);
}
