import { type Command, Option } from 'commander';
import { faultOf, NEEDED_PARTS, NEW_SPEC_PARTS, type NewSpecPart } from '../core/write-spec/check-new-spec.ts';
import { SPEC_FORMS, type SpecForm } from '../core/write-spec/spec-form.ts';
import type { CliIo } from './cli-io.ts';
import type { CommandContext } from './command-context.ts';
import { EXIT } from './exit-codes.ts';
import { writeOut } from './write-out.ts';

const HELP = `
Makes a Deployment and the NodePort Service in front of it. What is left out is asked for on a terminal. Without --host no route is made.
JSON is written to a file that ends in .json, else YAML.

Examples:
  poolkeeper spec new
  poolkeeper spec new --name web --image registry.example.com/web:1 --port 8080 --host web.example.com --out specs/web.yaml`;

/** The parts of a new spec as they were written; those that are left out are absent. */
type Answers = Readonly<Partial<Record<NewSpecPart, string>>>;

interface NewFlags extends Answers {
  readonly form: SpecForm;
  readonly out?: string;
  readonly force?: true;
}

/** `spec new`: a good spec from a name, an image and a port. */
export function addSpecNewCommand(spec: Command, context: CommandContext): void {
  const command = spec
    .command('new')
    .description('Write a good spec from a name, an image and a port.')
    .option('--name <name>', 'of the Deployment and the Service')
    .option('--image <image>', 'what runs')
    .option('--port <number>', 'the port that the container listens on')
    .option('--host <host>', 'the host that Traefik routes to it')
    .option('--namespace <namespace>', 'where it runs (default: where the daemon puts what names none)')
    .option('--replicas <number>', 'how many pods (default: 2)')
    .addOption(new Option('--form <form>', 'manifests or the envelope').choices(SPEC_FORMS).default('manifests'))
    .option('-o, --out <file>', 'the file to write (default: standard output)')
    .option('--force', 'write over a file that is there')
    .addHelpText('after', HELP)
    .action(async (flags: NewFlags) => {
      const answers = await completed(flags, context, (message) => command.error(message, { exitCode: EXIT.usage }));
      const { name = '', image = '', port, namespace, host, replicas = '2' } = answers;
      const { makeSpec } = await context.io.load.spec();
      const wish = { name, image, port: Number(port), namespace, host, replicas: Number(replicas) };
      writeOut(flags.out, makeSpec(wish, { to: flags.form, file: flags.out }), { context, fresh: flags.force !== true });
      context.exit(EXIT.done);
    });
}

/** The flags, each of them right, with what a person answers of the rest. `refuse` is told of everything that is wrong at once. */
async function completed(flags: Answers, { io }: CommandContext, refuse: (message: string) => never): Promise<Answers> {
  const missing = NEW_SPEC_PARTS.filter((part) => NEEDED_PARTS.has(part) && flags[part] === undefined);
  const canAsk = missing.length > 0 && io.ask !== undefined;
  const wrong = NEW_SPEC_PARTS.flatMap((part) => {
    const given = flags[part];
    const fault = given === undefined ? undefined : faultOf(part, given);
    return fault === undefined ? [] : [`error: --${part} ${JSON.stringify(given)}: ${fault}`];
  });
  if (missing.length > 0 && !canAsk) wrong.push(`error: missing ${missing.map((part) => `--${part}`).join(', ')}`);
  if (wrong.length > 0) refuse(wrong.join('\n'));
  if (io.ask === undefined || !canAsk) return flags;
  const answered = await askRest(flags, { ask: io.ask, stderr: io.stderr });
  return answered ?? refuse(`\nerror: no answer: nothing is written; answer, or give ${missing.map((part) => `--${part}`).join(', ')}`);
}

const QUESTIONS: Readonly<Record<NewSpecPart, string>> = {
  name: 'Name of the application',
  image: 'Image',
  port: 'Port that the container listens on',
  host: 'Host that Traefik routes to it (empty: no route)',
  namespace: 'Namespace (empty: the default)',
  replicas: 'Number of pods (empty: 2)',
};

/** Asks for what is not given, each part until it is right; undefined when the person ends the input. */
async function askRest(given: Answers, { ask, stderr }: Required<Pick<CliIo, 'ask' | 'stderr'>>): Promise<Answers | undefined> {
  let answers = given;
  for (const part of NEW_SPEC_PARTS) {
    while (answers[part] === undefined) {
      const answer = (await ask(`${QUESTIONS[part]}: `))?.trim();
      if (answer === undefined) return undefined;
      if (answer === '' && !NEEDED_PARTS.has(part)) break;
      const fault = faultOf(part, answer);
      if (fault === undefined) answers = { ...answers, [part]: answer };
      else stderr.write(`That is no answer to it: ${fault}.\n`);
    }
  }
  return answers;
}
