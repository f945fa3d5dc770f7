import { once } from 'node:events';
import type { Command } from 'commander';
import { type CommandContext, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT } from './exit-codes.ts';

/** `run`: the daemon, until a signal ends it. */
export function addRunCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .description('Run the daemon: keep Kubernetes and Consul in step with the repository until stopped.')
    .addHelpText(
      'after',
      '\nExamples:\n  poolkeeper run --config /etc/poolkeeper.yaml\n  poolkeeper run --cluster main --git-url https://git.example.com/specs.git',
    )
    .action(async () => context.exit(await run(command, context)));
  addConfigOptions(command);
}

async function run(command: Command, context: CommandContext): Promise<number> {
  const { io } = context;
  const loaded = readConfig(command, io);
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, 'text');
    return EXIT.config;
  }
  const { startDaemon } = await io.load.daemon();
  const daemon = await startDaemon(loaded.config, io);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  await daemon.stop();
  return EXIT.done;
}
