import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { drawGraph, type TimeRange } from './draw-graph.ts';
import { type Box, rect, shortValue, text } from './svg.ts';

/** One series of a query: of one that is asked for now, with one point. Times in seconds since the epoch. */
export interface DrawnSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** What the queries of a panel answered, in their order. */
export type PanelAnswers = readonly (readonly DrawnSeries[])[];

/** A panel as its JSON says it. */
export interface DrawnPanel {
  readonly title: string;
  readonly type: string;
  readonly unit: string;
  readonly showsName: boolean;
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** Its place on the grid of 24 columns. */
  readonly at: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

const COLUMN = 50;
const LINE = 30;
const HEADING = 52;

interface PanelJson {
  readonly title?: string;
  readonly type: string;
  readonly gridPos: DrawnPanel['at'];
  readonly fieldConfig?: { readonly defaults?: { readonly unit?: string } };
  readonly options?: { readonly textMode?: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

/** The panels of a dashboard, its rows among them. */
export const panelsToDraw = (dashboard: Dashboard): readonly DrawnPanel[] =>
  (dashboard.panels as readonly unknown[] as readonly PanelJson[]).map(
    ({ title = '', type, gridPos, fieldConfig, options, targets = [] }) => ({
      title,
      type,
      unit: fieldConfig?.defaults?.unit ?? 'short',
      showsName: options?.textMode === 'name',
      queries: targets.map(({ expr, legendFormat = '' }) => ({ expr, legend: legendFormat })),
      at: gridPos,
    }),
  );

/** Draws a dashboard as SVG, as Grafana would lay it out, from what its queries answered; by title. */
export function drawDashboard(
  { title, panels = [] }: Dashboard,
  all: readonly DrawnPanel[],
  answers: ReadonlyMap<string, PanelAnswers>,
): string {
  if (panels.length !== all.length) throw new Error(`${title ?? ''} has other panels`);
  const height = HEADING + Math.max(...all.map(({ at }) => at.y + at.h)) * LINE + 8;
  const lines = all.filter(({ type }) => type === 'timeseries').flatMap((panel) => (answers.get(panel.title) ?? []).flat());
  const times = lines.flatMap(({ points }) => points.map(([seconds]) => seconds));
  const range = { from: Math.min(...times), to: Math.max(...times) };
  const drawn = all.map((panel) => drawPanel(panel, answers.get(panel.title) ?? [], range));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN + 16} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#24292f">
${rect({ x: 0, y: 0, w: 24 * COLUMN + 16, h: height }, { fill: '#f4f6f8' })}
${text(title ?? '', { x: 14, y: 33, size: 18, weight: 600 })}
${drawn.join('\n')}
</svg>
`;
}

function drawPanel(panel: DrawnPanel, answers: PanelAnswers, range: TimeRange): string {
  const { x, y, w, h } = panel.at;
  const at = { x: 8 + x * COLUMN, y: HEADING + y * LINE, w: w * COLUMN, h: h * LINE };
  if (panel.type === 'row') return text(panel.title, { x: at.x + 6, y: at.y + 20, size: 13, weight: 600 });
  const frame = { x: at.x + 4, y: at.y + 4, w: at.w - 8, h: at.h - 8 };
  const inner = { x: frame.x + 12, y: frame.y + 32, w: frame.w - 24, h: frame.h - 42 };
  const body = panel.type === 'stat' ? drawStat : panel.type === 'table' ? drawTable : drawGraph;
  const size = panel.title.length * 7.6 > inner.w ? 11 : 12.5;
  const heading = text(panel.title, { x: frame.x + 12, y: frame.y + 21, size, weight: 600, fill: '#57606a' });
  return `<g>${rect(frame, { fill: '#ffffff', stroke: '#d8dee4', rx: 6 })}${heading}${body(panel, answers, { ...inner, ...range })}</g>`;
}

function drawStat({ unit, showsName, queries }: DrawnPanel, [series = []]: PanelAnswers, at: Box): string {
  const [first] = series;
  const value = first?.points.at(-1)?.[1];
  const name = first === undefined ? undefined : legendOf(queries[0]?.legend ?? '', first.labels).slice(0, 12);
  const shown = showsName ? name : value === undefined ? undefined : shortValue(value, unit);
  return text(shown ?? '–', { x: at.x + at.w / 2, y: at.y + at.h / 2 + 12, size: showsName ? 20 : 32, weight: 600, anchor: 'middle' });
}

const MOST_ROWS = 8;

function drawTable({ unit, queries }: DrawnPanel, answers: PanelAnswers, at: Box): string {
  const rows = new Map<string, { readonly labels: DrawnSeries['labels']; readonly values: Map<number, number> }>();
  for (const [index, series] of answers.entries())
    for (const { labels, points } of series) {
      const row = rows.get(JSON.stringify(labels)) ?? { labels, values: new Map<number, number>() };
      rows.set(JSON.stringify(labels), row);
      row.values.set(index, points.at(-1)?.[1] ?? Number.NaN);
    }
  if (rows.size === 0) return text('none', { x: at.x + at.w / 2, y: at.y + at.h / 2, size: 14, anchor: 'middle', fill: '#57606a' });
  const labels = Object.keys([...rows.values()][0]?.labels ?? {});
  const lines = [...rows.values()].slice(0, MOST_ROWS).map(({ labels: own, values }) => {
    const numbers = queries.map((_, query) => (values.has(query) ? shortValue(values.get(query) ?? 0, unit) : ''));
    return [...labels.map((label) => own[label] ?? ''), ...numbers];
  });
  const table = [[...labels, ...queries.map(({ legend }) => legend)], ...lines];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)) + 3);
  const unitWidth = at.w / widths.reduce((sum, width) => sum + width, 0);
  const lefts = widths.map((_, column) => at.x + unitWidth * widths.slice(0, column).reduce((sum, width) => sum + width, 0));
  return table
    .map((line, row) =>
      line
        .map((cell, column) => text(cell, { x: lefts[column] ?? at.x, y: at.y + 14 + row * 22, fill: row === 0 ? '#57606a' : '#24292f' }))
        .join(''),
    )
    .join('');
}

/** A legend with the values of its labels: `{{state}}`. */
export const legendOf = (legend: string, labels: DrawnSeries['labels']): string =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => labels[label] ?? '');
