import type { Command } from 'commander';
import type { CommandContext, OutputFormat } from './command-context.ts';
import { outputOption } from './output-option.ts';

interface DemoFlags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly output: OutputFormat;
}

/** `demo`: the whole way of a change, on servers inside this process. */
export function addDemoCommand(program: Command, context: CommandContext): void {
  program
    .command('demo')
    .description('Show the whole way from a commit to traffic on servers inside this process. Nothing outside is touched.')
    .option('--once', 'end after one tour')
    .addOption(outputOption())
    .option('--json', 'the same as --output json')
    .addHelpText('after', '\nExample:\n  poolkeeper demo --once')
    .action(async ({ once = false, json = false, output }: DemoFlags) => {
      const { env, stdout, stderr, signal, load } = context.io;
      const { runDemo } = await load.demo();
      context.exit(await runDemo({ once, json: json || output === 'json', env, stdout, stderr, signal }));
    });
}
