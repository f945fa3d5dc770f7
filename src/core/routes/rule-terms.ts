import type { GoPattern } from './go-regexp.ts';
import { matchRule } from './match-rule.ts';
import type { Rule } from './parse-rule.ts';
import type { RouteRequest } from './route-request.ts';

type Match = Extract<Rule, { kind: 'match' }>;

/** A matcher of a rule, or its opposite. */
interface Literal {
  readonly match: Match;
  readonly isNegated: boolean;
}
/** Literals that must all hold. */
type Term = readonly Literal[];

const MOST_TERMS = 64;

/** A rule as alternatives, one of which must hold. */
export interface RuleTerms {
  readonly rule: Rule;
  /** Without those that contradict themselves: none means that it takes no request. Undefined when there are too many to look into. */
  readonly terms: readonly Term[] | undefined;
}

export const readTerms = (rule: Rule): RuleTerms => ({ rule, terms: termsOf(rule, false)?.filter((term) => !contradicts(term)) });

function termsOf(rule: Rule, isNegated: boolean): readonly Term[] | undefined {
  if (rule.kind === 'match') return [[{ match: rule, isNegated }]];
  if (rule.kind === 'not') return termsOf(rule.rule, !isNegated);
  const [left, right] = [termsOf(rule.left, isNegated), termsOf(rule.right, isNegated)];
  if (left === undefined || right === undefined) return undefined;
  const isEither = (rule.kind === 'or') !== isNegated;
  if (!isEither && left.length * right.length > MOST_TERMS) return undefined;
  return isEither ? [...left, ...right] : left.flatMap((a) => right.map((b) => [...a, ...b]));
}

const contradicts = (term: Term): boolean =>
  term.some((one) => term.some((other) => implies(one, { match: other.match, isNegated: !other.isNegated })));

/** True when every request that `narrow` takes is surely taken by `wide`. False also when that cannot be told. */
export function surelyCovers(wide: RuleTerms, narrow: RuleTerms): boolean {
  if (wide.terms === undefined || narrow.terms === undefined) return false;
  const alternatives = wide.terms;
  return narrow.terms.every((term) =>
    alternatives.some((other) => other.every((asked) => takesAll(asked) || term.some((held) => implies(held, asked)))),
  );
}

/** Every path begins with a slash. */
const takesAll = ({ match, isNegated }: Literal): boolean => !isNegated && match.matcher === 'PathPrefix' && match.values[0] === '/';

function implies(held: Literal, asked: Literal): boolean {
  const { matcher, values } = held.match;
  if (held.isNegated !== asked.isNegated) return !held.isNegated && excludes(held.match, asked.match);
  if (matcher === asked.match.matcher && sameValues(held.match, asked.match)) return true;
  const [prefix, wanted] = held.isNegated ? [values[0], asked.match.values[0]] : [asked.match.values[0], values[0]];
  const [wide, narrow] = held.isNegated ? [matcher, asked.match.matcher] : [asked.match.matcher, matcher];
  return wide === 'PathPrefix' && (narrow === 'Path' || narrow === 'PathPrefix') && (wanted ?? '').startsWith(prefix ?? '/');
}

/** True when what the one takes the other surely does not. */
function excludes(one: Match, other: Match): boolean {
  if (one.matcher === other.matcher) return ['Host', 'Method', 'Path'].includes(one.matcher) && !sameValues(one, other);
  return one.matcher === 'Path' && other.matcher === 'PathPrefix' && !(one.values[0] ?? '').startsWith(other.values[0] ?? '');
}

function sameValues(a: Match, b: Match): boolean {
  if (a.values.length !== b.values.length) return false;
  return a.values.every((value, i) => {
    const other = b.values[i];
    return value === other || (other !== undefined && written(a, i) === written(b, i));
  });
}

/** A value of a matcher, whatever cases and dots it may be written with. */
function written({ matcher, values }: Match, i: number): string | undefined {
  const value = values[i];
  if (matcher === 'Host' && i === 0) return value?.toLowerCase().replace(/\.$/, '');
  if (matcher === 'Method' && i === 0) return value?.toUpperCase();
  return matcher.startsWith('Header') && i === 0 ? value?.toLowerCase() : value;
}

/** A request that both rules take; undefined when none is found, which is no proof that there is none. */
export function sharedRequest(one: RuleTerms, other: RuleTerms): RouteRequest | undefined {
  for (const a of one.terms ?? []) {
    const host = hostOf(a);
    for (const b of other.terms ?? []) {
      // A host that both take stands in another pair: rules may name many.
      if (host !== undefined && (hostOf(b) ?? host) !== host) continue;
      if (a.some((held) => b.some((asked) => areApart(held, asked)))) continue;
      const literals = [...a, ...b];
      const request = requestFor(literals);
      if (literals.every(({ match, isNegated }) => matchRule(match, request) !== isNegated)) return request;
    }
  }
  return undefined;
}

/**
 * Whether two literals ask for different values of one header or query key. A request may carry both, but those that are told apart by
 * it, such as tenants, do not.
 */
function areApart(one: Literal, other: Literal): boolean {
  const { matcher } = one.match;
  if (one.isNegated || other.isNegated || matcher !== other.match.matcher || (matcher !== 'Header' && matcher !== 'Query')) return false;
  return written(one.match, 0) === written(other.match, 0) && one.match.values[1] !== other.match.values[1];
}

/** A request that the literals ask for, as far as they say how it must be. */
function requestFor(literals: readonly Literal[]): RouteRequest {
  const asked = literals.filter(({ isNegated }) => !isNegated).map(({ match }) => match);
  const first = (matcher: Match['matcher'], otherwise: string): string =>
    asked.find((match) => match.matcher === matcher)?.values[0] ?? otherwise;
  const prefixes = asked.filter(({ matcher }) => matcher === 'PathPrefix').map(({ values }) => values[0] ?? '/');
  const longest = prefixes.reduce((a, b) => (b.length > a.length ? b : a), '/');
  const headers = Map.groupBy(
    asked.filter(({ matcher }) => matcher === 'Header'),
    ({ values }) => (values[0] ?? '').toLowerCase(),
  );
  return {
    method: first('Method', 'GET').toUpperCase(),
    host: first('Host', ANY_HOST).toLowerCase(),
    path: first('Path', longest),
    query: asked.filter(({ matcher }) => matcher === 'Query').map(({ values }) => [values[0] ?? '', values[1] ?? ''] as const),
    headers: new Map([...headers].map(([name, matches]) => [name, matches.map(({ values }) => values[1] ?? '')])),
    clientIp: first('ClientIP', '192.0.2.1').replace(/\/.*$/, ''),
  };
}

/** A host that a rule is confined to, in lower case and without a dot at its end, or an expression that hosts must fit. */
export type HostBound =
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'pattern'; readonly source: string; readonly pattern: GoPattern };

/** The hosts that a rule is confined to; undefined when it may take others. */
export function confinedHosts({ terms }: RuleTerms): readonly HostBound[] | undefined {
  const bounds = new Map<string, HostBound>();
  for (const term of terms ?? [[]]) {
    const host = hostOf(term);
    const own = [...(host === undefined ? [] : [{ kind: 'host' as const, host }]), ...patternsOf(term)];
    if (own.length === 0) return undefined;
    for (const bound of own) bounds.set(bound.kind === 'host' ? bound.host : ` ${bound.source}`, bound);
  }
  return [...bounds.values()];
}

/** The expressions that a term asks hosts to fit, but for those that the host of requests fits that name none. */
const patternsOf = (term: Term): readonly HostBound[] =>
  term.flatMap(({ match: { matcher, pattern, values }, isNegated }): readonly HostBound[] => {
    if (isNegated || matcher !== 'HostRegexp' || pattern === undefined || pattern.test(ANY_HOST) || pattern.test('')) return [];
    return [{ kind: 'pattern', source: values[0] ?? '', pattern }];
  });

/** Where nobody asks for a host. */
const ANY_HOST = 'any.invalid';

/** The host that a term asks for, in lower case; undefined when it may take others. */
const hostOf = (term: Term): string | undefined =>
  term
    .find(({ match, isNegated }) => match.matcher === 'Host' && !isNegated)
    ?.match.values[0]?.toLowerCase()
    .replace(/\.$/, '');

/** A path that requests have, or begin with. */
export interface PathBound {
  readonly path: string;
  readonly isWhole: boolean;
}

/** The paths that a rule is confined to, one for each alternative; undefined when it may take others. */
export function confinedPaths({ terms }: RuleTerms): readonly PathBound[] | undefined {
  const bounds = (terms ?? [[]]).map((term): PathBound | undefined => {
    const found = term.find(({ match, isNegated }) => !isNegated && (match.matcher === 'Path' || match.matcher === 'PathPrefix'));
    return found === undefined ? undefined : { path: found.match.values[0] ?? '', isWhole: found.match.matcher === 'Path' };
  });
  const known = bounds.filter((bound) => bound !== undefined);
  return known.length === bounds.length ? known : undefined;
}

/** False when surely no path is within the bounds of both. */
export const mayMeet = (one: readonly PathBound[] | undefined, other: readonly PathBound[] | undefined): boolean =>
  one === undefined || other === undefined || one.some((a) => other.some((b) => doMeet(a, b)));

function doMeet(a: PathBound, b: PathBound): boolean {
  if (a.isWhole && b.isWhole) return a.path === b.path;
  if (a.isWhole) return a.path.startsWith(b.path);
  if (b.isWhole) return b.path.startsWith(a.path);
  return a.path.startsWith(b.path) || b.path.startsWith(a.path);
}
