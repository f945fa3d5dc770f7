import type { Completed, CompletedCommand, CompletedOption } from './completion-model.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The completion script of a shell. Names are asked of the daemon when they are needed, by `poolkeeper __complete`. */
export function completionScript(shell: Shell, model: readonly CompletedCommand[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](model);
}

/** A text in single quotes, for bash and zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The pattern of every word that leads from one command to another: `''/plan`, `spec/new`. */
const steps = (model: readonly CompletedCommand[]): readonly (readonly [pattern: string, path: string])[] =>
  model.flatMap(({ path, commands }) => commands.map((name) => [`${path}/${name}`, `${path} ${name}`.trim()] as const));

interface OptionValue {
  readonly pattern: string;
  readonly value: Completed;
}

/** Where the value of an option stands: after which words. */
const optionValues = (model: readonly CompletedCommand[]): readonly OptionValue[] =>
  model.flatMap(({ path, options }) =>
    options.flatMap(({ flags, takesValue, value }) => (takesValue ? flags.map((flag) => ({ pattern: `${path} ${flag}`, value })) : [])),
  );

const ask = (kind: string): string => `$(poolkeeper __complete ${kind} 2>/dev/null)`;
const flagsOf = (options: readonly CompletedOption[]): readonly string[] => options.flatMap(({ flags }) => flags);

function bashScript(model: readonly CompletedCommand[]): string {
  const valueIn = (value: Completed): string => {
    if (value === undefined || value === 'files') return 'return';
    return `words=${'names' in value ? `"${ask(value.names)}"` : quoted(value.join(' '))}`;
  };
  return `# bash completion of poolkeeper. To use it: source <(poolkeeper completion bash)
_poolkeeper() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command/\${COMP_WORDS[i]}" in
${steps(model)
  .map(([pattern, path]) => `      ${quoted(pattern)}) command=${quoted(path)} ;;`)
  .join('\n')}
    esac
  done
  case "$command $prev" in
${optionValues(model)
  .map(({ pattern, value }) => `    ${quoted(pattern)}) ${valueIn(value)} ;;`)
  .join('\n')}
  *)
    if [[ $cur == -* ]]; then
      case "$command" in
${model.map(({ path, options }) => `        ${quoted(path)}) words=${quoted(flagsOf(options).join(' '))} ;;`).join('\n')}
      esac
    else
      case "$command" in
${model
  .map(({ path, commands, argument }) => `        ${quoted(path)}) ${valueIn(commands.length > 0 ? commands : argument)} ;;`)
  .join('\n')}
      esac
    fi
    ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _poolkeeper poolkeeper
`;
}

function zshScript(model: readonly CompletedCommand[]): string {
  const described = (name: string, help: string): string => quoted(`${name}:${help.replaceAll(':', '\\:')}`);
  const helpOf = (path: string): string => model.find((command) => command.path === path)?.help ?? '';
  const valueIn = (value: Completed): string => {
    if (value === undefined) return 'return 1';
    if (value === 'files') return '_files';
    return `compadd -- ${'names' in value ? `\${(f)"${ask(value.names)}"}` : value.map(quoted).join(' ')}`;
  };
  const argumentOf = ({ path, commands, argument }: CompletedCommand): string => {
    if (commands.length === 0) return valueIn(argument);
    const items = commands.map((name) => described(name, helpOf(`${path} ${name}`.trim())));
    return `items=(${items.join(' ')}); _describe command items`;
  };
  const optionsOf = ({ options }: CompletedCommand): string =>
    `items=(${options.flatMap(({ flags, help }) => flags.map((flag) => described(flag, help))).join(' ')}); _describe -o option items`;
  return `#compdef poolkeeper
# zsh completion of poolkeeper. To use it: source <(poolkeeper completion zsh), after compinit
_poolkeeper() {
  local command='' word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command/$word" in
${steps(model)
  .map(([pattern, path]) => `      (${quoted(pattern)}) command=${quoted(path)} ;;`)
  .join('\n')}
    esac
  done
  case "$command \${words[CURRENT-1]}" in
${optionValues(model)
  .map(({ pattern, value }) => `    (${quoted(pattern)}) ${valueIn(value)} ;;`)
  .join('\n')}
    (*)
      if [[ \${words[CURRENT]} == -* ]]; then
        case "$command" in
${model.map((command) => `          (${quoted(command.path)}) ${optionsOf(command)} ;;`).join('\n')}
        esac
      else
        case "$command" in
${model.map((command) => `          (${quoted(command.path)}) ${argumentOf(command)} ;;`).join('\n')}
        esac
      fi
      ;;
  esac
}
if [[ "\${funcstack[1]}" == _poolkeeper ]]; then _poolkeeper "$@"; else compdef _poolkeeper poolkeeper; fi
`;
}

function fishScript(model: readonly CompletedCommand[]): string {
  const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const valueIn = (value: Completed): string => {
    if (value === undefined) return '';
    if (value === 'files') return ' --force-files';
    return ` --no-files --arguments ${text('names' in value ? `(poolkeeper __complete ${value.names} 2>/dev/null)` : value.join(' '))}`;
  };
  const line = (path: string, rest: string): string =>
    `complete --command poolkeeper --condition ${text(`__poolkeeper_at ${text(path)}`)}${rest}`;
  const lines = model.flatMap(({ path, commands, options, argument }) => [
    ...commands.map((name) => {
      const help = model.find((command) => command.path === `${path} ${name}`.trim())?.help ?? '';
      return line(path, ` --no-files --arguments ${text(name)} --description ${text(help)}`);
    }),
    ...(argument === undefined ? [] : [line(path, valueIn(argument))]),
    ...options.map(({ flags, help, takesValue, value }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? ` --long-option ${flag.slice(2)}` : ` --short-option ${flag.slice(1)}`));
      return line(path, `${names.join('')}${takesValue ? ' --require-parameter' : ''}${valueIn(value)} --description ${text(help)}`);
    }),
  ]);
  return `# fish completion of poolkeeper. To use it: poolkeeper completion fish | source
function __poolkeeper_at --description 'whether the command line has come as far as a command'
  set --local command ''
  for word in (commandline --tokenize --cut-at-cursor --current-process)[2..-1]
    switch "$command/$word"
${steps(model)
  .map(([pattern, path]) => `      case ${text(pattern)}\n        set command ${text(path)}`)
  .join('\n')}
    end
  end
  test "$command" = "$argv[1]"
end
${lines.join('\n')}
`;
}
