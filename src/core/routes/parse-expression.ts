/** What Traefik writes its rules and constraints in: functions with texts, joined by `&&`, `||` and `!`. Made of leaves of one kind. */
export type Expression<Leaf> =
  | Leaf
  | { readonly kind: 'and' | 'or'; readonly left: Expression<Leaf>; readonly right: Expression<Leaf> }
  | { readonly kind: 'not'; readonly rule: Expression<Leaf> };

/** Why an expression cannot be read. Columns count from 1, in UTF-16 code units. */
export interface ExpressionError {
  readonly column: number;
  readonly message: string;
}

export type ParsedExpression<Leaf> =
  | { readonly ok: true; readonly rule: Expression<Leaf> }
  | { readonly ok: false; readonly error: ExpressionError };

/** Thrown by the reader of a function to refuse it. */
export class ExpressionSyntaxError extends Error {
  readonly column: number;
  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

/** A part of an expression, at its column. */
export interface Token {
  readonly kind: 'name' | 'text' | 'sign' | 'end';
  readonly value: string;
  readonly column: number;
}

/** Makes a leaf of a function's name and its texts, or throws an `ExpressionSyntaxError`. */
export type LeafReader<Leaf> = (name: Token, values: readonly Token[]) => Leaf;

/**
 * Reads an expression as Traefik does, whose syntax is that of Go's: texts stand in backticks or double quotes. Source: traefik
 * pkg/rules, pkg/provider/constraints, vulcand/predicate.
 */
export function parseExpression<Leaf>(text: string, readLeaf: LeafReader<Leaf>): ParsedExpression<Leaf> {
  try {
    return { ok: true, rule: new Parser(tokensOf(text), readLeaf).whole() };
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    return { ok: false, error: { column: error.column, message: error.message } };
  }
}

/** A space, a quoted text, a sign or a name; sticky, so that what fits none of them shows. */
const TOKEN = /\s+|(?<raw>`[^`]*`)|(?<quoted>"(?:[^"\\\n]|\\.)*")|(?<sign>&&|\|\||[!(),])|(?<name>[A-Za-z_]\w*)/y;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const match = pattern.exec(text);
    const column = at + 1;
    if (match === null) throw new ExpressionSyntaxError(column, unreadable(text.charAt(at)));
    const { raw, quoted, sign, name } = match.groups ?? {};
    const last = tokens.at(-1);
    // Go ends an expression at the line's end unless a sign there asks for more.
    if (match[0].includes('\n') && raw === undefined && last !== undefined && (last.kind !== 'sign' || last.value === ')')) {
      if (text.slice(pattern.lastIndex) !== '')
        throw new ExpressionSyntaxError(column, 'the rule ends with this line; put && or || at the end of the line, not at the beginning');
    }
    if (raw !== undefined) tokens.push({ kind: 'text', value: raw.slice(1, -1).replaceAll('\r', ''), column });
    if (quoted !== undefined) tokens.push({ kind: 'text', value: unquote(quoted, column), column });
    if (sign !== undefined) tokens.push({ kind: 'sign', value: sign, column });
    if (name !== undefined) tokens.push({ kind: 'name', value: name, column });
  }
  return [...tokens, { kind: 'end', value: '', column: text.length + 1 }];
}

function unreadable(character: string): string {
  if (character === '`' || character === '"') return `the text that begins here does not end: a second ${character} is missing`;
  return `unexpected ${JSON.stringify(character)}; matchers such as Host(\`a.example\`) are joined by &&, || and !`;
}

/** The simple escapes of Go's strings, which are JSON's, with `\x41` beside. */
function unquote(quoted: string, column: number): string {
  try {
    return JSON.parse(
      quoted
        .replace(/\\x([0-9a-fA-F]{2})/g, '\\u00$1')
        .replace(/\\a/g, '\\u0007')
        .replace(/\\v/g, '\\u000b'),
    ) as string;
  } catch {
    throw new ExpressionSyntaxError(
      column,
      `${quoted} holds an escape that Traefik does not know; write \\\\ for a backslash, or use backticks`,
    );
  }
}

// Expressions are walked by functions that call themselves, so one that is deeper than the stack would end the process. Traefik
// goes deeper; nobody writes such a rule but to break something.
const MAX_DEPTH = 500;
const MAX_LEAVES = 2000;

class Parser<Leaf> {
  readonly #tokens: readonly Token[];
  readonly #readLeaf: LeafReader<Leaf>;
  #at = 0;
  #depth = 0;
  #leaves = 0;

  constructor(tokens: readonly Token[], readLeaf: LeafReader<Leaf>) {
    this.#tokens = tokens;
    this.#readLeaf = readLeaf;
  }

  whole(): Expression<Leaf> {
    const rule = this.#either();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw new ExpressionSyntaxError(rest.column, `expected && or || before ${shown(rest)}`);
    return rule;
  }

  #either(): Expression<Leaf> {
    let left: Expression<Leaf> = this.#both();
    while (this.#accept('||')) left = { kind: 'or', left, right: this.#both() };
    return left;
  }

  #both(): Expression<Leaf> {
    let left: Expression<Leaf> = this.#one();
    while (this.#accept('&&')) left = { kind: 'and', left, right: this.#one() };
    return left;
  }

  #one(): Expression<Leaf> {
    const { column } = this.#peek();
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new ExpressionSyntaxError(column, `the rule is nested deeper than ${MAX_DEPTH}`);
    const found = this.#negated() ?? this.#grouped() ?? this.#leaf();
    this.#depth -= 1;
    return found;
  }

  #negated(): Expression<Leaf> | undefined {
    return this.#accept('!') ? { kind: 'not', rule: this.#one() } : undefined;
  }

  #grouped(): Expression<Leaf> | undefined {
    if (!this.#accept('(')) return undefined;
    const inner = this.#either();
    this.#expect(')');
    return inner;
  }

  #leaf(): Leaf {
    const name = this.#next();
    this.#leaves += 1;
    if (this.#leaves > MAX_LEAVES) throw new ExpressionSyntaxError(name.column, `the rule has more than ${MAX_LEAVES} matchers`);
    if (name.kind !== 'name') throw new ExpressionSyntaxError(name.column, `expected a matcher such as Host, found ${shown(name)}`);
    this.#expect('(');
    const values: Token[] = [];
    while (!this.#accept(')')) {
      if (values.length > 0) this.#expect(',', ') or ,');
      if (values.length > 0 && this.#accept(')')) break;
      const value = this.#next();
      if (value.kind !== 'text')
        throw new ExpressionSyntaxError(value.column, `expected a text in backticks or double quotes, found ${shown(value)}`);
      values.push(value);
    }
    return this.#readLeaf(name, values);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', value: '', column: 1 };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #accept(sign: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'sign' || token.value !== sign) return false;
    this.#at += 1;
    return true;
  }

  #expect(sign: string, wanted = sign): void {
    const token = this.#peek();
    if (!this.#accept(sign)) throw new ExpressionSyntaxError(token.column, `expected ${wanted} before ${shown(token)}`);
  }
}

const shown = (token: Token): string => (token.kind === 'end' ? 'the end of the rule' : JSON.stringify(token.value));
