import type { Command } from 'commander';
import type { RunReport } from '../core/report/run-report.ts';
import { type CommandContext, type OutputFormat, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { hasFailed } from './plan-command.ts';
import { renderPlan } from './render-plan.ts';

/** `sync --once`: the daemon's work without the daemon, for pipelines and repairs. */
export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .description('Bring everything in step once, then end.')
    .requiredOption('--once', 'sync once (to keep in step, use "run")')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  poolkeeper sync --once --config poolkeeper.yaml')
    .action(async (options: { readonly output: OutputFormat }) => {
      const loaded = readConfig(command, context.io);
      if (loaded.kind === 'invalid') {
        writeProblems(context, loaded.problems, options.output);
        return context.exit(EXIT.config);
      }
      const { syncOnce } = await context.io.load.daemon();
      const report = await syncOnce(loaded.config, context.io, context.io.signal);
      if (options.output === 'json') writeJson(context, report);
      else context.io.stdout.write(renderPlan(report, context.colors));
      return context.exit(syncExitCode(report));
    });
  addConfigOptions(command);
}

/** Done only when every spec is in step, or suspended on purpose. */
export function syncExitCode(report: RunReport): ExitCode {
  const inStep = report.specs.every(({ state }) => state === 'in-step' || state === 'suspended');
  return inStep && report.holds.length === 0 && !hasFailed(report) ? EXIT.done : EXIT.failed;
}
