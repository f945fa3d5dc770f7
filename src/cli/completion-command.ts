import { Argument, type Command } from 'commander';
import { createClient } from './client-options.ts';
import type { CommandContext } from './command-context.ts';
import { completionModel, NAME_KINDS, type NameKind } from './completion-model.ts';
import { completionScript, SHELLS, type Shell } from './completion-scripts.ts';
import { EXIT } from './exit-codes.ts';

const HELP = `
Names of specs, pools and nodes are those that the daemon at POOLKEEPER_URL knows at the moment.

Examples:
  source <(poolkeeper completion bash)
  poolkeeper completion zsh > "\${fpath[1]}/_poolkeeper"
  poolkeeper completion fish > ~/.config/fish/completions/poolkeeper.fish`;

/** A daemon that does not answer at once is none that a person would wait for. */
const TIMEOUT_MS = 500;

/** `completion`: a script by which a shell completes command lines; and `__complete`, which that script asks for names. */
export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('Print the script by which a shell completes command lines.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      context.io.stdout.write(completionScript(shell, completionModel(program)));
      context.exit(EXIT.done);
    });
  program
    .command('__complete', { hidden: true })
    .description('Print names that a running daemon knows, one a line; nothing when it does not answer.')
    .addArgument(new Argument('<kind>').choices(NAME_KINDS))
    .action(async (kind: NameKind) => {
      const names = await namesOf(kind, context).catch(() => []);
      // A shell would run what it takes for an expansion.
      context.io.stdout.write(
        names
          .filter((name) => /^[\w./@:+-]+$/.test(name))
          .map((name) => `${name}\n`)
          .join(''),
      );
      context.exit(EXIT.done);
    });
}

async function namesOf(kind: NameKind, { io }: CommandContext): Promise<readonly string[]> {
  const { specs, pools, nodes, held } = await createClient({ timeoutMs: TIMEOUT_MS }, io).status(io.signal);
  const names = {
    specs: () => specs.map(({ id }) => id),
    pools: () => pools.map(({ pool }) => pool),
    nodes: () => nodes.map(({ node }) => node),
    holds: () => (held === undefined ? [] : [held.id]),
    things: () => [...withBareNames(pools.map(({ pool }) => pool)), ...nodes.map(({ node }) => node), ...specs.map(({ id }) => id)],
  };
  return names[kind]();
}

/** Pools as `namespace/name`, and by the name alone where no other namespace has it. */
function withBareNames(pools: readonly string[]): readonly string[] {
  const byName = Map.groupBy(pools, (pool) => pool.slice(pool.indexOf('/') + 1));
  return [...pools, ...[...byName].flatMap(([name, all]) => (all.length === 1 ? [name] : []))];
}
