import type { Command } from 'commander';
import { nearest } from '../core/spec/did-you-mean.ts';
import type { ResyncAnswer, StatusAnswer } from '../http/api-answers.ts';
import { AppError } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import type { DaemonClient } from './daemon-client.ts';
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
      const answer = await resync(spec, createClient(options, io), io.signal);
      if (options.output === 'json') writeJson(context, answer);
      else io.stdout.write(renderResync(answer, spec));
      context.exit(EXIT.done);
    });
  addClientOptions(command);
}

/** A spec that the daemon does not know is told with the one that is most likely meant. */
async function resync(spec: string | undefined, client: DaemonClient, signal: AbortSignal): Promise<ResyncAnswer> {
  try {
    return await client.resync(spec, signal);
  } catch (error) {
    if (spec === undefined || !(error instanceof AppError) || error.problem.code !== 'SPEC_UNKNOWN') throw error;
    const near = nearestSpec(spec, await client.status(signal));
    const remedy = near === undefined ? {} : { remedy: `Did you mean ${JSON.stringify(near)}?` };
    throw new AppError(problem('SPEC_UNKNOWN', error.problem.message, remedy), { cause: error });
  }
}

/** The spec whose path is nearly the word, or the first that has it inside. */
function nearestSpec(word: string, { specs }: StatusAnswer): string | undefined {
  const names = specs.map(({ id }) => id);
  return nearest(word, names) ?? names.find((name) => name.includes(word));
}

/** What became of the request, in one line. */
export function renderResync({ coalesced }: ResyncAnswer, spec: string | undefined): string {
  const what = spec === undefined ? 'every spec' : spec;
  return coalesced ? `A resync of ${what} waits already; this one joins it.\n` : `A resync of ${what} begins.\n`;
}
