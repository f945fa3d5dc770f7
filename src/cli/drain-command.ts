import { type Command, InvalidArgumentError, Option } from 'commander';
import { duration } from '../config/kinds.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import type { DrainWait } from './drain-waits.ts';
import { isNoBackend } from './drain-waits.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { type WaitResult, waitForDrain } from './wait-for-drain.ts';

interface DrainFlags extends ClientFlags {
  readonly output: OutputFormat;
  readonly wait?: true;
  readonly timeout: Timeout;
  readonly reason?: string;
}

interface Timeout {
  readonly ms: number;
  readonly text: string;
}

type Wish = 'drain' | 'undrain';

const DRAIN_HELP = `
The node gets the annotation poolkeeper.dev/drain; it stays out until undrain. Pods go on running, and may be scheduled. A drain is
a wish: at most half of a pool leaves at once, and none is brought below its min-backends. Those pools keep the node until others are
back. With --wait the exit code is 1 when the node is not out of all pools in time; it stays marked. Where the daemon watches Traefik
(traefik.api), that waits for Traefik, too. Elsewhere Traefik follows Consul within traefik.letGo: give it that time, and in any case
requests under way theirs, before the node is switched off.

Examples:
  poolkeeper drain node-1 --reason "new disk" --wait
  poolkeeper drain node-1 --wait --timeout 10m && sleep 30 && ssh node-1 reboot`;

const UNDRAIN_HELP = `
The node comes back when it has been ready, and out, for the time of pool.grace. With --wait the exit code is 1 when it is not back in
time. Where the daemon watches Traefik (traefik.api), that waits for Traefik, too.

Example:
  poolkeeper undrain node-1 --wait`;

/** `drain NODE`: takes a node out of all pools, by a running daemon. */
export function addDrainCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('drain')
    .description('Take a node out of all pools, until it is undrained.')
    .option('--reason <text>', 'why, in one line: shown wherever the node is')
    .addHelpText('after', DRAIN_HELP);
  finish(command, 'drain', context);
}

/** `undrain NODE`: lets a node come back. */
export function addUndrainCommand(program: Command, context: CommandContext): void {
  finish(program.command('undrain').description('Let a drained node come back.').addHelpText('after', UNDRAIN_HELP), 'undrain', context);
}

function finish(command: Command, wish: Wish, context: CommandContext): void {
  command
    .argument('<node>', 'name of the Kubernetes node')
    .option(
      '--wait',
      wish === 'drain' ? 'until Consul, and each watched Traefik, has it in no pool' : 'until they have it back in its pools',
    )
    .addOption(new Option('--timeout <duration>', 'how long --wait waits').argParser(parseTimeout).default(parseTimeout('5m'), '5m'))
    .addOption(outputOption())
    .action(async (node: string, flags: DrainFlags) => context.exit(await mark({ wish, node, flags }, context)));
  addClientOptions(command);
}

function parseTimeout(text: string): Timeout {
  const read = duration.schema.safeParse(text);
  if (!read.success) throw new InvalidArgumentError(`Expected ${duration.expects}.`);
  return { ms: read.data, text };
}

interface Request {
  readonly wish: Wish;
  readonly node: string;
  readonly flags: DrainFlags;
}

async function mark({ wish, node, flags }: Request, context: CommandContext): Promise<ExitCode> {
  const { io } = context;
  const client = createClient(flags, io);
  const marked = await client.drain(wish, { node, reason: flags.reason }, io.signal);
  if (flags.wait !== true) {
    if (flags.output === 'json') writeJson(context, marked);
    else io.stdout.write(wish === 'drain' ? `${node} leaves its pools, as far as their floors allow.\n` : `${node} may come back.\n`);
    return EXIT.done;
  }
  const progress = progressOf(flags, context);
  const onWaits = (waits: readonly DrainWait[]): void => progress.tell(`${node}: waiting: ${summary(waits)}`);
  const result = await waitForDrain({ client, wish, node, timeoutMs: flags.timeout.ms, onWaits }, io.signal);
  progress.end();
  const done = result.waits.length === 0;
  if (flags.output === 'json') writeJson(context, { ...marked, done, waitingFor: result.waits });
  else if (done) io.stdout.write(`${ending(wish, node, result)}\n`);
  else io.stderr.write(lateText({ wish, node, flags }, result.waits));
  return done ? EXIT.done : EXIT.failed;
}

/** One line that is written anew on a terminal, else a line for each change; nothing where a program reads. */
function progressOf({ output }: DrainFlags, { io }: CommandContext): { tell(line: string): void; end(): void } {
  if (output === 'json') return { tell: () => undefined, end: () => undefined };
  const clear = '\r\u001b[K';
  return {
    tell: (line) => io.stdout.write(io.isTerminal ? `${clear}${line}` : `${line}\n`),
    end: () => io.isTerminal && io.stdout.write(clear),
  };
}

const SHOWN = 3;

const waitText = ({ pool, why }: DrainWait): string => (pool === undefined ? why : `${pool}: ${why}`);

function summary(waits: readonly DrainWait[]): string {
  const more = waits.length - SHOWN;
  return `${waits.slice(0, SHOWN).map(waitText).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function ending(wish: Wish, node: string, { answer }: WaitResult): string {
  if (wish === 'drain') return `${node} is out of all pools in Consul.`;
  if (answer !== undefined && isNoBackend(answer)) return `${node} is not drained; it is no backend: ${answer.node.reason}.`;
  const back = answer?.node.pools.filter(({ passing, byAgent }) => passing || byAgent).length ?? 0;
  return `${node} is back: Consul has it passing in ${back} pool${back === 1 ? '' : 's'}.`;
}

function lateText({ wish, node, flags: { timeout } }: Request, waits: readonly DrainWait[]): string {
  const head =
    wish === 'drain'
      ? `${node} is not out of all pools after ${timeout.text}. It stays marked, and leaves when it may:`
      : `${node} is not back after ${timeout.text}. It comes back when it may:`;
  return `${[head, ...waits.map((wait) => `  ${waitText(wait)}`)].join('\n')}\n`;
}
