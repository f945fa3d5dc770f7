const MARK = 'touched so that Traefik looks again, ms ';

/** The output of a check that is touched at `atMs` (ms since the epoch). Two touches never give the same one. */
export const nudgeMark = (atMs: number): string => `${MARK}${atMs}`;

/** When a check with this output was last touched, in ms since the epoch; undefined: never. */
export function nudgedAtMs(output: string): number | undefined {
  const text = output.startsWith(MARK) ? output.slice(MARK.length) : '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
