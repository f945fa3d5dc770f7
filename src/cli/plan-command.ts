import type { Command } from 'commander';
import { actionsOf, type RunReport } from '../core/report/run-report.ts';
import { type CommandContext, type OutputFormat, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { renderPlan } from './render-plan.ts';

/** `plan`: what a run would do now; nothing is written. */
export function addPlanCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('plan')
    .description('Show what would be done now. Nothing is written.')
    .addOption(outputOption())
    .option('--check', 'ask the API server by dry runs whether it would take the changes')
    .option('--exit-code', 'exit with 2 when there is something to do')
    .addHelpText(
      'after',
      '\nWithout --check the API server is not asked whether it would take the changes: what it refuses shows when they are applied.\nWith it, what cannot be tried yet is passed over: objects of a kind or in a namespace that the plan makes first.\n\nExamples:\n  poolkeeper plan --config poolkeeper.yaml\n  poolkeeper plan --check\n  poolkeeper plan --exit-code --output json',
    )
    .action(async (options: { readonly output: OutputFormat; readonly exitCode?: true; readonly check?: true }) => {
      const loaded = readConfig(command, context.io);
      if (loaded.kind === 'invalid') {
        writeProblems(context, loaded.problems, options.output);
        return context.exit(EXIT.config);
      }
      const { planOnce } = await context.io.load.once();
      const report = await planOnce(loaded.config, { ...context.io, check: options.check === true }, context.io.signal);
      if (options.output === 'json') writeJson(context, report);
      else context.io.stdout.write(renderPlan(report, context.colors));
      return context.exit(planExitCode(report, options.exitCode === true));
    });
  addConfigOptions(command);
}

/** Failed when the plan cannot be trusted to be whole: a source has not answered, or something is wrong with a spec. */
export function planExitCode(report: RunReport, tellDifferences: boolean): ExitCode {
  if (hasFailed(report)) return EXIT.failed;
  const differs = actionsOf(report).length > 0 || report.holds.length > 0;
  return tellDifferences && differs ? EXIT.differences : EXIT.done;
}

/** Whether something of a run went wrong that somebody has to look at. */
export function hasFailed({ sources, problems, specs }: RunReport): boolean {
  return (
    sources.some(({ kind }) => kind === 'unavailable') ||
    problems.some(({ severity }) => severity === 'error') ||
    specs.some(({ state }) => state === 'broken' || state === 'conflict' || state === 'failed')
  );
}
