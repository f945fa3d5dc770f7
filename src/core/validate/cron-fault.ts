const NAMED = /^@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)$/;
const EVERY = /^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const PART = /^(?:[*?]|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly title: string;
  readonly least: number;
  readonly most: number;
  /** Words for the numbers from `least` on. */
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { title: 'the minute', least: 0, most: 59 },
  { title: 'the hour', least: 0, most: 23 },
  { title: 'the day of the month', least: 1, most: 31 },
  { title: 'the month', least: 1, most: 12, names: MONTHS },
  { title: 'the day of the week', least: 0, most: 6, names: DAYS },
];

/** What is wrong with the schedule of a CronJob, as Kubernetes reads it (github.com/robfig/cron v3, standard fields); undefined when nothing is. */
export function cronFault(schedule: string): string | undefined {
  const text = schedule.trim();
  if (/^(?:CRON_)?TZ=/.test(text)) return 'a time zone belongs into spec.timeZone';
  if (text.startsWith('@')) return NAMED.test(text) || EVERY.test(text) ? undefined : 'there is no such word';
  const fields = text === '' ? [] : text.split(/\s+/);
  if (fields.length !== FIELDS.length) return `it has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, not five`;
  for (const [i, field] of FIELDS.entries()) {
    if (!(fields[i] ?? '').split(',').every((part) => isPart(part, field))) return `${field.title} cannot be ${fields[i]}`;
  }
  return undefined;
}

function isPart(part: string, field: Field): boolean {
  const match = PART.exec(part);
  if (match === null) return false;
  const [, from, to, step] = match;
  if (step !== undefined && Number(step) === 0) return false;
  if (from === undefined) return true;
  const first = numberOf(from, field);
  const last = to === undefined ? first : numberOf(to, field);
  return first !== undefined && last !== undefined && first <= last;
}

function numberOf(text: string, { least, most, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  const value = named >= 0 ? named + least : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}
