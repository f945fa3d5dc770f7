/** Where a text stops being JSON, as an offset into it, and why. The reason never quotes more than one character of the text. */
export interface JsonError {
  readonly offset: number;
  readonly reason: string;
  /** Undefined where the reason says it all. */
  readonly remedy?: string;
}

// As deep as the YAML reader goes: deeper text is refused there with its own words.
const MAX_DEPTH = 100;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Finds the first place where `text` is not JSON (RFC 8259). Needed because `JSON.parse` tells the position only in some of its
 * messages, and quotes the text around it in others, which may be a Secret's.
 */
export function findJsonError(text: string): JsonError | undefined {
  try {
    new JsonScanner(text).scan();
    return undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { offset: error.offset, reason: error.message, ...remedyAt(text, error.offset) };
    throw error;
  }
}

/** What people are used to write that JSON does not have. */
function remedyAt(text: string, offset: number): { readonly remedy?: string } {
  const here = text.slice(offset, offset + 9);
  if (/^(?:\/\/|\/\*|#)/.test(here)) return { remedy: 'Remove the comment: JSON has none. YAML does; name the file .yaml to keep it.' };
  if (/^[}\]]/.test(here) && text.slice(0, offset).trimEnd().endsWith(',')) return { remedy: 'Remove the comma before it.' };
  if (here.startsWith("'")) return { remedy: 'Use double quotes.' };
  if (/^(?:True|False|None)\b/.test(here)) return { remedy: 'Write true, false or null in small letters.' };
  if (/^["{[\w]/.test(here) && /["}\]\w]$/.test(text.slice(0, offset).trimEnd())) return { remedy: 'Put a comma between the two.' };
  return {};
}

class JsonSyntaxError extends Error {
  readonly offset: number;
  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

class JsonScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('something follows the end of the document');
  }

  #value(depth: number): void {
    if (depth > MAX_DEPTH) this.#fail(`it nests deeper than ${MAX_DEPTH} levels`);
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{') this.#members(depth);
    else if (char === '[') this.#items(depth);
    else if (char === '"') this.#string();
    else if (!this.#number() && !['true', 'false', 'null'].some((word) => this.#word(word))) this.#expected('a value');
  }

  #members(depth: number): void {
    this.#at++;
    if (this.#take('}')) return;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#expected('a key in double quotes');
      this.#string();
      if (!this.#take(':')) this.#expected('":"');
      this.#value(depth + 1);
    } while (this.#take(','));
    if (!this.#take('}')) this.#expected('"," or "}"');
  }

  #items(depth: number): void {
    this.#at++;
    if (this.#take(']')) return;
    do this.#value(depth + 1);
    while (this.#take(','));
    if (!this.#take(']')) this.#expected('"," or "]"');
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('a string is not closed');
      if (char < ' ') this.#fail('a string holds a line break, tab or other control character; write it as an escape such as \\n');
      if (char === '\\') {
        if (!/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y.test(this.#text.slice(this.#at, this.#at + 6)))
          this.#fail('a string holds an unknown escape');
        this.#at++;
      }
      this.#at++;
      if (char === '"') return;
    }
  }

  #number(): boolean {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found !== undefined;
  }

  #word(word: string): boolean {
    const found = this.#text.startsWith(word, this.#at);
    if (found) this.#at += word.length;
    return found;
  }

  #take(char: string): boolean {
    this.#space();
    return this.#word(char);
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #expected(what: string): never {
    const char = this.#text[this.#at];
    return this.#fail(`${what} is expected here, not ${char === undefined ? 'the end of the file' : JSON.stringify(char)}`);
  }

  #fail(reason: string): never {
    throw new JsonSyntaxError(this.#at, reason);
  }
}
