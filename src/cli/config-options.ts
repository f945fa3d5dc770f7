import { type Command, Option } from 'commander';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { writtenText } from '../config/option.ts';
import { type OptionEntry, optionEntries } from '../config/option-entries.ts';
import type { CliIo } from './cli-io.ts';

const DEFAULT_FILE = 'poolkeeper.yaml';

/** Adds `--config` and a flag for every option of the configuration, grouped as there. */
export function addConfigOptions(command: Command): void {
  command.option('--config <file>', `the configuration file (default: POOLKEEPER_CONFIG, else ./${DEFAULT_FILE} when there is one)`);
  for (const entry of optionEntries()) {
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
export function readConfig(command: Command, { env, readFile }: CliIo): LoadedConfig {
  const given = command.opts<Readonly<Record<string, string | boolean>>>();
  const flags = Object.fromEntries(
    optionEntries().flatMap(({ key, flag }) => {
      const value = given[new Option(flag).attributeName()];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const named = given['config'] ?? (env['POOLKEEPER_CONFIG'] || undefined);
  const file = typeof named === 'string' ? named : exists(DEFAULT_FILE, readFile) ? DEFAULT_FILE : undefined;
  return loadConfig({ file, env, flags, readFile });
}

/** False only when there is no such file: one that cannot be read must be told. */
function exists(path: string, readFile: CliIo['readFile']): boolean {
  try {
    readFile(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}
