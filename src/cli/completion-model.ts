import type { Argument, Command, Option } from 'commander';

/** What a running daemon can name. */
export const NAME_KINDS = ['specs', 'pools', 'nodes', 'holds', 'things'] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** What may be written in a place: one of some words, a name that the daemon knows, or a file. Undefined: anything. */
export type Completed = readonly string[] | { readonly names: NameKind } | 'files' | undefined;

export interface CompletedOption {
  /** `--output`, `-o`. */
  readonly flags: readonly string[];
  readonly help: string;
  readonly takesValue: boolean;
  readonly value: Completed;
}

/** One command, as a shell completes it. */
export interface CompletedCommand {
  /** `plan`, `spec new`; empty for the program itself. */
  readonly path: string;
  readonly help: string;
  readonly commands: readonly string[];
  readonly options: readonly CompletedOption[];
  readonly argument: Completed;
}

/** Everything that can be completed of a program: itself first, then its commands, without hidden ones. */
export function completionModel(program: Command): readonly CompletedCommand[] {
  return [modelOf(program, ''), ...visible(program).flatMap((command) => withInner(command, command.name()))];
}

const withInner = (command: Command, path: string): readonly CompletedCommand[] => [
  modelOf(command, path),
  ...visible(command).flatMap((inner) => withInner(inner, `${path} ${inner.name()}`)),
];

/** Commands for programs begin with an underscore. */
const visible = (command: Command): readonly Command[] => command.commands.filter((inner) => !inner.name().startsWith('_'));

function modelOf(command: Command, path: string): CompletedCommand {
  const [argument] = command.registeredArguments;
  return {
    path,
    help: command.description(),
    commands: visible(command).map((inner) => inner.name()),
    options: [...command.options.filter(({ hidden }) => !hidden).map(optionOf), HELP],
    argument: argument === undefined ? undefined : completedArgument(argument),
  };
}

const HELP: CompletedOption = { flags: ['-h', '--help'], help: 'display help for command', takesValue: false, value: undefined };

function optionOf(option: Option): CompletedOption {
  const { short, long, description, argChoices, flags } = option;
  const value: Completed = argChoices ?? (/<(?:file|folder|path)\b/.test(flags) || /-(?:file|dir)$/.test(long ?? '') ? 'files' : undefined);
  const names = [short, long].filter((flag) => flag !== undefined);
  return { flags: names, help: description, takesValue: option.required, value };
}

/** What the name of an argument says of it. */
const ARGUMENTS: Readonly<Record<string, Completed>> = {
  spec: { names: 'specs' },
  pools: { names: 'pools' },
  node: { names: 'nodes' },
  hold: { names: 'holds' },
  thing: { names: 'things' },
  path: 'files',
  file: 'files',
};

const completedArgument = (argument: Argument): Completed => argument.argChoices ?? ARGUMENTS[argument.name()];
