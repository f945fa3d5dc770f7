import type { Hold, Waiting } from '../core/model/action.ts';
import type { LegState, NodeReport, PoolReport, RunReport, SourceReport, SpecReport, SpecState } from '../core/report/run-report.ts';
import { LEG_NAMES } from '../core/report/run-report.ts';
import type { Problem } from '../shared/problem.ts';
import type { RunFailure } from './overview.ts';
import { STYLE } from './page-style.ts';

/** HTML that is safe to put into a page. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Html[];

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A template whose values are escaped, unless they are HTML already. */
function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(
    strings.reduce((text, string, index) => text + string + (index < values.length ? partText(values[index] ?? '') : ''), ''),
  );
}

function partText(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** The status page: plain HTML that loads itself again every five seconds. Undefined: no run has ended yet. */
export function renderPage(report: RunReport | undefined, failing?: RunFailure): string {
  const fails =
    failing === undefined
      ? html``
      : html`<p class="bad">Every run fails since ${new Date(failing.sinceMs).toISOString()}: ${failing.says}. What stands below is from the last that ended.</p>`;
  const body = report === undefined ? html`<p>The first run has not ended yet.</p>` : renderReport(report);
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><title>poolkeeper</title><style>${new Html(STYLE)}</style></head>
<body><h1>poolkeeper</h1>${fails}${body}</body>
</html>
`.text;
}

function renderReport(report: RunReport): Html {
  const { startedAtMs, revision, leader, specs, pools, sources, holds, problems } = report;
  const role = leader.consul ? 'leads' : `stands by${leader.holder === undefined ? '' : ` for ${leader.holder}`}`;
  return html`<p>Revision <code>${revision ?? 'unknown'}</code>, last run <time>${new Date(startedAtMs).toISOString()}</time>, this replica ${role}.</p>
${section('Problems', ['What', 'What to do'], problems.map(problemRow))}
${section('Held back', ['Spec', 'What', 'Why'], holds.map(holdRow))}
${section('Specs', ['Spec', 'State', ...LEG_NAMES, 'Remarks'], specs.map(specRow))}
${section('Pools', ['Pool', 'Consul service', 'NodePort', 'Desired', 'Registered', 'Passing', 'Health'], pools.map(poolRow))}
${section('Nodes', ['Node', 'Backend', 'Why'], report.nodes.map(nodeRow))}
${section('Sources', ['Source', 'State', 'Age'], sources.map(sourceRow))}`;
}

function section(title: string, columns: readonly string[], rows: readonly Html[]): Html {
  if (rows.length === 0) return html``;
  return html`<h2>${title}</h2><table><thead><tr>${columns.map((column) => html`<th>${column}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}

const problemRow = (problem: Problem): Html => html`<tr><td>${placed(problem)}</td><td>${problem.remedy}</td></tr>`;

/** The message, with the place in the file that it speaks of. */
const placed = ({ message, where }: Problem): string =>
  where === undefined ? message : `${where.file}:${where.line}:${where.column}: ${message}`;

const holdRow = ({ spec, what, reason }: Hold): Html =>
  html`<tr><td>${spec}</td><td>${what}</td><td>${reason.message}. ${reason.remedy}</td></tr>`;

function specRow({ id, state, legs, problems, waiting }: SpecReport): Html {
  const remarks = [...problems.map((problem) => `${placed(problem)}. ${problem.remedy}`), ...waiting.map(waitingText)];
  return html`<tr><td>${id}</td><td class="${tone(state)}">${state}</td>${LEG_NAMES.map((leg) => html`<td class="${tone(legs[leg])}">${legs[leg]}</td>`)}<td>${remarks.map((remark) => html`<div>${remark}</div>`)}</td></tr>`;
}

const waitingText = ({ what, untilMs }: Waiting): string =>
  untilMs === undefined ? what : `${what} until ${new Date(untilMs).toISOString()}`;

const poolRow = ({ pool, service, nodePort, desired, registered, passing, health }: PoolReport): Html =>
  html`<tr><td>${pool}</td><td>${service}</td><td>${nodePort ?? 'none yet'}</td><td>${desired}</td><td>${registered}</td><td class="${passing < desired ? 'bad' : 'good'}">${passing}</td><td>${health.mode}: ${health.words}</td></tr>`;

const nodeRow = ({ node, eligible, reason }: NodeReport): Html =>
  html`<tr><td>${node}</td><td class="${eligible ? 'good' : 'bad'}">${eligible ? 'in' : 'out'}</td><td>${reason}</td></tr>`;

function sourceRow({ source, kind, ageMs, reason }: SourceReport): Html {
  const age = ageMs === undefined ? 'never' : `${Math.round(ageMs / 1000)} s`;
  return html`<tr><td>${source}</td><td class="${kind === 'complete' ? 'good' : 'bad'}">${kind}${reason === undefined ? '' : `: ${reason.message}`}</td><td>${age}</td></tr>`;
}

function tone(state: SpecState | LegState): string {
  switch (state) {
    case 'in-step':
      return 'good';
    case 'not-watched':
    case 'suspended':
      return 'quiet';
    case 'changing':
    case 'waiting':
    case 'leaving':
      return 'busy';
    default:
      return 'bad';
  }
}
