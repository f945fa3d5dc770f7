import type { PlannedChange } from '../core/report/plan-diff.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { createColors } from './colors.ts';
import { renderPlan } from './render-plan.ts';

/** GitHub takes comments of 65,536 characters; the other forges take more. */
const MOST = 60_000;

/**
 * A plan as a comment of a pull request: the counts, and the plan as a `diff` block, whose lines have their sign in the first column. What is
 * too long for a comment is cut.
 */
export function renderPlanMarkdown(report: RunReport, changes: readonly PlannedChange[]): string {
  const lines = renderPlan(report, createColors(false), changes).trimEnd().split('\n');
  const summary = lines.at(-1) ?? '';
  const text = lines.slice(0, -1).map(hoistSign).join('\n').trimEnd();
  const body = text.length <= MOST ? text : `${text.slice(0, MOST)}\n… the rest is too long for a comment: run poolkeeper plan`;
  const fence = '`'.repeat(Math.max(3, ...[...body.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `### poolkeeper plan\n\n${summary}\n\n<details open><summary>Changes</summary>\n\n${fence}diff\n${body}\n${fence}\n\n</details>\n`;
}

/** `!` is the sign of a change in a `diff` block. */
function hoistSign(line: string): string {
  const [, space = '', sign, rest = ''] = /^(\s+)([+~-]) (.*)$/.exec(line) ?? [];
  return sign === undefined ? line : `${sign === '~' ? '!' : sign}${space}${rest}`;
}
