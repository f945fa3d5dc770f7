import type { CellLetter } from '../http/overview.ts';
import type { Tone } from './words.ts';

/** Where a node stands in a pool, for people. */
export interface Standing {
  readonly tone: Tone;
  readonly words: string;
  readonly serves: boolean;
}

const STANDINGS: Readonly<Record<CellLetter, Standing>> = {
  p: { tone: 'good', words: 'serves', serves: true },
  c: { tone: 'bad', words: 'check fails', serves: false },
  w: { tone: 'busy', words: 'is registered', serves: false },
  l: { tone: 'busy', words: 'leaves', serves: false },
  o: { tone: 'quiet', words: 'out', serves: false },
  '-': { tone: 'quiet', words: 'not decided', serves: false },
};

/** What a letter of the overview stands for. */
export const standingOf = (letter: string | undefined): Standing => STANDINGS[letter as CellLetter] ?? STANDINGS['-'];

/** Where a node stands, told from what is wanted and what is there. `wanted` undefined while nobody has decided. */
export function standing(of: { readonly wanted: boolean | undefined; readonly registered: boolean; readonly passing: boolean }): Standing {
  if (of.registered) return STANDINGS[of.wanted === false ? 'l' : of.passing ? 'p' : 'c'];
  return STANDINGS[of.wanted === undefined ? '-' : of.wanted ? 'w' : 'o'];
}
