import picocolors from 'picocolors';

/** The colours of text for a terminal. */
export type Colors = ReturnType<typeof picocolors.createColors>;

export const { createColors } = picocolors;

/** Whether to write colours: on a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says otherwise; FORCE_COLOR always. */
export function wantsColors(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  const set = (name: string): boolean => (env[name] ?? '') !== '';
  if (set('NO_COLOR')) return false;
  if (set('FORCE_COLOR')) return env['FORCE_COLOR'] !== '0';
  return isTerminal && env['TERM'] !== 'dumb';
}
