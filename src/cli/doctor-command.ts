import { Argument, type Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import type { DoctorAnswer, DoctorCheck } from './cli-io.ts';
import type { Colors } from './colors.ts';
import { type CommandContext, type OutputFormat, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { outputOption } from './output-option.ts';
import { renderTable } from './render-table.ts';

type Leg = 'consul' | 'git';

interface DoctorFlags {
  readonly policy?: boolean;
  readonly exact?: readonly string[];
  readonly output: OutputFormat;
}

const HELP = `
Everything that the daemon does there is tried, with the configured address, credentials and certificates. It may run beside the
daemon. Exits with 1 when a check failed.
consul: no key, node or service of anyone is touched, and what is written is gone in the same transaction. \`cluster\` must be set.
Without --exact a spec may give any name to a Consul service, so the right to write all of them is needed.
git: name, connection, TLS, host key, login, ref, signature and folder, up to what fails, each with what to do. It fetches into a
folder of its own.

Examples:
  poolkeeper doctor git --config poolkeeper.yaml
  poolkeeper doctor consul --config poolkeeper.yaml
  poolkeeper doctor consul --policy > policy.hcl
  poolkeeper doctor consul --policy --exact specs/ more-specs/web.yaml`;

/** `doctor`: does the daemon have what it needs, and what is the least that it needs? */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .description('Try every right and setting that the daemon needs in Consul or of the repository, or print the least ACL policy.')
    .addArgument(new Argument('<leg>', 'what to look at').choices(['consul', 'git']))
    .option('--policy', 'print the least ACL policy, as HCL, and ask nobody')
    .addOption(new Option('--exact <path...>', 'files and folders with specs: only their Consul services may be written'))
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (leg: Leg, flags: DoctorFlags) => context.exit(await consult(command, context, { ...flags, leg })));
  addConfigOptions(command);
}

/** What need not be configured, for it is not used. */
const UNUSED = { consul: { POOLKEEPER_GIT_URL: '/unused' }, git: { POOLKEEPER_CLUSTER: 'unused' } };

type Asked = DoctorFlags & { readonly leg: Leg };

async function consult(command: Command, context: CommandContext, flags: Asked): Promise<ExitCode> {
  const { io } = context;
  if (flags.leg === 'git' && (flags.policy ?? flags.exact) !== undefined) {
    command.error('error: --policy and --exact are for consul', { exitCode: EXIT.usage });
  }
  const loaded = readConfig(command, { ...io, env: { ...UNUSED[flags.leg], ...io.env } });
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, flags.output);
    return EXIT.config;
  }
  const { policyForConsul } = await io.load.doctor();
  if (flags.policy !== true) return examine(loaded.config, context, flags);
  const policy = answerOf(await policyForConsul({ config: loaded.config, exact: flags.exact ?? [], signal: io.signal }), context, flags);
  if (policy === undefined) return EXIT.failed;
  if (flags.output === 'json') writeJson(context, { policy });
  else io.stdout.write(policy);
  return EXIT.done;
}

async function examine(config: Config, context: CommandContext, flags: Asked): Promise<ExitCode> {
  const { io, colors } = context;
  const { examineConsul, examineGit } = await io.load.doctor();
  const request = { config, exact: flags.exact ?? [], env: io.env, now: io.now, signal: io.signal };
  const checks = answerOf(await (flags.leg === 'git' ? examineGit(request) : examineConsul(request)), context, flags);
  if (checks === undefined) return EXIT.failed;
  const failed = checks.some(({ status }) => status === 'failed');
  if (flags.output === 'json') writeJson(context, { ok: !failed, checks });
  else io.stdout.write(renderChecks(checks, colors));
  return failed ? EXIT.failed : EXIT.done;
}

/** The value; undefined when there is none, which is then told. */
function answerOf<T>(answer: DoctorAnswer<T>, context: CommandContext, { output }: DoctorFlags): T | undefined {
  if (answer.kind === 'ok') return answer.value;
  writeProblems(context, answer.problems, output);
  return undefined;
}

/** A line for each check. */
function renderChecks(checks: readonly DoctorCheck[], colors: Colors): string {
  const rows = checks.map(({ name, status, message, remedy }) => [
    painted(status, colors),
    name,
    remedy === undefined ? message : `${message.replace(/\.$/, '')}. ${remedy}`,
  ]);
  const [, ...lines] = renderTable(['', '', ''], rows);
  return lines.map((line) => `${line}\n`).join('');
}

function painted(status: DoctorCheck['status'], colors: Colors): string {
  if (status === 'ok') return colors.green(status);
  if (status === 'failed') return colors.red(status);
  return status === 'warning' ? colors.yellow(status) : colors.dim(status);
}
