import { listParts } from './annotation-tags.ts';
import { parseGoBool } from './tag-kinds.ts';
import type { Turned, V1Key } from './v1-key.ts';
import { NOTHING, placed, unread } from './v1-key.ts';

type Turn = V1Key['turn'];

/** Text, as it is. An empty one is as good as none. */
export const text: Turn = (value, to, context) => (value === '' ? NOTHING : { fields: { [placed(to, context)]: value } });

/** A boolean in any of Go's words. False is the default of every option that is turned so. */
export const flag: Turn = (value, to, context) => {
  const read = parseGoBool(value);
  if (read === undefined) return unread(value, 'a boolean');
  return read ? { fields: { [placed(to, context)]: 'true' } } : NOTHING;
};

/** A whole number that is written even when it is 0. */
export const number: Turn = (value, to, context) => {
  const read = wholeNumber(value);
  return read === undefined ? unread(value, 'a whole number') : { fields: { [placed(to, context)]: String(read) } };
};

/** A whole number; 0 says that nothing is set. */
export const numberAbove0: Turn = (value, to, context) => (wholeNumber(value) === 0 ? NOTHING : number(value, to, context));

/** A list, its items joined by commas in both versions. */
export const list: Turn = (value, to, context) => {
  const items = listParts(value);
  return items.length === 0 ? NOTHING : { fields: { [placed(to, context)]: items.join(',') } };
};

/** `A:b||C:d` becomes one tag for each header; an empty value removes the header. */
export const headerMap: Turn = (value, to, context) => {
  const headers = headersOf(value);
  if (headers.length === 0) return unread(value, 'headers such as A:b||C:d');
  const unfit = headers.find(([name]) => !HEADER_NAME.test(name));
  if (unfit !== undefined) return nameImpossible(unfit[0]);
  return { fields: Object.fromEntries(headers.map(([name, held]) => [`${placed(to, context)}.${name}`, held])) };
};

const nameImpossible = (name: string): Turned => ({
  told: { class: 'impossible', reason: `names the header ${JSON.stringify(name)}, which the key of a Traefik 3 tag cannot hold` },
});

/** What a header's name may be in the key of a tag: dots separate, and Traefik 1 allows no more than this in TOML. */
export const HEADER_NAME = /^[A-Za-z0-9_-]+$/;

/** The headers of `A:b||C:d`, their names spelt as Go does; parts without a colon are skipped. */
export function headersOf(value: string): readonly (readonly [name: string, value: string])[] {
  return value.split('||').flatMap((part) => {
    const colon = part.indexOf(':');
    return colon < 0 ? [] : [[canonicalHeader(part.slice(0, colon).trim()), part.slice(colon + 1).trim()] as const];
  });
}

/** Go's http.CanonicalHeaderKey for names of plain characters. */
const canonicalHeader = (name: string): string =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()) : name;

/** A whole number as Go reads it; undefined for anything else, also for one too large to be meant. */
export const wholeNumber = (value: string): number | undefined => (/^[+-]?\d{1,15}$/.test(value) ? Number(value) : undefined);

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$/;

/** The milliseconds of a duration as Go reads it (`1m30s`); undefined for anything else. */
export function goDurationMs(value: string): number | undefined {
  if (value === '0') return 0;
  if (!DURATION.test(value)) return undefined;
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return value.startsWith('-') ? -total : total;
}

/** A duration, or a whole number of seconds, in milliseconds: how both versions read their other durations. */
export const lenientDurationMs = (value: string): number | undefined => {
  const seconds = wholeNumber(value);
  return seconds === undefined ? goDurationMs(value) : seconds * 1000;
};
