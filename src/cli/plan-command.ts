import { type Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { errorCode } from '../config/read-secrets.ts';
import { actionsOf, type RunReport } from '../core/report/run-report.ts';
import { type RecordedWorld, readSnapshot, writeSnapshot } from '../core/snapshot/recorded-world.ts';
import { AppError } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import type { PlanAnswer } from './cli-io.ts';
import { type CommandContext, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig, readConfigFileOnly } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { renderPlan } from './render-plan.ts';
import { renderPlanMarkdown } from './render-plan-markdown.ts';
import { writeOut } from './write-out.ts';

const OUTPUTS = ['text', 'json', 'markdown'] as const;

interface PlanFlags {
  readonly output: (typeof OUTPUTS)[number];
  readonly ref?: string;
  readonly dir?: string;
  readonly snapshot?: string;
  readonly record?: string;
  readonly exitCode?: true;
  readonly check?: true;
}

const HELP = `
Shows what would change: the fields of objects, the backends and tags of pools, the keys of Consul, the routers of Traefik. With --ref or
--dir it is what would be done if these were in force. Below each spec: what is done next, what waits and for what, and what is held and why.
Values of Secrets are never shown, nor those of tags and environment variables that let somebody in.

A folder is read as it is on disk, with what Git ignores or does not know yet; left out are hidden files and folders named node_modules.
Links, submodules, pointers of Git LFS and files above 1 MiB are refused as in a commit. Signatures are not looked at. The repository is
fetched into a folder that is removed at the end, whatever git.mirrorDir says; with --ref, git.fastForwardOnly does not count.

A snapshot is a file with everything but the specs that a plan looks at. With it no server is asked, so that a pull request can be checked
where none can be reached; what it does not hold is taken not to exist. It holds digests of the values of Secrets, and names and addresses:
keep it as you keep the specs.

Without --check the API server is not asked whether it would take the changes: what it refuses shows when they are applied.
With it, what cannot be tried yet is passed over: objects of a kind or in a namespace that the plan makes first.
Exits with 1 when the plan is not whole: something is wrong with a spec, or a source has not answered.

Examples:
  poolkeeper plan --config poolkeeper.yaml
  poolkeeper plan --ref feature/new-shop --check
  poolkeeper plan --record snapshot.json
  poolkeeper plan --snapshot snapshot.json --dir . --exit-code --output markdown`;

/** What need not be configured, for it is not used. */
const UNUSED = { POOLKEEPER_GIT_URL: '/unused' };

/** `plan`: what a run would do now; nothing is written. */
export function addPlanCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('plan')
    .description('Show what would be done now. Nothing is written.')
    .addOption(
      new Option('--output <format>', 'text for people, JSON for programs, or a comment for a pull request')
        .choices(OUTPUTS)
        .default('text'),
    )
    .option('--ref <branch>', 'another branch of the repository, as if it were in force')
    .addOption(new Option('--dir <folder>', 'a folder instead of the repository, as if it were in force').conflicts('ref'))
    .addOption(new Option('--snapshot <file>', 'plan against a snapshot instead of the servers').conflicts(['record', 'check']))
    .option('--record <file>', 'write a snapshot of everything but the specs')
    .option('--check', 'ask the API server by dry runs whether it would take the changes')
    .option('--exit-code', 'exit with 2 when there is something to do')
    .addHelpText('after', HELP)
    .action(async (flags: PlanFlags) => context.exit(await plan(command, context, flags)));
  addConfigOptions(command);
}

async function plan(command: Command, context: CommandContext, flags: PlanFlags): Promise<ExitCode> {
  const { io } = context;
  const { dir, snapshot, record } = flags;
  const env = dir === undefined ? io.env : { ...UNUSED, ...io.env };
  // Nothing is reached that a secret would be needed for.
  const readFile = dir !== undefined && snapshot !== undefined ? readConfigFileOnly(command, io) : io.readFile;
  const loaded = readConfig(command, { ...io, env, readFile });
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, flags.output === 'json' ? 'json' : 'text');
    return EXIT.config;
  }
  const recorded = snapshot === undefined ? undefined : openSnapshot(snapshot, loaded.config, context);
  const { planOnce } = await io.load.once();
  const wish = {
    check: flags.check === true,
    standIn: flags.ref !== undefined || dir !== undefined,
    ...(dir === undefined ? {} : { directory: dir }),
    ...(recorded === undefined ? {} : { recorded }),
  };
  const answer = await planOnce(atRef(loaded.config, flags.ref), { ...io, ...wish }, io.signal);
  const missing = flags.ref === undefined ? undefined : missingRef(answer.report);
  if (missing !== undefined) {
    writeProblems(context, [missing], flags.output === 'json' ? 'json' : 'text');
    return EXIT.failed;
  }
  if (record !== undefined) recordWorld(record, answer, context);
  show(answer, context, flags);
  return planExitCode(answer.report, flags.exitCode === true);
}

/** The configuration with another branch, which need not go on from the commit in force before it is merged. */
function atRef({ git, ...config }: Config, ref: string | undefined): Config {
  const { tag: _tag, semver: _semver, commit: _commit, ...rest } = git;
  return { ...config, git: ref === undefined ? git : { ...rest, ref, fastForwardOnly: false } } as Config;
}

/** A branch that is not there must not read as a plan from which every spec is missing. */
function missingRef({ sources }: RunReport): Problem | undefined {
  const reason = sources.find(({ source, kind }) => source === 'git' && kind === 'unavailable')?.reason;
  if (reason?.code !== 'GIT_REF_MISSING') return undefined;
  return { ...reason, remedy: 'Name a branch of the repository with `--ref`, and push it first if it is new.' };
}

function openSnapshot(file: string, { owner, cluster, consul }: Config, { io }: CommandContext): RecordedWorld {
  const read = readSnapshot(textOf(file, io.readFile), file);
  if (read.kind === 'unreadable') throw new AppError(read.problem);
  const { recorded } = read;
  const differs = [
    ['owner', recorded.owner, owner],
    ['cluster', recorded.cluster, cluster],
    ['consul.keyPath', recorded.keyPath, consul.keyPath],
  ].find(([, was, is]) => was !== is);
  if (differs === undefined) return recorded;
  const [option, was, is] = differs;
  const remedy = 'Take the configuration of the daemon that the snapshot was made for, or make one for this configuration.';
  throw new AppError(problem('SNAPSHOT_UNREADABLE', `${file} was made for ${option} ${was}, and ${is} is configured`, { remedy }));
}

function textOf(file: string, readFile: CommandContext['io']['readFile']): string {
  try {
    return readFile(file);
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `the snapshot ${file} cannot be read (${errorCode(error)})`), { cause: error });
  }
}

/** Half a world would make nonsense of every plan. */
function recordWorld(file: string, { report, recorded }: PlanAnswer, context: CommandContext): void {
  const missing = report.sources.find(({ source, kind }) => kind !== 'complete' && source !== 'git');
  if (missing !== undefined) {
    const remedy = 'Mend what the plan tells of this source, then record again.';
    throw new AppError(problem('FILE_NOT_WRITTEN', `${file} is not written: the source ${missing.source} is ${missing.kind}`, { remedy }));
  }
  writeOut(file, writeSnapshot(recorded), { context, fresh: false, isPrivate: true });
}

function show({ report, changes }: PlanAnswer, context: CommandContext, { output }: PlanFlags): void {
  if (output === 'json') writeJson(context, { ...report, changes });
  else context.io.stdout.write(output === 'markdown' ? renderPlanMarkdown(report, changes) : renderPlan(report, context.colors, changes));
}

/** Failed when the plan cannot be trusted to be whole: a source has not answered, or something is wrong with a spec. */
export function planExitCode(report: RunReport, tellDifferences: boolean): ExitCode {
  // A plan from what a source said long ago is not whole either.
  if (hasFailed(report) || report.sources.some(({ kind }) => kind === 'stale')) return EXIT.failed;
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
