import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ApprovalReport, HeldReport } from '../core/report/run-report.ts';
import type { StatusAnswer } from '../http/api-answers.ts';
import type { ProblemCode } from '../shared/problem.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { groupHolds } from './group-holds.ts';
import { outputOption } from './output-option.ts';

interface ApproveFlags extends ClientFlags {
  readonly output: OutputFormat;
  readonly removals?: number;
}

const HELP = `
The guard holds removals back when more would go at once than is allowed. Without an argument the command tells what is held, and
approves nothing. With the HOLD that it names, exactly that may go: not what another commit, or anybody else, adds to it. With
--removals any removals may go, up to that number, as with the commit trailer Poolkeeper-Allow-Removal. An approval counts for an
hour, each removal of it once, and what remains of it ends when nothing is held any more. What is held for another reason (a broken
file, a source that does not answer) stays held.

Examples:
  poolkeeper approve
  poolkeeper approve h-3f2a91c07b6e
  poolkeeper approve --removals 5`;

/** `approve [HOLD]`: tells what the guard of removals holds back, and lets it go. */
export function addApproveCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('approve')
    .description('Look at the removals that are held back, and let them go.')
    .argument('[hold]', 'name of what is held, as the command tells it without one')
    .addOption(new Option('--removals <number>', 'let so many go, whichever they are').argParser(parseNumber))
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (hold: string | undefined, flags: ApproveFlags) => {
      if (hold !== undefined && flags.removals !== undefined)
        command.error('error: name what is held, or write --removals, not both', { exitCode: EXIT.usage });
      context.exit(await approve(hold, flags, context));
    });
  addClientOptions(command);
}

function parseNumber(text: string): number {
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (number === 0) throw new InvalidArgumentError('Expected a whole number above 0.');
  return number;
}

async function approve(hold: string | undefined, flags: ApproveFlags, context: CommandContext): Promise<ExitCode> {
  const { io } = context;
  const client = createClient(flags, io);
  if (hold === undefined && flags.removals === undefined) {
    const status = await client.status(io.signal);
    if (flags.output === 'json') writeJson(context, { held: status.held ?? null, approvals: status.approvals ?? [] });
    else io.stdout.write(renderHeld(status));
    return EXIT.done;
  }
  const held = hold === undefined ? (await client.status(io.signal)).held : undefined;
  const wish = hold === undefined ? { removals: flags.removals ?? 0 } : { hold };
  const approval = await client.approve(wish, io.signal);
  if (flags.output === 'json') writeJson(context, approval);
  else io.stdout.write(renderApproval(approval));
  if (held !== undefined && held.removals > approval.left)
    io.stderr.write(`${held.removals} removals are held: none of them goes before all are allowed, here and by trailers together.\n`);
  return EXIT.done;
}

/** What is held, object by object, and how to release it. */
function renderHeld({ held, holds }: StatusAnswer): string {
  if (held === undefined) {
    const others = groupHolds(holds).map(({ spec, what, reason }) => `  ${spec}: ${what}: ${reason.message}. ${reason.remedy}\n`);
    return others.length === 0
      ? 'Nothing is held.\n'
      : `Nothing is held that an approval could release. Held for other reasons:\n${others.join('')}`;
  }
  const lines = holds
    .filter(({ reason }) => RELEASED.has(reason.code))
    .map(({ spec, what, reason }) => `  ${spec}: ${what} (${reason.code})`);
  return `${heldWords(held)} held as ${held.id}:\n${lines.join('\n')}\n\nIf all of it is meant: poolkeeper approve ${held.id}\n`;
}

/** What an approval releases: the limits of the guard. */
const RELEASED: ReadonlySet<ProblemCode> = new Set(['REMOVAL_LIMIT', 'REMOVAL_ALL', 'SOURCE_CHANGED', 'SPECS_VANISHED']);

function heldWords({ pools, objects }: HeldReport): string {
  const words = [countOf(pools, 'pool'), countOf(objects, 'object')].filter((one) => one !== undefined).join(' and ');
  return `${words} ${pools + objects === 1 ? 'is' : 'are'}`;
}

const countOf = (count: number, word: string): string | undefined =>
  count === 0 ? undefined : `${count} ${word}${count === 1 ? '' : 's'}`;

function renderApproval({ hold, removals, atMs, untilMs }: ApprovalReport): string {
  const what = hold === undefined ? `Up to ${removals} removals` : `What is held as ${hold}`;
  return `${what} may go, if that begins within ${Math.round((untilMs - atMs) / 60_000)} minutes. poolkeeper status tells how far it is.\n`;
}
