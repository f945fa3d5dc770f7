import { Command } from 'commander';
import { addApproveCommand } from './approve-command.ts';
import type { CommandContext } from './command-context.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addDrainCommand, addUndrainCommand } from './drain-command.ts';
import { addLogLevelCommand } from './log-level-command.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addPlanCommand } from './plan-command.ts';
import { addRbacCommand } from './rbac-command.ts';
import { addResyncCommand } from './resync-command.ts';
import { addRoutesCommand } from './routes-command.ts';
import { addRunCommand } from './run-command.ts';
import { addSpecCommand } from './spec-command.ts';
import { addStatusCommand } from './status-command.ts';
import { addResumeCommand, addSuspendCommand } from './suspend-command.ts';
import { addSyncCommand } from './sync-command.ts';
import { addValidateCommand } from './validate-command.ts';
import { VERSION } from './version.ts';
import { addWhyCommand } from './why-command.ts';

const EXAMPLES = `
Examples:
  poolkeeper demo --once
  poolkeeper validate specs
  poolkeeper plan --config poolkeeper.yaml
  poolkeeper run --config poolkeeper.yaml
  poolkeeper status

Exit codes: 0 done, 1 failed, 2 differences found (plan --exit-code), 64 wrong usage, 78 wrong configuration,
130 or 143 ended by Ctrl+C or SIGTERM before it was done.`;

/** The whole command line. It throws a CommanderError where commander would end the process. */
export function buildProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.io;
  // Commands take over these settings when they are made, so they come first.
  const program = new Command('poolkeeper')
    .description('Commit a service spec to Git, and traffic flows: keeps Kubernetes, Consul and Traefik in step with a Git repository.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => 120,
      getErrHelpWidth: () => 120,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', EXAMPLES);
  program.commandsGroup('The daemon:');
  addRunCommand(program, context);
  addSyncCommand(program, context);
  addPlanCommand(program, context);
  addRbacCommand(program, context);
  addDoctorCommand(program, context);
  addRoutesCommand(program, context);
  addValidateCommand(program, context);
  addSpecCommand(program, context);
  program.commandsGroup('A running daemon:');
  addStatusCommand(program, context);
  addWhyCommand(program, context);
  addResyncCommand(program, context);
  addApproveCommand(program, context);
  addSuspendCommand(program, context);
  addResumeCommand(program, context);
  addDrainCommand(program, context);
  addUndrainCommand(program, context);
  addMigrateCommand(program, context);
  addLogLevelCommand(program, context);
  program.commandsGroup('To try it out:');
  addDemoCommand(program, context);
  program.commandsGroup('For the shell:');
  addCompletionCommand(program, context);
  return program;
}
