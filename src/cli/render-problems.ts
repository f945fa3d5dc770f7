import type { Problem, Severity, SourcePosition } from '../shared/problem.ts';
import type { ValidatedFiles } from './cli-io.ts';
import type { Colors } from './colors.ts';

/** A finding as programs read it. */
export interface PlainProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export function plainProblem({ where, severity, code, message, remedy }: Problem): PlainProblem {
  const { file = '', line = 1, column = 1, path = '' } = where ?? {};
  return { file, line, column, path, severity, code, message, remedy };
}

/** Every finding with its line and a caret below it, and a last line that counts them. */
export function renderProblems(found: ValidatedFiles, colors: Colors): string {
  const linesOf = rememberedLines(found);
  const parts = found.problems.map((problem) => renderProblem(problem, linesOf(problem.where?.file ?? ''), colors));
  return [...parts, summaryOf(found)].map((part) => `${part}\n`).join('\n');
}

/** The lines of a file, cut once for however many findings; undefined where there is no text. */
function rememberedLines({ textOf }: ValidatedFiles): (file: string) => readonly string[] | undefined {
  const known = new Map<string, readonly string[] | undefined>();
  return (file) => {
    if (!known.has(file)) known.set(file, textOf(file)?.split('\n'));
    return known.get(file);
  };
}

function renderProblem({ where, severity, code, message, remedy }: Problem, lines: readonly string[] | undefined, colors: Colors): string {
  const paint = { error: colors.red, warning: colors.yellow, note: colors.cyan }[severity];
  const excerpt = where === undefined || lines === undefined ? undefined : excerptOf(where, lines);
  const gutter = ' '.repeat(excerpt?.number.length ?? 0);
  const place = where === undefined ? '' : `${where.file}:${where.line}:${where.column}`;
  const inside = where === undefined || where.path === '' ? '' : ` (${where.path})`;
  const bar = colors.dim('|');
  return [
    `${paint(severity)} ${colors.bold(shown(message))} ${colors.dim(`[${code}]`)}`,
    ...(where === undefined ? [] : [`${gutter}${colors.dim('-->')} ${shown(place)}${colors.dim(shown(inside))}`]),
    ...(excerpt === undefined
      ? []
      : [`${colors.dim(excerpt.number)} ${bar} ${excerpt.line}`, `${gutter} ${bar} ${excerpt.indent}${paint(excerpt.carets)}`]),
    `${gutter} ${colors.dim('=')} ${shown(remedy)}`,
  ].join('\n');
}

interface Excerpt {
  readonly number: string;
  readonly line: string;
  readonly indent: string;
  readonly carets: string;
}

const WIDTH = 120;

/** The line of a finding, cut out around it where it is long; undefined when there is no such line. */
function excerptOf({ line, column }: SourcePosition, lines: readonly string[]): Excerpt | undefined {
  const whole = lines[line - 1]?.replace(/\r$/, '');
  if (whole === undefined || whole.trim() === '') return undefined;
  const from = column > WIDTH ? column - WIDTH / 2 : 0;
  const part = whole.slice(from, from + WIDTH);
  const at = column - 1 - from;
  // What the finding is about: a quoted text, or a word.
  const [word = ''] = /^(?:"[^"]*"?|'[^']*'?|[^\s,:[\]{}]+)/.exec(part.slice(at)) ?? [];
  const indent = part.slice(0, at).replaceAll(/[^\t]/g, ' ');
  return { number: String(line), line: shown(part), indent, carets: '^'.repeat(Math.max(1, word.length)) };
}

/** Text of a file, which may hold anything, without what a terminal would take for a command. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const shown = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '·');

function summaryOf({ files, objects, problems }: ValidatedFiles): string {
  const count = (severity: Severity): number => problems.filter((problem) => problem.severity === severity).length;
  const told = (['error', 'warning', 'note'] as const).flatMap((severity) =>
    count(severity) === 0 ? [] : [plural(count(severity), severity)],
  );
  const looked = `${plural(files, 'file')} with ${plural(objects, 'object')}`;
  return told.length === 0 ? `${looked}: nothing is wrong.` : `${looked}: ${told.join(', ')}.`;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
