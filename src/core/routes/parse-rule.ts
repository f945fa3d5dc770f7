import { type IpRange, parseIpRange } from '../../shared/ip-range.ts';
import { type GoPattern, goRegExp } from './go-regexp.ts';
import { type Expression, ExpressionSyntaxError, type ParsedExpression, parseExpression, type Token } from './parse-expression.ts';

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

interface Match {
  readonly kind: 'match';
  readonly matcher: MatcherName;
  readonly values: readonly string[];
  /** The expression of a `…Regexp` matcher. */
  readonly pattern?: GoPattern;
  /** The expression is too large to be tried here. */
  readonly isTooLarge?: true;
  /** The range of a `ClientIP` matcher. */
  readonly range?: IpRange;
}

/** A rule of a router, read. */
export type Rule = Expression<Match>;

export type ParsedRule = ParsedExpression<Match>;

/** The spellings that Traefik takes of a name: as it is, in lower case, in upper case, and with a capital first letter only. */
export function spellingsOf<Name extends string>(names: readonly Name[]): ReadonlyMap<string, Name> {
  return new Map(
    names.flatMap((name) => {
      const lower = name.toLowerCase();
      return [name, lower, name.toUpperCase(), `${lower.charAt(0).toUpperCase()}${lower.slice(1)}`].map((text) => [text, name] as const);
    }),
  );
}

const SPELLINGS = spellingsOf(Object.keys(MATCHERS) as MatcherName[]);

/** Reads a rule of Traefik 3: matchers joined by `&&`, `||` and `!`, in parentheses. Source: traefik pkg/rules, pkg/muxer/http. */
export const parseRule = (text: string): ParsedRule => parseExpression(text, readMatcher);

/** The priority of a router without one of its own: the length of its rule in bytes. */
export const defaultPriority = (rule: string): number => new TextEncoder().encode(rule).length;

/** Checks the values of a matcher as Traefik does when it builds the router. */
function readMatcher(name: Token, tokens: readonly Token[]): Match {
  const matcher = SPELLINGS.get(name.value);
  if (matcher === undefined) {
    throw new ExpressionSyntaxError(name.column, `there is no matcher ${name.value}; Traefik 3 has ${Object.keys(MATCHERS).join(', ')}`);
  }
  const counts: readonly number[] = MATCHERS[matcher];
  if (!counts.includes(tokens.length)) {
    const more = tokens.length > 1 && counts.length === 1 ? `; join several by ||: ${matcher}(\`a\`) || ${matcher}(\`b\`)` : '';
    throw new ExpressionSyntaxError(
      name.column,
      `${matcher} takes ${counts.join(' or ')} value${counts.at(-1) === 1 ? '' : 's'}, not ${tokens.length}${more}`,
    );
  }
  const values = tokens.map((token) => token.value);
  for (const token of tokens) if (token.value === '') throw new ExpressionSyntaxError(token.column, `${matcher} takes no empty value`);
  const last = tokens.at(-1) ?? name;
  if (matcher.startsWith('Host') && /\P{ASCII}/u.test(last.value)) {
    throw new ExpressionSyntaxError(last.column, `${matcher} takes ASCII only; write the name in its xn-- form`);
  }
  if ((matcher === 'Path' || matcher === 'PathPrefix') && !last.value.startsWith('/')) {
    throw new ExpressionSyntaxError(last.column, `${matcher} begins with a "/"`);
  }
  const hasPattern = matcher.endsWith('Regexp') && tokens.length === counts.at(-1);
  const range = matcher === 'ClientIP' ? parseIpRange(last.value) : undefined;
  if (matcher === 'ClientIP' && range === undefined) {
    throw new ExpressionSyntaxError(last.column, `${JSON.stringify(last.value)} is no address and no range such as 10.0.0.0/8`);
  }
  return {
    kind: 'match',
    matcher,
    values,
    ...(hasPattern ? compile(matcher, last) : {}),
    ...(range === undefined ? {} : { range }),
  };
}

/** False for a rule of which nobody here can tell what it takes: an expression in it is too large to be tried. */
export const isJudged = (rule: Rule): boolean => {
  if (rule.kind === 'match') return rule.isTooLarge !== true;
  return rule.kind === 'not' ? isJudged(rule.rule) : isJudged(rule.left) && isJudged(rule.right);
};

function compile(matcher: MatcherName, { value, column }: Token): Pick<Match, 'pattern' | 'isTooLarge'> {
  const read = goRegExp(value);
  if (read.kind === 'invalid') throw new ExpressionSyntaxError(column, `compiling ${matcher} expression: ${read.reason}`);
  return read.kind === 'pattern' ? { pattern: read.pattern } : { isTooLarge: true };
}
