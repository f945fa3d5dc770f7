import type { TagFault } from './tag-fault.ts';

/** The functions of an expression, and how many numbers each takes. */
export type ExpressionFunctions = Readonly<Record<string, number>>;

/** What tells when a circuit breaker opens, and when a buffered request is tried again. Source: vulcand/oxy cbreaker, buffer. */
export const CIRCUIT_BREAKER: ExpressionFunctions = { LatencyAtQuantileMS: 1, NetworkErrorRatio: 0, ResponseCodeRatio: 4 };
export const RETRY: ExpressionFunctions = { Attempts: 0, ResponseCode: 0, IsNetworkError: 0 };

interface Token {
  readonly text: string;
  readonly at: number;
}

const TOKEN = /\s+|[A-Za-z_]\w*|\d+(?:\.\d+)?|&&|\|\||[<>=!]=|[<>(),!]/y;

class ExpressionError extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Why Traefik cannot read an expression of comparisons joined by `&&` and `||`; `example` is a good one. */
export function expressionFault(text: string, functions: ExpressionFunctions, example: string): TagFault | undefined {
  try {
    new Reader(tokensOf(text), functions).whole();
    return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const reason = `cannot be read, at its character ${error.at + 1}: ${error.message}`;
    return { reason, remedy: `Write an expression such as ${example}.`, offset: error.at };
  }
}

function tokensOf(text: string): readonly Token[] {
  const pattern = new RegExp(TOKEN);
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) throw new ExpressionError(at, `unexpected ${JSON.stringify(text.charAt(at))}`);
    if (found.trim() !== '') tokens.push({ text: found, at });
  }
  return [...tokens, { text: '', at: text.length }];
}

/** Reads by going through; parentheses nest no deeper than the limit. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #functions: ExpressionFunctions;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], functions: ExpressionFunctions) {
    this.#tokens = tokens;
    this.#functions = functions;
  }

  whole(): void {
    this.#joined();
    const { text, at } = this.#peek();
    if (text !== '') throw new ExpressionError(at, `expected && or || before ${JSON.stringify(text)}`);
  }

  #joined(): void {
    do this.#comparison();
    while (this.#accept('&&') || this.#accept('||'));
  }

  #comparison(): void {
    this.#operand();
    if (['<', '>', '<=', '>=', '==', '!='].some((sign) => this.#accept(sign))) this.#operand();
  }

  #operand(): void {
    const { text, at } = this.#take();
    if (/^\d/.test(text)) return;
    if (text === '(') {
      this.#depth += 1;
      if (this.#depth > 100) throw new ExpressionError(at, 'it is nested too deep');
      this.#joined();
      this.#depth -= 1;
      this.#expect(')');
    } else this.#call(text, at);
  }

  #call(name: string, at: number): void {
    if (name === '!') throw new ExpressionError(at, 'there is no "!"');
    if (name === '') throw new ExpressionError(at, 'it ends too early');
    const count = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    if (count === undefined) {
      throw new ExpressionError(at, `there is no ${JSON.stringify(name)}; known are ${Object.keys(this.#functions).join(', ')}`);
    }
    this.#expect('(');
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#expect(',');
      const value = this.#take();
      if (!/^\d/.test(value.text)) throw new ExpressionError(value.at, `${name} takes ${count} ${count === 1 ? 'number' : 'numbers'}`);
    }
    this.#expect(')');
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { text: '', at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #accept(text: string): boolean {
    const isNext = this.#peek().text === text;
    if (isNext) this.#next += 1;
    return isNext;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (!this.#accept(text)) throw new ExpressionError(token.at, `expected ${text}${token.text === '' ? '' : ` before ${token.text}`}`);
  }
}
