import type { DiffLine } from '../core/report/diff-line.ts';
import type { Colors } from './colors.ts';

/** `+` comes, `-` goes, `~` becomes another. */
export type Sign = '+' | '-' | '~';

const MOST_LINES = 60;
const MOST_TEXT = 120;
const SIGNS = { add: '+', remove: '-', change: '~' } as const;

/** The sign of an action with these lines. */
export function signOf(op: string, lines: readonly DiffLine[]): Sign {
  if (/^(delete|deregister)/.test(op)) return '-';
  return lines.some((line) => line.op !== 'add') ? '~' : '+';
}

/** How a sign is coloured. */
export function paintOf(sign: Sign, colors: Colors): (text: string) => string {
  return { '+': colors.green, '-': colors.red, '~': colors.yellow }[sign];
}

/** What an action changes, one line each; of very many the first ones. */
export function renderLines(lines: readonly DiffLine[], colors: Colors): readonly string[] {
  const shown = lines.length <= MOST_LINES ? lines : lines.slice(0, MOST_LINES - 1);
  const more = lines.length - shown.length;
  const told = shown.map((line) => `      ${paintOf(SIGNS[line.op], colors)(`${SIGNS[line.op]} ${textOf(line)}`)}`);
  return more === 0 ? told : [...told, `      ${colors.dim(`and ${more} more`)}`];
}

function textOf({ what, op, before, after }: DiffLine): string {
  const values =
    op === 'change' ? [before, after].filter((value) => value !== undefined) : [after ?? before].filter((value) => value !== undefined);
  return values.length === 0 ? shown(what) : `${shown(what)}: ${values.map(valueText).join(' → ')}`;
}

/** Values as JSON, which lets no terminal be steered; simple words without quotes, and long ones cut. */
function valueText(value: unknown): string {
  const text =
    typeof value === 'string' && /^[\w./:@%=(),`-]+$/.test(value) && !/^(?:true|false|null|[\d.]+)$/.test(value)
      ? value
      : JSON.stringify(value);
  const safe = shown(text);
  return safe.length <= MOST_TEXT ? safe : `${safe.slice(0, MOST_TEXT - 1)}…`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const shown = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '·');
