import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { ANNOTATION_PREFIX, MARKS, SETTINGS } from '../model/marks.ts';
import { parseLabelSelector } from '../model/parse-selector.ts';
import type { HealthMode, ServiceSettings, StatusRange } from '../model/settings.ts';
import { HEALTH_MODES } from '../model/settings.ts';
import { remedyFor } from './did-you-mean.ts';
import { isDnsLabel } from './names.ts';

/** A problem of one annotation. `annotation` is its key, so that a caller who knows the file can point at it. */
export interface AnnotationProblem extends Problem {
  readonly annotation: string;
}

type SettingName = keyof typeof SETTINGS;

/** What a value was read as, or what it should be, as the end of "must be …". */
type Read<T> = { readonly value: T } | { readonly mustBe: string };
type Reader<T> = (text: string) => Read<T>;
type Readers = { readonly [Name in SettingName]: Reader<NonNullable<ServiceSettings[Name]>> };

const MAX_DRAIN_SECONDS = 3600;

const readBool: Reader<boolean> = (text) =>
  text === 'true' || text === 'false' ? { value: text === 'true' } : { mustBe: '"true" or "false"' };

const readNumber =
  (max: number, mustBe: string): Reader<number> =>
  (text) =>
    /^\d{1,9}$/.test(text) && Number(text) <= max ? { value: Number(text) } : { mustBe };

const readPort: Reader<string | number> = (text) => {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= 65_535) return { value: number };
  return isDnsLabel(text) && /[a-z]/.test(text) ? { value: text } : { mustBe: 'the name or the number of a port of the Service' };
};

const readSelector: Reader<NonNullable<ServiceSettings['nodes']>> = (text) => {
  const parsed = parseLabelSelector(text);
  return parsed.kind === 'selector' ? { value: parsed.selector } : { mustBe: `a label selector: ${parsed.reason}` };
};

const readHealth: Reader<HealthMode> = (text) => {
  const value = HEALTH_MODES.find((mode) => mode === text);
  return value === undefined ? { mustBe: `one of ${HEALTH_MODES.join(', ')}` } : { value };
};

const readTags: Reader<readonly string[]> = (text) => {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return lines.some((line) => /[\u0000-\u001f\u007f]/.test(line))
    ? { mustBe: 'one tag per line, without control characters' }
    : { value: lines };
};

const MOST_WAVE = 1000;

const readWave: Reader<number> = (text) =>
  /^-?\d{1,4}$/.test(text) && Math.abs(Number(text)) <= MOST_WAVE
    ? { value: Number(text) }
    : { mustBe: `a whole number from -${MOST_WAVE} to ${MOST_WAVE}` };

const readPaths: Reader<readonly string[]> = (text) => {
  const paths = text.split(',').map((path) => path.trim().replace(/^\.?\//, ''));
  return paths.includes('') ? { mustBe: 'a comma list of spec files' } : { value: paths };
};

const readProbePath: Reader<string> = (text) =>
  text === 'off' || /^\/[\x21-\x7e]{0,1023}$/.test(text) ? { value: text } : { mustBe: 'a path such as /healthz, or "off"' };

const readCodes: Reader<readonly StatusRange[]> = (text) => {
  const ranges = text.split(',').map((part) => {
    const [, from = '', to = from] = /^\s*([1-5]\d\d)(?:-([1-5]\d\d))?\s*$/.exec(part) ?? [];
    return { from: Number(from), to: Number(to) };
  });
  return ranges.every(({ from, to }) => from > 0 && from <= to) ? { value: ranges } : { mustBe: 'HTTP statuses such as 200-299,401' };
};

const READERS: Readers = {
  register: readBool,
  port: readPort,
  serviceName: (text) => (isDnsLabel(text) ? { value: text } : { mustBe: 'a DNS label: at most 63 lower case letters, digits and "-"' }),
  nodes: readSelector,
  minBackends: readNumber(999_999_999, 'a whole number from 0'),
  drainSeconds: readNumber(MAX_DRAIN_SECONDS, `a whole number of seconds from 0 to ${MAX_DRAIN_SECONDS}`),
  health: readHealth,
  probePath: readProbePath,
  probeCodes: readCodes,
  adopt: readBool,
  recreate: readBool,
  wave: readWave,
  prune: readBool,
  dependsOn: readPaths,
  tags: readTags,
};

const NAMES: ReadonlyMap<string, SettingName> = new Map(
  Object.entries(SETTINGS).map(([name, annotation]) => [annotation, name as SettingName]),
);
const OUR_MARKS: ReadonlySet<string> = new Set([MARKS.ownerLabel, MARKS.id, MARKS.spec, MARKS.hash]);

/**
 * Reads the settings among the annotations of an object, of a spec or a live one. What cannot be read is left out of `settings`
 * and told in `problems` (all of them, without `where`). Annotations of others, and our own marks, are passed over.
 */
export function readSettings(annotations: Readonly<Record<string, string>>): {
  readonly settings: ServiceSettings;
  readonly problems: readonly AnnotationProblem[];
} {
  const settings: Partial<Record<SettingName, unknown>> = {};
  const problems: AnnotationProblem[] = [];
  for (const [annotation, text] of Object.entries(annotations)) {
    if (!annotation.startsWith(ANNOTATION_PREFIX) || OUR_MARKS.has(annotation)) continue;
    const name = NAMES.get(annotation);
    if (name === undefined) {
      problems.push(bad(annotation, `there is no annotation ${annotation}`, remedyFor(annotation, NAMES.keys())));
      continue;
    }
    const read: Read<unknown> = text.trim() === '' ? { mustBe: 'given a value, or left out' } : READERS[name](text.trim());
    if ('value' in read) settings[name] = read.value;
    else problems.push(bad(annotation, `${annotation} must be ${read.mustBe}; it is ${JSON.stringify(text.slice(0, 80))}`));
  }
  return { settings: settings as ServiceSettings, problems };
}

const bad = (annotation: string, message: string, remedy?: string): AnnotationProblem => ({
  ...problem('SPEC_BAD_ANNOTATION', message, remedy === undefined ? {} : { remedy }),
  annotation,
});
