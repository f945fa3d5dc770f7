import { type Command, InvalidArgumentError, Option } from 'commander';
import { errorCode } from '../config/read-secrets.ts';
import { AppError } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';
import { type CommandContext, writeProblems } from './command-context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { writeOut } from './write-out.ts';
import type { NamedText, WrittenSpec } from './write-spec.ts';

const FORMS = ['envelope', 'manifests'] as const;
type Form = (typeof FORMS)[number];

const HELP = `
Nothing but the named files is read, and no server is asked.

Examples:
  poolkeeper spec new --name web --image registry.example.com/web:1 --port 8080 --host web.example.com --out web.yaml
  poolkeeper spec convert shop.json --out shop.yaml
  poolkeeper spec fmt --check specs/*.yaml`;

const NEW_HELP = `
Makes a Deployment and the NodePort Service in front of it. What is left out is asked for on a terminal. Without --host no route is made.
JSON is written to a file that ends in .json, else YAML.

Examples:
  poolkeeper spec new
  poolkeeper spec new --name web --image registry.example.com/web:1 --port 8080 --host web.example.com --out specs/web.yaml`;

const CONVERT_HELP = `
Turns the envelope {"objects": {…}} into manifests and manifests into the envelope, or joins two files. The objects stay as they were
written, old API versions too; nulls, aliases and comments do not survive. The ending of --out tells JSON or YAML; without it an envelope
is JSON and manifests are YAML.

Examples:
  poolkeeper spec convert shop.json --out shop.yaml
  kubectl get deployment,service web -o yaml | poolkeeper spec convert - --to envelope
  poolkeeper spec convert -d deployment.json -s service.json -o spec.json`;

const FMT_HELP = `
Orders the fields of objects as people expect them (apiVersion, kind, metadata, spec) and indents by two. Items of lists keep their order.
YAML with comments, anchors or tags is left as it is, and said so: they would be lost.
With --check nothing is written, and the exit code is 1 when a file is not formatted.

Examples:
  poolkeeper spec fmt specs/web.yaml
  poolkeeper spec fmt --check specs/*.json`;

/** `spec`: makes, converts and formats spec files. */
export function addSpecCommand(program: Command, context: CommandContext): void {
  const command = program.command('spec').description('Make, convert and format spec files.').addHelpText('after', HELP);
  addNew(command, context);
  addConvert(command, context);
  addFormat(command, context);
}

interface NewFlags {
  readonly name?: string;
  readonly namespace?: string;
  readonly image?: string;
  readonly port?: number;
  readonly host?: string;
  readonly replicas?: number;
  readonly form: Form;
  readonly out?: string;
  readonly force?: true;
}

function addNew(spec: Command, context: CommandContext): void {
  const command = spec
    .command('new')
    .description('Write a good spec from a name, an image and a port.')
    .option('--name <name>', 'of the Deployment and the Service')
    .option('--image <image>', 'what runs')
    .option('--port <number>', 'the port that the container listens on', numberIn(1, 65_535))
    .option('--host <host>', 'the host that Traefik routes to it')
    .option('--namespace <namespace>', 'where it runs (default: where the daemon puts what names none)')
    .option('--replicas <number>', 'how many pods (default: 2)', numberIn(0, 10_000))
    .addOption(new Option('--form <form>', 'manifests or the envelope').choices(FORMS).default('manifests'))
    .option('-o, --out <file>', 'the file to write (default: standard output)')
    .option('--force', 'write over a file that is there')
    .addHelpText('after', NEW_HELP)
    .action(async (flags: NewFlags) => {
      const asked = await askFor(flags, context);
      const missing = (['name', 'image', 'port'] as const).filter((key) => asked[key] === undefined);
      if (missing.length > 0) command.error(`error: missing ${missing.map((key) => `--${key}`).join(', ')}`, { exitCode: EXIT.usage });
      const { name = '', image = '', port = 0, namespace, host, replicas = 2 } = asked;
      const { makeSpec } = await context.io.load.spec();
      const text = makeSpec({ name, image, port, namespace, host, replicas }, { to: flags.form, file: flags.out });
      writeOut(flags.out, text, { context, fresh: flags.force !== true });
      context.exit(EXIT.done);
    });
}

const QUESTIONS = [
  ['name', 'Name of the application'],
  ['image', 'Image'],
  ['port', 'Port that the container listens on'],
  ['host', 'Host that Traefik routes to it (empty: no route)'],
  ['namespace', 'Namespace (empty: the default)'],
  ['replicas', 'Number of pods (empty: 2)'],
] as const;

/** The flags with what a person answers of the rest; as they are where nobody can be asked. */
async function askFor(flags: NewFlags, { io: { ask, stderr } }: CommandContext): Promise<NewFlags> {
  if (ask === undefined || (flags.name !== undefined && flags.image !== undefined && flags.port !== undefined)) return flags;
  let answers: NewFlags = flags;
  for (const [key, question] of QUESTIONS) {
    while (answers[key] === undefined) {
      const text = (await ask(`${question}: `)).trim();
      if (text === '' && key !== 'name' && key !== 'image' && key !== 'port') break;
      const value = key === 'port' ? readNumber(text, 1, 65_535) : key === 'replicas' ? readNumber(text, 0, 10_000) : text;
      if (value === undefined || value === '') stderr.write('That is no answer to it.\n');
      else answers = { ...answers, [key]: value };
    }
  }
  return answers;
}

function readNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

const numberIn =
  (least: number, most: number) =>
  (text: string): number => {
    const value = readNumber(text, least, most);
    if (value === undefined) throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return value;
  };

interface ConvertFlags {
  readonly to?: Form;
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
    .addOption(new Option('--to <form>', 'what it becomes (default: what it is not)').choices(FORMS))
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
        ? joinSpecs([readSpec(deployment, context), readSpec(service, context)], { ...(to === undefined ? {} : { to }), file: out })
        : convertSpec(readSpec(file ?? '-', context), { to, file: out });
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
      const { formatSpec } = await context.io.load.spec();
      let code: ExitCode = EXIT.done;
      for (const file of files) {
        const { text } = readSpec(file, context);
        const made = formatSpec(file, text);
        if (made.kind === 'kept') {
          writeProblems(context, [made.problem], 'text');
          if (made.problem.severity === 'error') code = EXIT.failed;
          if (file === '-') context.io.stdout.write(text);
        } else if (check) {
          if (made.text === text) continue;
          const message = 'its fields are not in order, or it is indented otherwise';
          writeProblems(context, [problem('SPEC_NOT_FORMATTED', `${file} is not formatted: ${message}`, { severity: 'error' })], 'text');
          code = EXIT.failed;
        } else if (file === '-' || made.text !== text) writeOut(file, made.text, { context, fresh: false });
      }
      context.exit(code);
    });
}

function readSpec(file: string, { io }: CommandContext): NamedText {
  try {
    const text = io.readFile(file === '-' ? '/dev/stdin' : file);
    return { file: file === '-' ? 'stdin' : file, text: text.replace(/^\uFEFF/, '') };
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `the spec ${file} cannot be read (${errorCode(error)})`), { cause: error });
  }
}
