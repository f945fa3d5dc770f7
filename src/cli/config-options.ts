import { type Command, Option } from 'commander';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { writtenText } from '../config/option.ts';
import { type OptionEntry, optionEntries } from '../config/option-entries.ts';
import type { CliIo } from './cli-io.ts';

const DEFAULT_FILE = 'poolkeeper.yaml';

/** Which options a command has flags for. */
type Choice = (entry: OptionEntry) => boolean;
const EVERY: Choice = () => true;

/** Adds `--config` and a flag for every option of the configuration that the command uses, grouped as there. */
export function addConfigOptions(command: Command, isUsed: Choice = EVERY): void {
  command.option('--config <file>', `the configuration file (default: POOLKEEPER_CONFIG, else ./${DEFAULT_FILE} when there is one)`);
  for (const entry of optionEntries().filter(isUsed)) {
    const placeholder = entry.option.kind.boolean === true ? '[boolean]' : '<value>';
    const option = new Option(`${entry.flag} ${placeholder}`, helpOf(entry));
    command.addOption(option.helpGroup(groupOf(entry)));
  }
}

function helpOf({ option: { help, default: value, required } }: OptionEntry): string {
  const text = value === undefined ? '' : writtenText(value);
  if (required) return `${help} (required)`;
  return text === '' ? help : `${help} (default: ${text})`;
}

function groupOf({ key }: OptionEntry): string {
  const [section = ''] = key.split('.');
  return key.includes('.') ? `Options of ${section}:` : 'Options of the configuration:';
}

/** The configuration for a command, from its flags, the environment and the file. */
export function readConfig(command: Command, { env, readFile }: CliIo, isUsed: Choice = EVERY): LoadedConfig {
  const given = command.opts<Readonly<Record<string, string | boolean>>>();
  const flags = Object.fromEntries(
    optionEntries()
      .filter(isUsed)
      .flatMap(({ key, flag }) => {
        const value = given[new Option(flag).attributeName()];
        return value === undefined ? [] : [[key, value]];
      }),
  );
  const named = namedFile(command, env);
  const file = named ?? (exists(DEFAULT_FILE, readFile) ? DEFAULT_FILE : undefined);
  return loadConfig({ file, env, flags, readFile });
}

function namedFile(command: Command, env: CliIo['env']): string | undefined {
  const given = command.opts<{ readonly config?: string }>().config;
  return given ?? (env['POOLKEEPER_CONFIG'] || undefined);
}

/** For commands that need no secret: reads the configuration file, and makes up every other. */
export const readConfigFileOnly = (command: Command, { env, readFile }: CliIo): CliIo['readFile'] => {
  const file = namedFile(command, env) ?? DEFAULT_FILE;
  return (path) => (path === file ? readFile(path) : 'unused');
};

/** False only when there is no such file: one that cannot be read must be told. */
function exists(path: string, readFile: CliIo['readFile']): boolean {
  try {
    readFile(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}
