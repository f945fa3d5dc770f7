import { ANY_LABEL, ANY_SEGMENT, muxPattern } from './mux-pattern.ts';
import type { Fields, Told } from './v1-key.ts';

/** What one function of a Traefik 1 rule became, or why it was not translated, as the end of a sentence. */
export type TurnedClause =
  | { readonly kind: 'clause'; readonly matchers: readonly string[]; readonly fields?: Fields; readonly told?: readonly Told[] }
  | { readonly kind: 'not-translated'; readonly reason: string };

/** One row of the table: a function of Traefik 1's rules. */
export interface RuleFunction {
  readonly name: string;
  readonly class: 'exact' | 'rewritten' | 'approximate';
  /** The matcher or middleware of Traefik 3, for the reference. */
  readonly to: string;
  readonly remark?: string;
  /** Turns its arguments. All matchers of one clause are alternatives, but for those joined by `&&` already. */
  readonly turn: (args: readonly string[]) => TurnedClause;
}

/** A value for Traefik 3, or the reason why it cannot be one. */
type Value = { readonly value: string; readonly told?: Told } | { readonly reason: string };

const no = (reason: string): TurnedClause => ({ kind: 'not-translated', reason });

/** A Go string literal; in backticks, as Traefik's documentation writes it, where that is possible. */
export const quoted = (value: string): string => (value.includes('`') ? JSON.stringify(value) : `\`${value}\``);

/** Turns each argument into one matcher; the arguments are alternatives. */
function each(args: readonly string[], matcherOf: (arg: string) => Value, name?: string): TurnedClause {
  const matchers = new Set<string>();
  const told: Told[] = [];
  for (const arg of args) {
    const turned = matcherOf(arg);
    if ('reason' in turned) return no(turned.reason);
    matchers.add(name === undefined ? turned.value : `${name}(${quoted(turned.value)})`);
    if (turned.told !== undefined) told.push(turned.told);
  }
  return { kind: 'clause', matchers: [...matchers], told };
}

const host = (text: string): Value => {
  if (text.includes('*')) return { reason: `Traefik 1 takes the "*" of host "${text}" literally, Traefik 3 does not` };
  if (text.includes(':')) return { reason: `"${text}" is not a host name; clauses are joined by ";"` };
  const value = text.toLowerCase();
  return /^[a-z0-9_.-]+$/.test(value) ? { value } : { reason: `"${text}" is not a host name in ASCII` };
};

const hostPattern = (text: string): Value => {
  if (/[^\x21-\x7e]/.test(text)) return { reason: `"${text}" is not a host name in ASCII` };
  const turned = muxPattern(text, ANY_LABEL);
  return turned.kind === 'invalid' ? turned : { value: `(?i)^${turned.expression}$` };
};

const method = (text: string): Value =>
  /^[A-Za-z]+$/.test(text) ? { value: text.toUpperCase() } : { reason: `"${text}" is not an HTTP method` };

/** Why text cannot be a path; undefined when it can. */
function notAPath(text: string): string | undefined {
  if (!text.startsWith('/')) return `path "${text}" does not begin with "/"`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return /[\u0000-\u001f\u007f]/.test(text) ? `path ${JSON.stringify(text)} holds a control character` : undefined;
}

/** `Path` of Traefik 1 also has an opinion on the slash at the end. */
function slash(path: string): Told | undefined {
  if (path === '/') return undefined;
  const bare = path.replace(/\/$/, '');
  const reason = path.endsWith('/')
    ? `is translated, but Traefik 1 also answers ${bare}, Traefik 3 only ${path}`
    : `is translated, but Traefik 1 redirects ${path}/ to ${path}, Traefik 3 answers it with 404`;
  return { class: 'approximate', reason };
}

/** A path matcher of Traefik 3 for a path, or for a pattern that must match wholly (`$`) or at the beginning. */
function pathMatcher(path: string, end: '$' | ''): Value {
  const reason = notAPath(path);
  if (reason !== undefined) return { reason };
  const told = end === '$' ? slash(path) : undefined;
  const more = told === undefined ? {} : { told };
  if (!/[{}]/.test(path)) return { value: `${end === '$' ? 'Path' : 'PathPrefix'}(${quoted(path)})`, ...more };
  const turned = muxPattern(path, ANY_SEGMENT);
  return turned.kind === 'invalid' ? turned : { value: `PathRegexp(${quoted(`^${turned.expression}${end}`)})`, ...more };
}

/** Paths that are matched and then cut off, the longest first, as Traefik 1 sorts them. */
function strip(args: readonly string[], end: '$' | '', regex: boolean): TurnedClause {
  const sorted = [...args].sort((a, b) => b.length - a.length);
  const clause = each(args, (path) => pathMatcher(path, end));
  if (clause.kind === 'not-translated') return clause;
  if (!regex) {
    const pattern = args.find((path) => /[{}]/.test(path));
    if (pattern !== undefined) return no(`Traefik 1 strips "${pattern}" literally, braces and all; PathStripRegex strips a pattern`);
    return { ...clause, fields: { 'M.stripprefix.prefixes': sorted.join(',') } };
  }
  const expressions = sorted
    .map((path) => muxPattern(path, ANY_SEGMENT))
    .map((turned) => (turned.kind === 'pattern' ? `^${turned.expression}` : ''));
  return { ...clause, fields: { 'M.stripprefixregex.regex': expressions.join(',') } };
}

/** Modifiers match everything; of several arguments the last counts. */
const modifier =
  (fieldsOf: (arg: string) => Fields): RuleFunction['turn'] =>
  (args) => ({
    kind: 'clause',
    matchers: [],
    fields: fieldsOf(args.at(-1) ?? ''),
  });

const IGNORED: Told = {
  class: 'unknown',
  reason: 'has a ReplacePathRegex without exactly one space, which Traefik 1 ignores; it is left out',
};

function replacePathRegex(args: readonly string[]): TurnedClause {
  const [regex, replacement, ...rest] = (args.at(-1) ?? '').split(' ');
  if (regex === undefined || replacement === undefined || rest.length > 0) return { kind: 'clause', matchers: [], told: [IGNORED] };
  return { kind: 'clause', matchers: [], fields: { 'M.replacepathregex.regex': regex, 'M.replacepathregex.replacement': replacement } };
}

/** Names and values in turn; all of them must match. */
function pairs(args: readonly string[], name: string): TurnedClause {
  if (args.length % 2 !== 0) return no(`${name}s takes names and values in turn`);
  const matchers: string[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const [header = '', value = ''] = args.slice(at, at + 2);
    if (header === '' || value === '') return no(`${name}s has an empty name or value`);
    matchers.push(`${name}(${quoted(header)}, ${quoted(value)})`);
  }
  return { kind: 'clause', matchers: [matchers.join(' && ')] };
}

function query(args: readonly string[]): TurnedClause {
  const matchers: string[] = [];
  for (const arg of args) {
    const [name = '', value, ...rest] = arg.split('=');
    if (value === undefined || name === '' || rest.length > 0) return no(`"${arg}" is not one name=value`);
    if (/[{}]/.test(name)) return no(`the name of "${arg}" is a pattern`);
    const turned = muxPattern(value, '.*');
    if (turned.kind === 'invalid') return no(turned.reason);
    const expression = value === '' ? '.*' : `^${turned.expression}$`;
    const isPattern = value === '' || value.includes('{');
    matchers.push(`${isPattern ? 'QueryRegexp' : 'Query'}(${quoted(name)}, ${quoted(isPattern ? expression : value)})`);
  }
  return { kind: 'clause', matchers: [matchers.join(' && ')] };
}

const SLASH = 'Traefik 1 also redirects or answers the path with, or without, a slash at its end';

/** The functions of Traefik 1's rules (reference: traefik.md 3.2). Letter case counts. */
export const RULE_FUNCTIONS: readonly RuleFunction[] = [
  { name: 'Host', class: 'exact', to: 'Host', turn: (args) => each(args, host, 'Host') },
  { name: 'HostRegexp', class: 'exact', to: 'HostRegexp', turn: (args) => each(args, hostPattern, 'HostRegexp') },
  { name: 'Method', class: 'exact', to: 'Method', turn: (args) => each(args, method, 'Method') },
  {
    name: 'Path',
    class: 'approximate',
    to: 'Path, or PathRegexp for a pattern',
    remark: SLASH,
    turn: (args) => each(args, (arg) => pathMatcher(arg, '$')),
  },
  {
    name: 'PathPrefix',
    class: 'exact',
    to: 'PathPrefix, or PathRegexp for a pattern',
    turn: (args) => each(args, (arg) => pathMatcher(arg, '')),
  },
  { name: 'PathStrip', class: 'approximate', to: 'Path and M.stripprefix', remark: SLASH, turn: (args) => strip(args, '$', false) },
  { name: 'PathPrefixStrip', class: 'exact', to: 'PathPrefix and M.stripprefix', turn: (args) => strip(args, '', false) },
  {
    name: 'PathStripRegex',
    class: 'approximate',
    to: 'PathRegexp and M.stripprefixregex',
    remark: SLASH,
    turn: (args) => strip(args, '$', true),
  },
  { name: 'PathPrefixStripRegex', class: 'exact', to: 'PathRegexp and M.stripprefixregex', turn: (args) => strip(args, '', true) },
  { name: 'AddPrefix', class: 'exact', to: 'M.addprefix.prefix', turn: modifier((prefix) => ({ 'M.addprefix.prefix': prefix })) },
  { name: 'ReplacePath', class: 'exact', to: 'M.replacepath.path', turn: modifier((path) => ({ 'M.replacepath.path': path })) },
  { name: 'ReplacePathRegex', class: 'exact', to: 'M.replacepathregex', turn: replacePathRegex },
  { name: 'Headers', class: 'exact', to: 'Header', turn: (args) => pairs(args, 'Header') },
  { name: 'HeadersRegexp', class: 'exact', to: 'HeaderRegexp', turn: (args) => pairs(args, 'HeaderRegexp') },
  { name: 'Query', class: 'exact', to: 'Query, or QueryRegexp for a pattern', turn: query },
];
