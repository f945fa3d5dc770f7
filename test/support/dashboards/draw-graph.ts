import { type DrawnPanel, type DrawnSeries, legendOf, type PanelAnswers } from './draw-dashboard.ts';
import { type Box, rect, shortValue, steps, text } from './svg.ts';

const COLOURS = ['#1f6feb', '#1a7f37', '#bc4c00', '#8250df', '#cf222e', '#9a6700', '#0a7ea4', '#6e5a4b'] as const;
const GRID = '#e6eaef';
const SOFT = '#57606a';

/** What the axes of time show, in seconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Between two points. */
const STEP_SECONDS = 1;

interface NamedSeries extends DrawnSeries {
  readonly name: string;
  readonly colour: string;
}

/** Draws lines through time with their axes and legend. */
export function drawGraph({ unit, queries }: DrawnPanel, answers: PanelAnswers, { from, to, ...at }: Box & TimeRange): string {
  const series = answers
    .flatMap((answer, index) => answer.map((one) => ({ ...one, name: legendOf(queries[index]?.legend ?? '', one.labels) })))
    .map((one, index): NamedSeries => ({ ...one, colour: COLOURS[index % COLOURS.length] ?? SOFT }));
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return text('no data', { x: at.x + at.w / 2, y: at.y + at.h / 2, size: 14, anchor: 'middle', fill: SOFT });
  const plot = { x: at.x + 52, y: at.y + 4, w: at.w - 56, h: at.h - 44 };
  const base = unit === 'bytes' ? 2 ** 20 : 1;
  const top = niceTop(Math.max(...points.map(([, value]) => value)) / base) * base;
  const toX = (seconds: number): number => plot.x + (plot.w * (seconds - from)) / (to + STEP_SECONDS - from);
  const toY = (value: number): number => plot.y + plot.h * (1 - value / top);
  const levels = [0, top / 4, top / 2, (3 * top) / 4, top].map(
    (level) =>
      rect({ x: plot.x, y: toY(level), w: plot.w, h: 1 }, { fill: GRID }) +
      text(shortValue(level, unit), { x: plot.x - 6, y: toY(level) + 4, size: 10.5, anchor: 'end', fill: SOFT }),
  );
  const times = [0, 0.25, 0.5, 0.75].map((part) => {
    const seconds = from + part * (to - from);
    return text(new Date(seconds * 1000).toISOString().slice(11, 19), { x: toX(seconds), y: plot.y + plot.h + 15, size: 10.5, fill: SOFT });
  });
  const width = toX(from + STEP_SECONDS) - plot.x;
  // What is drawn first lies below.
  const lines = series.toReversed().map(({ points: own, colour }) => {
    const places = own.map(([seconds, value]) => [toX(seconds), toY(value)] as const);
    return steps(places, width, colour);
  });
  return [...levels, ...times, ...lines, legend(series, { ...at, y: at.y + at.h - 8 })].join('');
}

/** The names of the lines, as many as there is room for. */
function legend(series: readonly NamedSeries[], at: Box): string {
  let x = at.x;
  const parts: string[] = [];
  for (const [index, { name, colour }] of series.entries()) {
    const width = 22 + name.length * 6.2;
    if (x + width > at.x + at.w - (index === series.length - 1 ? 0 : 60)) {
      parts.push(text(`and ${series.length - index} more`, { x, y: at.y + 4, size: 11, fill: SOFT }));
      break;
    }
    parts.push(rect({ x, y: at.y - 3, w: 10, h: 4 }, { fill: colour, rx: 1 }) + text(name, { x: x + 14, y: at.y + 4, size: 11 }));
    x += width + 6;
  }
  return parts.join('');
}

/** The end of the axis: 1, 2, 4 or 8 times a power of ten, above the highest value. */
function niceTop(highest: number): number {
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return ([1, 2, 4, 8, 10].find((factor) => factor * power >= highest) ?? 10) * power;
}
