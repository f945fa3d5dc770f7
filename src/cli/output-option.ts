import { Option } from 'commander';

/** `--output text|json`, which every command that shows something has. */
export const outputOption = (): Option =>
  new Option('--output <format>', 'text for people or JSON for programs').choices(['text', 'json']).default('text');
