import type { Mentions } from '../model/spec-set.ts';

/** A text that can be asked whether it mentions a name, and told to nobody: it may hold secrets, and what is known is written to logs and recordings. */
export class HiddenText implements Mentions {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text.toLowerCase();
  }

  mentions(name: string): boolean {
    return this.#text.includes(name.toLowerCase());
  }
}
