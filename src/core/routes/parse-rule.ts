import { type IpRange, parseIpRange } from '../../shared/ip-range.ts';
import { goRegExp } from './go-regexp.ts';

/** The matchers of Traefik 3's rules, and how many values each takes. */
const MATCHERS = {
  ClientIP: [1],
  Method: [1],
  Host: [1],
  HostRegexp: [1],
  Path: [1],
  PathRegexp: [1],
  PathPrefix: [1],
  Header: [2],
  HeaderRegexp: [2],
  Query: [1, 2],
  QueryRegexp: [1, 2],
} as const satisfies Record<string, readonly number[]>;

export type MatcherName = keyof typeof MATCHERS;

/** A rule of a router, read. */
export type Rule =
  | {
      readonly kind: 'match';
      readonly matcher: MatcherName;
      readonly values: readonly string[];
      /** The expression of a `…Regexp` matcher. */
      readonly pattern?: RegExp;
      /** The range of a `ClientIP` matcher. */
      readonly range?: IpRange;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Rule; readonly right: Rule }
  | { readonly kind: 'not'; readonly rule: Rule };

/** Why a rule cannot be read. Columns count from 1, in UTF-16 code units. */
export interface RuleError {
  readonly column: number;
  readonly message: string;
}

export type ParsedRule = { readonly ok: true; readonly rule: Rule } | { readonly ok: false; readonly error: RuleError };

class RuleSyntaxError extends Error {
  readonly column: number;
  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

interface Token {
  readonly kind: 'name' | 'text' | 'sign' | 'end';
  readonly value: string;
  readonly column: number;
}

/** Names in the spellings that Traefik takes: as they are, in lower case, in upper case, and with a capital first letter only. */
const SPELLINGS: ReadonlyMap<string, MatcherName> = new Map(
  (Object.keys(MATCHERS) as MatcherName[]).flatMap((name) => {
    const lower = name.toLowerCase();
    return [name, lower, name.toUpperCase(), `${lower.charAt(0).toUpperCase()}${lower.slice(1)}`].map((text) => [text, name] as const);
  }),
);

/**
 * Reads a rule of Traefik 3 (its syntax is that of Go expressions): matchers with texts in backticks or double quotes, joined by `&&`,
 * `||` and `!`, in parentheses. Source: traefik pkg/rules, pkg/muxer/http.
 */
export function parseRule(text: string): ParsedRule {
  try {
    const parser = new RuleParser(tokensOf(text));
    return { ok: true, rule: parser.whole() };
  } catch (error) {
    if (!(error instanceof RuleSyntaxError)) throw error;
    return { ok: false, error: { column: error.column, message: error.message } };
  }
}

/** The priority of a router without one of its own: the length of its rule in bytes. */
export const defaultPriority = (rule: string): number => new TextEncoder().encode(rule).length;

/** A space, a quoted text, a sign or a name; sticky, so that what fits none of them shows. */
const TOKEN = /\s+|(?<raw>`[^`]*`)|(?<quoted>"(?:[^"\\\n]|\\.)*")|(?<sign>&&|\|\||[!(),])|(?<name>[A-Za-z_]\w*)/y;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const match = pattern.exec(text);
    const column = at + 1;
    if (match === null) throw new RuleSyntaxError(column, unreadable(text.charAt(at)));
    const { raw, quoted, sign, name } = match.groups ?? {};
    const last = tokens.at(-1);
    // Go ends an expression at the line's end unless a sign there asks for more.
    if (match[0].includes('\n') && raw === undefined && last !== undefined && (last.kind !== 'sign' || last.value === ')')) {
      if (text.slice(pattern.lastIndex) !== '')
        throw new RuleSyntaxError(column, 'the rule ends with this line; put && or || at the end of the line, not at the beginning');
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
    throw new RuleSyntaxError(column, `${quoted} holds an escape that Traefik does not know; write \\\\ for a backslash, or use backticks`);
  }
}

class RuleParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Rule {
    const rule = this.#either();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw new RuleSyntaxError(rest.column, `expected && or || before ${shown(rest)}`);
    return rule;
  }

  #either(): Rule {
    let left = this.#both();
    while (this.#accept('||')) left = { kind: 'or', left, right: this.#both() };
    return left;
  }

  #both(): Rule {
    let left = this.#one();
    while (this.#accept('&&')) left = { kind: 'and', left, right: this.#one() };
    return left;
  }

  #one(): Rule {
    if (this.#accept('!')) return { kind: 'not', rule: this.#one() };
    if (!this.#accept('(')) return this.#matcher();
    const inner = this.#either();
    this.#expect(')');
    return inner;
  }

  #matcher(): Rule {
    const name = this.#next();
    if (name.kind !== 'name') throw new RuleSyntaxError(name.column, `expected a matcher such as Host, found ${shown(name)}`);
    const matcher = SPELLINGS.get(name.value);
    if (matcher === undefined) {
      throw new RuleSyntaxError(name.column, `there is no matcher ${name.value}; Traefik 3 has ${Object.keys(MATCHERS).join(', ')}`);
    }
    this.#expect('(');
    const values: Token[] = [];
    while (!this.#accept(')')) {
      if (values.length > 0) this.#expect(',');
      if (values.length > 0 && this.#accept(')')) break;
      const value = this.#next();
      if (value.kind !== 'text')
        throw new RuleSyntaxError(value.column, `expected a text in backticks or double quotes, found ${shown(value)}`);
      values.push(value);
    }
    return readMatcher(matcher, name, values);
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

  #expect(sign: string): void {
    const token = this.#peek();
    if (!this.#accept(sign)) throw new RuleSyntaxError(token.column, `expected ${sign} before ${shown(token)}`);
  }
}

const shown = (token: Token): string => (token.kind === 'end' ? 'the end of the rule' : JSON.stringify(token.value));

/** Checks the values of a matcher as Traefik does when it builds the router. */
function readMatcher(matcher: MatcherName, name: Token, tokens: readonly Token[]): Rule {
  const counts: readonly number[] = MATCHERS[matcher];
  if (!counts.includes(tokens.length)) {
    const more = tokens.length > 1 && counts.length === 1 ? `; join several by ||: ${matcher}(\`a\`) || ${matcher}(\`b\`)` : '';
    throw new RuleSyntaxError(
      name.column,
      `${matcher} takes ${counts.join(' or ')} value${counts.at(-1) === 1 ? '' : 's'}, not ${tokens.length}${more}`,
    );
  }
  const values = tokens.map((token) => token.value);
  for (const token of tokens) if (token.value === '') throw new RuleSyntaxError(token.column, `${matcher} takes no empty value`);
  const last = tokens.at(-1) ?? name;
  if (matcher.startsWith('Host') && /\P{ASCII}/u.test(last.value)) {
    throw new RuleSyntaxError(last.column, `${matcher} takes ASCII only; write the name in its xn-- form`);
  }
  if ((matcher === 'Path' || matcher === 'PathPrefix') && !last.value.startsWith('/')) {
    throw new RuleSyntaxError(last.column, `${matcher} begins with a "/"`);
  }
  const hasPattern = matcher.endsWith('Regexp') && tokens.length === counts.at(-1);
  const range = matcher === 'ClientIP' ? parseIpRange(last.value) : undefined;
  if (matcher === 'ClientIP' && range === undefined) {
    throw new RuleSyntaxError(last.column, `${JSON.stringify(last.value)} is no address and no range such as 10.0.0.0/8`);
  }
  return { kind: 'match', matcher, values, ...(hasPattern ? { pattern: compile(last) } : {}), ...(range === undefined ? {} : { range }) };
}

function compile({ value, column }: Token): RegExp {
  const read = goRegExp(value);
  if (read.kind === 'invalid') throw new RuleSyntaxError(column, `${JSON.stringify(value)} ${read.reason}`);
  return read.pattern;
}
