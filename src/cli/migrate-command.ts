import { type Command, InvalidArgumentError, Option } from 'commander';
import { duration } from '../config/kinds.ts';
import type { PoolSummary, StatusAnswer } from '../http/api-answers.ts';
import { sleep } from '../shared/abort.ts';
import { AppError } from '../shared/errors.ts';
import { addClientOptions, type ClientFlags, createClient } from './client-options.ts';
import { type CommandContext, type OutputFormat, writeJson } from './command-context.ts';
import type { DaemonClient } from './daemon-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';

interface MigrateFlags extends ClientFlags {
  readonly output: OutputFormat;
  readonly all?: true;
  readonly wait?: true;
  readonly timeout: Timeout;
}

interface Timeout {
  readonly ms: number;
  readonly text: string;
}

const HELP = `
A pool that consul-template and a Consul agent on each node register moves node by node: its agent is told to leave, and when it has
left, the catalog takes the node. At least half of the pool stays registered, and no request fails. Meanwhile some nodes are the agents',
the others the catalog's: to empty the pool in between would lose requests. No node is both. Only a pool that can do without no backend
(one node, or min-backends of all) is swapped by one transaction; there an agent may put its instance back until it has reloaded, some
seconds at most: beside that of the catalog, at the same address and port, which Traefik counts once. The agents must run the template
of deploy/consul-template; the daemon must run with registration: both or catalog. A move that has begun goes on by itself, also when
this command ends.

Examples:
  poolkeeper migrate prod/echoserver --wait
  poolkeeper migrate --all --wait --timeout 30m`;

/** `migrate POOL… | --all`: moves pools from Consul agents to the catalog, by a running daemon. */
export function addMigrateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('migrate')
    .description('Move pools from Consul agents to the catalog, without a lost request.')
    .argument('[pools...]', 'the pools, as namespace/name of their Services')
    .option('--all', 'every pool that agents register')
    .option('--wait', 'until no agent registers them any more')
    .addOption(new Option('--timeout <duration>', 'how long --wait waits').argParser(parseTimeout).default(parseTimeout('10m'), '10m'))
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (pools: readonly string[], flags: MigrateFlags) => {
      if ((flags.all === true) === pools.length > 0) command.error('error: name pools, or write --all', { exitCode: EXIT.usage });
      context.exit(await migrate(pools, flags, context));
    });
  addClientOptions(command);
}

function parseTimeout(text: string): Timeout {
  const read = duration.schema.safeParse(text);
  if (!read.success) throw new InvalidArgumentError(`Expected ${duration.expects}.`);
  return { ms: read.data, text };
}

async function migrate(pools: readonly string[], flags: MigrateFlags, context: CommandContext): Promise<ExitCode> {
  const { io } = context;
  const client = createClient(flags, io);
  const { moving } = await client.migrate(flags.all === true ? { all: true } : { pools }, io.signal);
  const say = (line: string): unknown => (flags.output === 'json' ? undefined : io.stdout.write(`${line}\n`));
  if (moving.length === 0) say('No agent registers any of them: nothing moves.');
  else if (flags.wait !== true) say(`${countOf(moving.length)} from agents to the catalog; poolkeeper status tells how far.`);
  const left = flags.wait === true ? await waitForMove({ client, moving, timeoutMs: flags.timeout.ms, say }, io.signal) : undefined;
  if (flags.output === 'json') writeJson(context, { moving, ...(left === undefined ? {} : { left: left.map(({ pool }) => pool) }) });
  if (left === undefined || left.length === 0) {
    if (left !== undefined && moving.length > 0) say(`${moving.length === 1 ? 'The pool is' : 'All are'} in the catalog.`);
    return EXIT.done;
  }
  if (flags.output === 'text') {
    const lines = left.map(({ pool, agents }) => `  ${pool}: agents still register it on ${agents?.nodes.join(', ') || 'no node'}`);
    io.stderr.write(`Not all are in the catalog after ${flags.timeout.text}. They go on moving:\n${lines.join('\n')}\n`);
  }
  return EXIT.failed;
}

const countOf = (count: number): string => `${count} pool${count === 1 ? ' moves' : 's move'}`;

interface MoveWait {
  readonly client: Pick<DaemonClient, 'status'>;
  readonly moving: readonly string[];
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
}

const POLL_MS = 500;

/** Asks the daemon until the pools have moved, or the time is over; gives those that have not. What changes is told. */
async function waitForMove({ client, moving, timeoutMs, say }: MoveWait, signal: AbortSignal): Promise<readonly PoolSummary[]> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const names = new Set(moving);
  const told = new Map<string, string>();
  for (;;) {
    const status = await lookAt(client, deadline, signal);
    const pools = (status?.pools ?? []).filter(({ pool }) => names.has(pool));
    const isKnown = status !== undefined && seesConsul(status);
    const left = isKnown ? pools.filter(({ agents }) => agents !== undefined) : pools;
    for (const pool of isKnown ? pools : []) {
      const line = `${pool.pool}: ${pool.registered} of ${pool.desired} in the catalog, ${pool.agents?.nodes.length ?? 0} registered by agents`;
      if (told.get(pool.pool) !== line) say(line);
      told.set(pool.pool, line);
    }
    if ((isKnown && left.length === 0) || deadline.aborted) return left;
    await sleep(POLL_MS, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
      if (signal.aborted) throw error;
    });
  }
}

/** Without a complete answer of Consul no agent would seem to register anything. */
const seesConsul = ({ sources }: StatusAnswer): boolean => sources.every(({ source, kind }) => source !== 'consul' || kind === 'complete');

/** A daemon that does not answer meanwhile is waited for. */
async function lookAt(client: MoveWait['client'], deadline: AbortSignal, signal: AbortSignal): Promise<StatusAnswer | undefined> {
  try {
    return await client.status(signal);
  } catch (error) {
    if (!(error instanceof AppError) || deadline.aborted) throw error;
    return undefined;
  }
}
