import type { CellLetter } from '../http/overview.ts';
import type { Tone } from './words.ts';

/** Where a node stands in a pool, for people. */
export interface Standing {
  readonly tone: Tone;
  readonly words: string;
  readonly serves: boolean;
}

/** Every letter, in the order of the legend. */
export const STANDINGS: Readonly<Record<CellLetter, Standing>> = {
  p: { tone: 'good', words: 'serves', serves: true },
  a: { tone: 'good', words: 'serves, registered by its agent', serves: true },
  c: { tone: 'bad', words: 'check fails', serves: false },
  w: { tone: 'busy', words: 'to be registered', serves: false },
  t: { tone: 'busy', words: 'its agent is to register it', serves: false },
  l: { tone: 'busy', words: 'leaves', serves: false },
  o: { tone: 'quiet', words: 'out', serves: false },
  '-': { tone: 'quiet', words: 'not decided', serves: false },
};

/** What a letter of the overview stands for. */
export const standingOf = (letter: string | undefined): Standing => STANDINGS[letter as CellLetter] ?? STANDINGS['-'];
