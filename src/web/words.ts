import type { LegName, LegState, SpecState } from '../core/report/run-report.ts';

/** How a state looks: its colour and its shape. */
export type Tone = 'good' | 'busy' | 'bad' | 'unknown' | 'quiet';

/** The tone of a spec's or a leg's state. */
export function toneOf(state: SpecState | LegState): Tone {
  switch (state) {
    case 'in-step':
      return 'good';
    case 'changing':
    case 'waiting':
    case 'leaving':
      return 'busy';
    case 'unknown':
      return 'unknown';
    case 'not-watched':
    case 'suspended':
      return 'quiet';
    default:
      return 'bad';
  }
}

const STATE_WORDS: Readonly<Record<SpecState | LegState, string>> = {
  'in-step': 'in step',
  changing: 'changing',
  waiting: 'waiting',
  leaving: 'leaving',
  unknown: 'unknown',
  'not-watched': 'not watched',
  suspended: 'suspended',
  broken: 'broken',
  conflict: 'in conflict',
  held: 'held back',
  failed: 'failed',
};

/** A state as people say it. */
export const stateWords = (state: SpecState | LegState): string => STATE_WORDS[state];

/** The legs as their makers write them. */
export const LEG_TITLES: Readonly<Record<LegName, string>> = { git: 'Git', kubernetes: 'Kubernetes', consul: 'Consul', traefik: 'Traefik' };

/** `now`, `8 s`, `3 min`, `2 h`, `4 d`: short, since it stands in every cell. */
export function shortAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `just now`, `8 s ago`. */
export const ago = (ms: number): string => (ms < 1000 ? 'just now' : `${shortAge(ms)} ago`);

/** `0.42 s`, `12 s`, `3 min`: how long something took. */
export const duration = (seconds: number): string => (seconds < 10 ? `${seconds.toFixed(2)} s` : shortAge(seconds * 1000));

/** `1 service`, `3 services`. */
export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

/** A commit id as people write it. */
export const shortRevision = (revision: string): string => revision.slice(0, 7);

/** Text as a sentence: with a capital, unless it begins with a name, and a full stop. `names` are words that are names. */
export const asSentence = (text: string, names: ReadonlySet<string>): string => {
  const [, first] = /^([a-z]+)(?:[ ,:]|$)/.exec(text) ?? [];
  const upper = first === undefined || names.has(first) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
};

/** `12:03:04`: a time of the day, in the time zone of whoever looks. */
export const clockTime = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);
