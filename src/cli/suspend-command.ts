import { type Command, InvalidArgumentError, Option } from 'commander';
import { duration } from '../config/kinds.ts';
import type { SuspensionReport } from '../core/report/run-report.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';

interface SuspendFlags extends ClientFlags {
  readonly output: OutputFormat;
  readonly all?: true;
  readonly for?: string;
  readonly reason?: string;
}

const SUSPEND_HELP = `
A spec that is suspended is left as it is: nothing of it is applied, repaired or deleted, whatever is committed. Its pools go on as
they run, and nodes go on entering and leaving them. The suspension outlives restarts of the daemon; it is kept in Consul. A second
time it takes the new reason and end. A spec that depends on a suspended one goes on while that is in step. What moves into another
file is that one's. A daemon that starts while Consul is away does not know of suspensions until it is back.

Examples:
  poolkeeper suspend prod/echoserver.json --for 2h --reason "patched by hand"
  poolkeeper suspend --all --for 1h --reason "maintenance of the cluster"`;

const RESUME_HELP = `
What was committed meanwhile is applied at once; what is to be removed passes the guard as ever.

Examples:
  poolkeeper resume prod/echoserver.json
  poolkeeper resume --all`;

/** `suspend SPEC | --all`: leaves a spec, or every spec, as it is. */
export function addSuspendCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('suspend')
    .description('Leave a spec, or every spec, as it is, until it is resumed.')
    .argument('[spec]', 'path of the spec in the repository, below the root')
    .option('--all', 'every spec, those that come included')
    .addOption(new Option('--for <duration>', 'resume by itself after this time').argParser(parseDuration))
    .option('--reason <text>', 'why, in one line: shown wherever the spec is')
    .addOption(outputOption())
    .addHelpText('after', SUSPEND_HELP)
    .action(async (spec: string | undefined, flags: SuspendFlags) => {
      const scope = scopeOf(command, spec, flags);
      const { for: time, reason } = flags;
      const wish = { ...scope, ...(time === undefined ? {} : { for: time }), ...(reason === undefined ? {} : { reason }) };
      const suspension = await createClient(flags, context.io).suspend(wish, context.io.signal);
      if (flags.output === 'json') writeJson(context, suspension);
      else context.io.stdout.write(renderSuspension(suspension));
      context.exit(EXIT.done);
    });
  addClientOptions(command);
}

/** `resume SPEC | --all`: goes on with what was suspended. */
export function addResumeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('resume')
    .description('Go on with a spec that was suspended, or with every spec.')
    .argument('[spec]', 'path of the spec in the repository, below the root')
    .option('--all', 'end that every spec is suspended; those that are by name stay so')
    .addOption(outputOption())
    .addHelpText('after', RESUME_HELP)
    .action(async (spec: string | undefined, flags: SuspendFlags) =>
      context.exit(await resume(scopeOf(command, spec, flags), flags, context)),
    );
  addClientOptions(command);
}

type Scope = { readonly spec: string } | { readonly all: true };

function scopeOf(command: Command, spec: string | undefined, { all }: SuspendFlags): Scope {
  if (spec !== undefined && all !== true) return { spec };
  if (spec === undefined && all === true) return { all };
  return command.error('error: name a spec, or write --all', { exitCode: EXIT.usage });
}

async function resume(scope: Scope, flags: SuspendFlags, context: CommandContext): Promise<ExitCode> {
  const { io } = context;
  const answer = await createClient(flags, io).resume(scope, io.signal);
  if (flags.output === 'json') writeJson(context, answer);
  else if (!answer.suspended)
    io.stdout.write(
      `${'spec' in scope ? scope.spec : 'Every spec'} goes on${'spec' in scope ? '' : ', but for those suspended by name'}.\n`,
    );
  else io.stderr.write(`${answer.spec ?? 'It'} stays suspended, as every spec is: run poolkeeper resume --all.\n`);
  return answer.suspended ? EXIT.failed : EXIT.done;
}

function parseDuration(text: string): string {
  if (!duration.schema.safeParse(text).success) throw new InvalidArgumentError(`Expected ${duration.expects}.`);
  return text;
}

function renderSuspension({ spec, untilMs }: SuspensionReport): string {
  const end = untilMs === undefined ? `poolkeeper resume ${spec ?? '--all'}` : new Date(untilMs).toISOString();
  return `${spec ?? 'Every spec'} is left as it is until ${end}.\n`;
}
