import type { PlannedChange } from '../core/report/plan-diff.ts';
import { type ActionReport, actionsOf, type RunReport } from '../core/report/run-report.ts';
import { type Problem, problemText } from '../shared/problem.ts';
import type { Colors } from './colors.ts';
import { groupHolds } from './group-holds.ts';
import { paintOf, renderLines, signOf } from './render-changes.ts';

/**
 * A plan, or what a run did with one, for people: the actions of each spec, what is held, what is waited for, what is wrong,
 * and a line that counts it all. Specs with nothing of it are left out. `changes` tells what each action changes in detail, as far as it is
 * known.
 */
export function renderPlan(report: RunReport, colors: Colors, changes: readonly PlannedChange[] = []): string {
  const { specs, sources, problems, revision } = report;
  const lines: string[] = [`Revision ${revision ?? 'unknown'}`];
  for (const { source, kind, reason } of sources) {
    if (kind !== 'complete')
      lines.push(colors.yellow(`Source ${source} is ${kind}${reason === undefined ? '' : `: ${problemText(reason)}`}`));
  }
  lines.push(...problems.map((problem) => problemLine(problem, colors)));
  const of = Map.groupBy(changes, ({ spec }) => spec);
  for (const { id, state, actions, holds, waiting, problems: own } of specs) {
    if (actions.length + holds.length + waiting.length + own.length === 0) continue;
    lines.push('', `${colors.bold(id)} (${state})`);
    lines.push(...actions.flatMap((action) => actionLines(action, { colors, changes: of.get(id) ?? [] })));
    lines.push(...routeLines(of.get(id) ?? [], colors));
    const later = (of.get(id) ?? []).filter((change) => change.state === 'waiting');
    lines.push(...laterLines(later, colors));
    lines.push(...groupHolds(holds).map(({ what, reason }) => `  ${colors.yellow('held')} ${what}: ${reason.message}. ${reason.remedy}`));
    lines.push(
      ...waiting
        .filter(({ what }) => !later.some(({ reason }) => reason === what))
        .map(({ what, untilMs }) => `  ${colors.cyan('waiting:')} ${what}${untilText(untilMs)}`),
    );
    lines.push(...own.map((problem) => `  ${problemLine(problem, colors)}`));
  }
  const others = report.actions ?? [];
  if (others.length > 0)
    lines.push('', colors.bold('Nodes'), ...others.flatMap((action) => actionLines(action, { colors, changes: of.get(undefined) ?? [] })));
  return `${[...lines, '', summary(report)].join('\n')}\n`;
}

interface Detail {
  readonly colors: Colors;
  readonly changes: readonly PlannedChange[];
}

/** An action, and below it what it changes. */
function actionLines(action: ActionReport, { colors, changes }: Detail): readonly string[] {
  const change = changes.find(({ op, on }) => op === action.op && on === action.on);
  const { lines = [], why = action.changes } = change ?? {};
  const { op, on, result, problem } = action;
  const sign = signOf(op, lines);
  const told = lines.length === 0 ? why : why.slice(0, 1);
  const outcome =
    result === 'planned' || result === 'done' ? '' : ` ${colors.red(result)}${problem === undefined ? '' : `: ${problemText(problem)}`}`;
  const head = `${paintOf(sign, colors)(sign)} ${op} ${on}${told.length === 0 ? '' : `: ${told.join(', ')}`}${outcome}`;
  return [`  ${head}`, ...renderLines(lines, colors)];
}

/** What is not done yet: what is deleted later in one line for each reason, every other change with what it changes. */
function laterLines(changes: readonly PlannedChange[], colors: Colors): readonly string[] {
  const deletes = changes.filter(({ op }) => op === 'delete-object');
  const groups = [...Map.groupBy(deletes, ({ reason, untilMs }) => `${reason ?? ''}${untilText(untilMs)}`)];
  const others = changes.filter(({ op, leg }) => op !== 'delete-object' && leg !== 'traefik');
  return [
    ...others.flatMap(({ op, on, lines, reason = '', untilMs }) => [
      `  ${colors.cyan('waiting')} ${op} ${on}: ${reason}${untilText(untilMs)}`,
      ...renderLines(lines, colors),
    ]),
    ...groups.map(([reason, all]) => {
      const when = reason.includes('drain') ? 'deleted after the drain' : 'deleted later';
      return `  ${colors.cyan(when)}: ${all.map(({ on }) => on).join(', ')}: ${reason}`;
    }),
  ];
}

const untilText = (untilMs: number | undefined): string => (untilMs === undefined ? '' : ` (until ${new Date(untilMs).toISOString()})`);

/** What follows in Traefik of what is done now. */
const routeLines = (changes: readonly PlannedChange[], colors: Colors): readonly string[] =>
  changes.flatMap(({ leg, on, lines, state }) =>
    leg === 'traefik' && (state === 'planned' || state === 'failed') ? [`  ${colors.cyan('=')} ${on}`, ...renderLines(lines, colors)] : [],
  );

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
