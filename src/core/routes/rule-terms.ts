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
  return narrow.terms.every((term) => alternatives.some((other) => other.every((asked) => term.some((held) => implies(held, asked)))));
}

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
  const [left, right] = [a, b].map(({ matcher, values }) => {
    if (matcher === 'Host') return [values[0]?.toLowerCase().replace(/\.$/, '')];
    if (matcher === 'Method') return [values[0]?.toUpperCase()];
    return matcher.startsWith('Header') ? [values[0]?.toLowerCase(), ...values.slice(1)] : values;
  });
  return JSON.stringify(left) === JSON.stringify(right);
}

/** A request that both rules take; undefined when none is found, which is no proof that there is none. */
export function sharedRequest(one: RuleTerms, other: RuleTerms): RouteRequest | undefined {
  for (const a of one.terms ?? []) {
    for (const b of other.terms ?? []) {
      const request = requestFor([...a, ...b]);
      if (matchRule(one.rule, request) && matchRule(other.rule, request)) return request;
    }
  }
  return undefined;
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
    host: first('Host', 'any.invalid').toLowerCase(),
    path: first('Path', longest),
    query: asked.filter(({ matcher }) => matcher === 'Query').map(({ values }) => [values[0] ?? '', values[1] ?? ''] as const),
    headers: new Map([...headers].map(([name, matches]) => [name, matches.map(({ values }) => values[1] ?? '')])),
    clientIp: first('ClientIP', '192.0.2.1').replace(/\/.*$/, ''),
  };
}

/** The hosts that a rule is confined to, in lower case; undefined when it may take others. */
export function confinedHosts({ terms }: RuleTerms): ReadonlySet<string> | undefined {
  const hosts = new Set<string>();
  for (const term of terms ?? [[]]) {
    const host = term.find(({ match, isNegated }) => match.matcher === 'Host' && !isNegated)?.match.values[0];
    if (host === undefined) return undefined;
    hosts.add(host.toLowerCase().replace(/\.$/, ''));
  }
  return hosts;
}
