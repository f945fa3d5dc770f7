import type { Command } from 'commander';
import type { Explanation, WhyQuestion } from '../core/report/explanation.ts';
import { whyNoQuestion } from '../core/report/why-no-question.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { renderWhy } from './render-why.ts';

interface WhyFlags extends ClientFlags {
  readonly output: OutputFormat;
  readonly all?: true;
}

const HELP = `
The thing is a URL, a pool (namespace/name, or the name alone), a spec file (as status shows it), a node, or one of the last 50 commits (its
id, or 7 digits of it at least). The daemon answers from what it saw last, so also while Git, Kubernetes, Consul or Traefik are away; the
answer says how old that is. A URL is asked about as GET, with no headers but its host.

Each line is a step from the commit to traffic: ✓ ok, ✗ broken, … waiting, ? unknown, - not watched. The first broken one is what to mend.
The exit code is 0 when it is in traffic, as far as is watched, and nothing on the way is broken, else 1.

Examples:
  poolkeeper why https://shop.example.com/cart
  poolkeeper why prod/shop
  poolkeeper why "$(git rev-parse HEAD)"
  poolkeeper why node-3 --output json`;

/** `why`: why a URL, a pool, a node or a commit is, or is not, in traffic. */
export function addWhyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('why')
    .description('Tell why a URL, a pool, a node or a commit is not in traffic, and what to do about it.')
    .argument('<thing>', 'https://host/path, namespace/name or name of a pool, a spec file, a node, or a commit')
    .option('--all', 'every fact of every step, not of the broken one only')
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (thing: string, flags: WhyFlags) => {
      const asked = questionOf(thing);
      const wrong = whyNoQuestion(asked);
      if (wrong !== undefined)
        command.error(`error: cannot ask about ${JSON.stringify(thing.slice(0, 80))}: ${wrong}`, { exitCode: EXIT.usage });
      context.exit(await tell(asked, flags, context));
    });
  addClientOptions(command);
}

async function tell(asked: WhyQuestion, flags: WhyFlags, context: CommandContext): Promise<ExitCode> {
  const { io, colors } = context;
  const answer = await createClient(flags, io).why(asked, io.signal);
  if (flags.output === 'json') writeJson(context, answer);
  else io.stdout.write(renderWhy(answer, colors, flags.all === true));
  return isWell(answer) ? EXIT.done : EXIT.failed;
}

const questionOf = (thing: string): WhyQuestion => ({ kind: thing.includes('://') ? 'url' : 'name', value: thing });

const isWell = ({ verdict }: Explanation): boolean => verdict === 'in-traffic';
