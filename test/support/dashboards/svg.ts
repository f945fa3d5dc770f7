/** A place in a picture, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'middle' | 'end';
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const round = (value: number): number => Math.round(value * 10) / 10;

/** A line of text. */
export function text(said: string, { x, y, size = 12, weight = 400, fill = '#24292f', anchor }: TextStyle): string {
  const place = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  const safe = said.replace(/[&<>]/g, (character) => ESCAPES[character] ?? '');
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" font-weight="${weight}" fill="${fill}"${place}>${safe}</text>`;
}

/** A rectangle; `style` names SVG attributes. */
export function rect({ x, y, w, h }: Box, style: Readonly<Record<string, string | number>>): string {
  const more = Object.entries(style).map(([name, value]) => ` ${name}="${value}"`);
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}"${more.join('')}/>`;
}

/** A line through points, in steps: each value holds for `width`, to the next one; where that is farther away there was none between. */
export function steps(points: readonly (readonly [x: number, y: number])[], width: number, colour: string): string {
  const way = points.map(([x, y], index) => {
    const last = points[index - 1];
    const joins = last !== undefined && x - last[0] < 1.5 * width;
    return `${joins ? `V${round(y)}` : `M${round(x)} ${round(y)}`}H${round(x + width)}`;
  });
  return `<path d="${way.join('')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
}

/** A number as Grafana writes it: `s`, `bytes`, `percentunit`, else as it is. */
export function shortValue(value: number, unit: string): string {
  const plain = (number: number): string => String(Number(number.toPrecision(3)));
  switch (unit) {
    case 's':
      return value === 0 ? '0 s' : value < 1 ? `${plain(value * 1000)} ms` : value < 120 ? `${plain(value)} s` : `${plain(value / 60)} min`;
    case 'bytes':
      return `${plain(value / 2 ** 20)} MiB`;
    case 'percentunit':
      return `${plain(value * 100)} %`;
    default:
      return plain(value);
  }
}
