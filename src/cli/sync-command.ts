import type { Command } from 'commander';
import { isRollingOut, type RunReport } from '../core/report/run-report.ts';
import { type CommandContext, type OutputFormat, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { hasFailed } from './plan-command.ts';
import { renderPlan } from './render-plan.ts';
import { WaitTeller } from './wait-teller.ts';

const HELP = `
Roll-outs are not waited for and are no failure, unless a wave or another spec waits for one: then up to 2 minutes pass, and the
exit code is 1. While a daemon leads, nothing is written: after 30 seconds the exit code is 1. What is shown is the last pass.

Example:
  poolkeeper sync --once --config poolkeeper.yaml`;

/** `sync --once`: the daemon's work without the daemon, for pipelines and repairs. */
export function addSyncCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .description('Bring everything in step once, then end.')
    .requiredOption('--once', 'sync once (to keep in step, use "run")')
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (options: { readonly output: OutputFormat }) => {
      const loaded = readConfig(command, context.io);
      if (loaded.kind === 'invalid') {
        writeProblems(context, loaded.problems, options.output);
        return context.exit(EXIT.config);
      }
      const { syncOnce } = await context.io.load.once();
      const waits = new WaitTeller((line) => context.io.stderr.write(`${line}\n`));
      const onReport = options.output === 'json' ? () => undefined : (report: RunReport) => waits.tell(report);
      const report = await syncOnce(loaded.config, { ...context.io, onReport }, context.io.signal);
      if (options.output === 'json') writeJson(context, report);
      else context.io.stdout.write(`${renderPlan(report, context.colors)}${leaderNote(report)}`);
      return context.exit(syncExitCode(report));
    });
  addConfigOptions(command);
}

/** A line for who reads that nothing was done: without a lease nothing may be written. */
function leaderNote({ leader }: RunReport): string {
  if (leader.consul || leader.kubernetes) return '';
  const who = leader.holder === undefined ? 'it could not become the leader' : `${leader.holder} leads`;
  return `Nothing was written: ${who}. Stop that daemon first, or let it do the work: poolkeeper resync.\n`;
}

/** Done only when every spec is in step, or suspended on purpose. Roll-outs that are still under way are told, and no failure. */
export function syncExitCode(report: RunReport): ExitCode {
  const done = report.specs.every((spec) => spec.state === 'in-step' || spec.state === 'suspended' || isRollingOut(spec));
  return done && report.holds.length === 0 && !hasFailed(report) ? EXIT.done : EXIT.failed;
}
