import { type ActionReport, actionsOf, type RunReport } from '../core/report/run-report.ts';
import { type Problem, problemText } from '../shared/problem.ts';
import type { Colors } from './colors.ts';
import { groupHolds } from './group-holds.ts';

/**
 * A plan, or what a run did with one, for people: the actions of each spec, what is held, what is waited for, what is wrong,
 * and a line that counts it all. Specs with nothing of it are left out.
 */
export function renderPlan(report: RunReport, colors: Colors): string {
  const { specs, sources, problems, revision } = report;
  const lines: string[] = [`Revision ${revision ?? 'unknown'}`];
  for (const { source, kind, reason } of sources) {
    if (kind !== 'complete')
      lines.push(colors.yellow(`Source ${source} is ${kind}${reason === undefined ? '' : `: ${problemText(reason)}`}`));
  }
  lines.push(...problems.map((problem) => problemLine(problem, colors)));
  for (const { id, state, actions, holds, waiting, problems: own } of specs) {
    if (actions.length + holds.length + waiting.length + own.length === 0) continue;
    lines.push('', `${colors.bold(id)} (${state})`);
    lines.push(...actions.map((action) => `  ${actionLine(action, colors)}`));
    lines.push(...groupHolds(holds).map(({ what, reason }) => `  ${colors.yellow('held')} ${what}: ${reason.message}. ${reason.remedy}`));
    lines.push(
      ...waiting.map(
        ({ what, untilMs }) =>
          `  ${colors.cyan('waiting:')} ${what}${untilMs === undefined ? '' : ` (until ${new Date(untilMs).toISOString()})`}`,
      ),
    );
    lines.push(...own.map((problem) => `  ${problemLine(problem, colors)}`));
  }
  const others = report.actions ?? [];
  if (others.length > 0) lines.push('', colors.bold('Nodes'), ...others.map((action) => `  ${actionLine(action, colors)}`));
  return `${[...lines, '', summary(report)].join('\n')}\n`;
}

function actionLine({ op, on, changes, result, problem }: ActionReport, colors: Colors): string {
  const leaves = /^(delete|deregister)/.test(op);
  const sign = leaves ? colors.red('-') : colors.green('+');
  const outcome =
    result === 'planned' || result === 'done' ? '' : ` ${colors.red(result)}${problem === undefined ? '' : `: ${problemText(problem)}`}`;
  return `${sign} ${op} ${on}${changes.length === 0 ? '' : `: ${changes.join(', ')}`}${outcome}`;
}

function problemLine(problem: Problem, colors: Colors): string {
  const color = { error: colors.red, warning: colors.yellow, note: colors.cyan }[problem.severity];
  return `${color(problem.severity)} ${problemText(problem)}`;
}

function summary(report: RunReport): string {
  const actions = actionsOf(report);
  const of = (result: ActionReport['result']): number => actions.filter(({ action }) => action.result === result).length;
  const counts = [
    [of('planned'), 'planned'],
    [of('done'), 'done'],
    [of('failed'), 'failed'],
    [report.holds.length, 'held'],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  const text = told.length === 0 ? idle(report) : `Actions: ${told.join(', ')}.`;
  const blind = report.sources.some(({ kind }) => kind === 'unavailable');
  return blind ? `${text} This is not the whole picture: not every source has answered.` : text;
}

/** Without actions: either all is well, or specs cannot go on, which must not read as if it were. */
function idle({ specs }: RunReport): string {
  const open = specs.filter(({ state }) => state !== 'in-step' && state !== 'suspended').length;
  if (open === 0) return 'Nothing to do.';
  return `Nothing can be done now: ${open} spec${open === 1 ? ' is' : 's are'} not in step.`;
}
