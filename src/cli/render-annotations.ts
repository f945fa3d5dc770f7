import type { Problem } from '../shared/problem.ts';
import { plainProblem } from './render-problems.ts';

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const;

/** Findings as workflow commands of GitHub Actions, which Gitea understands as well: they show beside the lines of a pull request. */
export const renderAnnotations = (problems: readonly Problem[]): string =>
  problems
    .map(plainProblem)
    .map(({ file, line, column, path, severity, code, message, remedy }) => {
      const inside = path === '' ? '' : ` (at ${path})`;
      const properties = Object.entries({ ...(file === '' ? {} : { file, line, col: column }), title: code }).map(
        ([key, value]) => `${key}=${escapeProperty(String(value))}`,
      );
      return `::${COMMANDS[severity]} ${properties.join(',')}::${escapeData(`${message}${inside}. ${remedy}`)}\n`;
    })
    .join('');

const escapeData = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const escapeProperty = (text: string): string => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
