import { type Command, Option } from 'commander';
import type { OptionEntry } from '../config/option-entries.ts';
import { AppError } from '../shared/errors.ts';
import type { Problem } from '../shared/problem.ts';
import type { ValidatedFiles } from './cli-io.ts';
import { type CommandContext, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig, readConfigFileOnly } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { inputText } from './input-text.ts';
import { renderAnnotations } from './render-annotations.ts';
import { plainProblem, renderProblems } from './render-problems.ts';
import { renderSarif } from './render-sarif.ts';

const OUTPUTS = ['text', 'json', 'github', 'sarif'] as const;

interface ValidateFlags {
  readonly output: (typeof OUTPUTS)[number];
  readonly strict?: true;
  readonly watch?: true;
  readonly cluster?: true;
}

const HELP = `
Looks at syntax, envelope, the fields of every object by the schema of a current Kubernetes, annotations, Traefik tags, and what files
have to do with each other, and tells everything at once. Of a folder the files ending in .json, .yaml and .yml are read; what none of
them has (a namespace, the pods of a Service) is then taken to be missing. Nothing else is asked but, with --cluster, the API server:
the fields are then looked at by its own schema, that of custom kinds too, and what has changed is tried by dry runs.
Source lines of files that hold a Secret are not shown. No configuration is needed; where there is one, it tells namespaces and dialect.
Exits with 1 when there is an error; a path that cannot be read, or a folder without any spec, is one. A pipe is read as a file, so
<(…) of a shell works.

Examples:
  poolkeeper validate specs
  poolkeeper validate --strict --output github specs
  kubectl get service web -o yaml | poolkeeper validate -`;

/** What need not be configured, for it is not used. */
const UNUSED = { POOLKEEPER_CLUSTER: 'unused', POOLKEEPER_GIT_URL: '/unused' };
const SECTIONS = ['specs.', 'traefik.', 'kubernetes.'];
const isUsed = ({ key }: OptionEntry): boolean => SECTIONS.some((section) => key.startsWith(section));

/** `validate`: everything that is wrong with spec files. */
export function addValidateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('validate')
    .description('Tell everything that is wrong with spec files, before they are committed.')
    .argument('<path...>', 'files and folders with specs, or - for standard input')
    .addOption(new Option('--output <format>', 'how findings are written').choices(OUTPUTS).default('text'))
    .option('--strict', 'take warnings for errors')
    .option('--watch', 'validate again whenever a file changes')
    .option('--cluster', "go by the API server's own schema, and ask it by dry runs whether it would take what has changed")
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], flags: ValidateFlags) => context.exit(await validate(command, context, { paths, ...flags })));
  addConfigOptions(command, isUsed);
}

type Request = ValidateFlags & { readonly paths: readonly string[] };

async function validate(command: Command, context: CommandContext, request: Request): Promise<ExitCode> {
  const { io } = context;
  if (request.watch === true && request.paths.includes('-')) {
    command.error('error: --watch is for files and folders: standard input ends', { exitCode: EXIT.usage });
  }
  const readFile = readConfigFileOnly(command, io);
  const loaded = readConfig(command, { ...io, env: { ...UNUSED, ...io.env }, readFile }, isUsed);
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, request.output === 'json' ? 'json' : 'text');
    return EXIT.config;
  }
  const { validatePaths, changesOf } = await io.load.validate();
  const once = async (): Promise<ExitCode> => {
    const stdin = (): Promise<string> => inputText('-', context);
    const { paths, cluster } = request;
    return show(
      await validatePaths({ config: loaded.config, paths, stdin, cluster: cluster === true, io, signal: io.signal }),
      context,
      request,
    );
  };
  if (request.watch !== true) return once();
  const changes = changesOf(request.paths, io.signal);
  await onceMore(once, context);
  for await (const _ of changes) {
    if (request.output === 'text') io.stdout.write(roundText(context));
    await onceMore(once, context);
  }
  return EXIT.done;
}

/** What tells one round of findings from the one before. */
const roundText = ({ io, colors }: CommandContext): string =>
  `\n${colors.dim(`--- something has changed, validated again at ${new Date(io.now()).toISOString()} ---`)}\n\n`;

/** A server that does not answer for a moment ends nothing. */
async function onceMore(once: () => Promise<ExitCode>, context: CommandContext): Promise<void> {
  try {
    await once();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    writeProblems(context, [error.problem], 'text');
  }
}

function show(found: ValidatedFiles, { io, colors }: CommandContext, { output, strict }: Request): ExitCode {
  const problems = strict === true ? found.problems.map(asError) : found.problems;
  const validated = { ...found, problems };
  const render = {
    text: () => renderProblems(validated, colors),
    json: () => `${JSON.stringify({ problems: problems.map(plainProblem) }, null, 2)}\n`,
    github: () => renderAnnotations(problems),
    sarif: () => renderSarif(problems),
  };
  io.stdout.write(render[output]());
  return problems.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done;
}

const asError = (problem: Problem): Problem => (problem.severity === 'warning' ? { ...problem, severity: 'error' } : problem);
