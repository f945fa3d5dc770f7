interface Field {
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const field = (least: number, most: number, names: readonly string[] = []): Field => ({ least, most, names });
/** Minute, hour, day of month, month, day of week (7 is Sunday too). */
const fields: readonly Field[] = [field(0, 59), field(0, 23), field(1, 31), field(1, 12, months), field(0, 7, days)];
const seconds = field(0, 59);
const macros = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly']);

/**
 * True for a cron expression of five fields (six with seconds first) or a macro such as `@daily`: numbers, names, ranges,
 * lists and steps. Kept to what every cron knows, so that a mistake shows when the configuration is read, not at 4 a.m.
 */
export function isCronExpression(expression: string): boolean {
  const trimmed = expression.trim().toLowerCase();
  if (macros.has(trimmed)) return true;
  const parts = trimmed.split(/\s+/);
  const expected = parts.length === 6 ? [seconds, ...fields] : fields;
  return parts.length === expected.length && parts.every((part, index) => isField(part, expected[index] ?? seconds));
}

function isField(written: string, rule: Field): boolean {
  return written.split(',').every((item) => {
    const match = /^(\*|(?<from>[a-z]+|\d+)(-(?<to>[a-z]+|\d+))?)(\/(?<step>\d+))?$/.exec(item);
    if (match === null) return false;
    const { from, to, step } = match.groups ?? {};
    if (step !== undefined && (Number(step) < 1 || Number(step) > rule.most)) return false;
    if (from === undefined) return true;
    const first = numberOf(from, rule);
    const last = to === undefined ? first : numberOf(to, rule);
    return first !== undefined && last !== undefined && first <= last;
  });
}

function numberOf(written: string, rule: Field): number | undefined {
  const named = rule.names.indexOf(written);
  const value = named >= 0 ? named + (rule.least === 1 ? 1 : 0) : /^\d+$/.test(written) ? Number(written) : Number.NaN;
  return value >= rule.least && value <= rule.most ? value : undefined;
}

/** True for a time zone that this runtime knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
