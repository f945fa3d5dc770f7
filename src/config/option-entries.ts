import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';

/** One option with all its names. */
export interface OptionEntry {
  /** As written in YAML, with dots: `git.interval`. */
  readonly key: string;
  /** `POOLKEEPER_GIT_INTERVAL` */
  readonly env: string;
  /** `--git-interval` */
  readonly flag: string;
  /** The path of its value in `Config`: `['git', 'intervalMs']`. */
  readonly path: readonly string[];
  readonly option: Option<unknown>;
}

/** Every option, in the order of the table. */
export function optionEntries(): readonly OptionEntry[] {
  const entries: OptionEntry[] = [];
  const walk = (table: object, path: readonly string[]): void => {
    for (const [name, value] of Object.entries(table)) {
      const here = [...path, name];
      if (isOption(value)) entries.push(entryOf(here, value));
      else walk(value as object, here);
    }
  };
  walk(OPTIONS, []);
  return entries;
}

function isOption(value: unknown): value is Option<unknown> {
  return typeof value === 'object' && value !== null && 'kind' in value && 'help' in value;
}

function entryOf(path: readonly string[], option: Option<unknown>): OptionEntry {
  const key = path.join('.').replace(/Ms$/, '');
  const words = key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { key, env: `POOLKEEPER_${words.replaceAll('-', '_').toUpperCase()}`, flag: `--${words}`, path, option };
}
