import { type Command, Option } from 'commander';
import { SPEC_FORMS, type SpecForm } from '../core/write-spec/spec-form.ts';
import { AppError } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import { type CommandContext, writeProblems } from './command-context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { inputText } from './input-text.ts';
import { addSpecNewCommand } from './spec-new-command.ts';
import { writeOut } from './write-out.ts';
import type { NamedText, WrittenSpec } from './write-spec.ts';

const HELP = `
Nothing but the named files is read, and no server is asked.

Examples:
  poolkeeper spec new --name web --image registry.example.com/web:1 --port 8080 --host web.example.com --out web.yaml
  poolkeeper spec convert shop.json --out shop.yaml
  poolkeeper spec fmt --check specs/*.yaml`;

const CONVERT_HELP = `
Turns the envelope {"objects": {…}} into manifests and manifests into the envelope, or joins two files. The objects stay as they were
written, old API versions too; nulls, aliases and comments do not survive. The ending of --out tells JSON or YAML; without it an envelope
is JSON and manifests are YAML.

Examples:
  poolkeeper spec convert shop.json --out shop.yaml
  kubectl get deployment,service web -o yaml | poolkeeper spec convert - --to envelope
  poolkeeper spec convert -d deployment.json -s service.json -o spec.json`;

const FMT_HELP = `
Orders the fields of objects as people expect them (apiVersion, kind, metadata, spec) and indents by two. Items of lists keep their order,
comments go with the lines that they stand at. YAML with anchors or tags, which would be lost, is left as it is, and said so.
With --check nothing is written, and the exit code is 1 when a file is not formatted; one that is left as it is does not count.

Examples:
  poolkeeper spec fmt specs/web.yaml
  poolkeeper spec fmt --check specs/*.json`;

/** `spec`: makes, converts and formats spec files. */
export function addSpecCommand(program: Command, context: CommandContext): void {
  const command = program.command('spec').description('Make, convert and format spec files.').addHelpText('after', HELP);
  addSpecNewCommand(command, context);
  addConvert(command, context);
  addFormat(command, context);
}

interface ConvertFlags {
  readonly to?: SpecForm;
  readonly deployment?: string;
  readonly service?: string;
  readonly out?: string;
  readonly force?: true;
}

function addConvert(spec: Command, context: CommandContext): void {
  const command = spec
    .command('convert')
    .description('Turn the envelope into manifests and back, or join a Deployment and a Service.')
    .argument('[file]', 'a spec file, or - for standard input')
    .addOption(new Option('--to <form>', 'what it becomes (default: what it is not)').choices(SPEC_FORMS))
    .option('-d, --deployment <file>', 'with -s: the Deployment of a new spec')
    .option('-s, --service <file>', 'with -d: its Service')
    .option('-o, --out <file>', 'the file to write (default: standard output)')
    .option('--force', 'write over a file that is there')
    .addHelpText('after', CONVERT_HELP)
    .action(async (file: string | undefined, flags: ConvertFlags) => {
      const { deployment, service, to, out } = flags;
      const joins = deployment !== undefined && service !== undefined;
      const isClear = file === undefined ? joins : deployment === undefined && service === undefined;
      if (!isClear) command.error('error: name one file, or two by -d and -s', { exitCode: EXIT.usage });
      const { convertSpec, joinSpecs } = await context.io.load.spec();
      const made = joins
        ? joinSpecs(
            { deployment: await readSpec(deployment, context), service: await readSpec(service, context) },
            { ...(to === undefined ? {} : { to }), file: out },
          )
        : convertSpec(await readSpec(file ?? '-', context), { to, file: out });
      context.exit(finish(made, flags, context));
    });
}

function finish(made: WrittenSpec, { out, force }: ConvertFlags, context: CommandContext): ExitCode {
  if (made.kind === 'failed') {
    writeProblems(context, made.problems, 'text');
    return EXIT.failed;
  }
  writeOut(out, made.text, { context, fresh: force !== true });
  return EXIT.done;
}

function addFormat(spec: Command, context: CommandContext): void {
  spec
    .command('fmt')
    .description('Order the fields of spec files and indent them.')
    .argument('<file...>', 'spec files, or - for standard input')
    .option('--check', 'write nothing, and fail when a file is not formatted')
    .addHelpText('after', FMT_HELP)
    .action(async (files: readonly string[], { check = false }: { readonly check?: boolean }) => {
      const codes: ExitCode[] = [];
      for (const file of files) codes.push(await formatOne(file, check, context));
      context.exit(codes.find((code) => code !== EXIT.done) ?? EXIT.done);
    });
}

/** One that cannot be read keeps no other from being formatted. */
async function formatOne(file: string, check: boolean, context: CommandContext): Promise<ExitCode> {
  const { formatSpec } = await context.io.load.spec();
  const fail = (found: Problem): ExitCode => {
    writeProblems(context, [found], 'text');
    return found.severity === 'error' ? EXIT.failed : EXIT.done;
  };
  try {
    const { text, file: name } = await readSpec(file, context);
    const made = formatSpec(name, text);
    if (made.kind === 'kept') {
      if (file === '-' && !check) context.io.stdout.write(text);
      return fail(made.problem);
    }
    if (!check) {
      if (file === '-' || made.text !== text) writeOut(file, made.text, { context, fresh: false });
      return EXIT.done;
    }
    if (made.text === text) return EXIT.done;
    const message = `${name} is not formatted: its fields are not in order, or it is indented otherwise`;
    return fail(problem('SPEC_NOT_FORMATTED', message, { severity: 'error' }));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return fail(error.problem);
  }
}

async function readSpec(file: string, context: CommandContext): Promise<NamedText> {
  const text = await inputText(file, context);
  return { file: file === '-' ? 'stdin' : file, text: text.replace(/^\uFEFF/, '') };
}
