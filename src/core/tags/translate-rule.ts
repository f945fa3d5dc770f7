import type { RuleClause } from './parse-v1-rule.ts';
import { parseV1Rule } from './parse-v1-rule.ts';

/**
 * A Traefik 1 rule in the words of Traefik 3, with what differs all the same; or the reason why it was not translated, as the end
 * of a sentence. Never a part of it: a rule without one of its clauses would let in what the whole rule keeps out.
 */
export type TranslatedRule =
  | { readonly kind: 'rule'; readonly rule: string; readonly notes: readonly string[] }
  | { readonly kind: 'not-translated'; readonly reason: string };

/** The value for Traefik 3, or the reason why it cannot be one. */
type Argument = { readonly value: string } | { readonly reason: string };

interface Matcher {
  readonly argument: (text: string) => Argument;
  readonly note?: (value: string) => string | undefined;
}

const hostArgument = (text: string): Argument => {
  if (text.includes('*')) return { reason: `Traefik 1 takes the "*" of host "${text}" literally, Traefik 3 does not` };
  if (text.includes(':')) return { reason: `"${text}" is not a host name; clauses are joined by ";"` };
  const value = text.toLowerCase();
  return /^[a-z0-9_.-]+$/.test(value) ? { value } : { reason: `"${text}" is not a host name in ASCII` };
};

const methodArgument = (text: string): Argument =>
  /^[A-Za-z]+$/.test(text) ? { value: text.toUpperCase() } : { reason: `"${text}" is not an HTTP method` };

const pathArgument = (text: string): Argument => {
  if (/[{}]/.test(text)) return { reason: `path "${text}" holds a pattern` };
  if (!text.startsWith('/')) return { reason: `path "${text}" does not begin with "/"` };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return /[\u0000-\u001f\u007f]/.test(text) ? { reason: `path ${JSON.stringify(text)} holds a control character` } : { value: text };
};

const slashNote = (path: string): string | undefined => {
  if (path === '/') return undefined;
  const bare = path.replace(/\/$/, '');
  return path.endsWith('/')
    ? `Traefik 1 also answers ${bare}, Traefik 3 only ${path}`
    : `Traefik 1 redirects ${path}/ to ${path}, Traefik 3 answers it with 404`;
};

/** The functions of Traefik 1 that are translated, each to the one of the same name (reference: traefik.md 3.2). */
const MATCHERS: ReadonlyMap<string, Matcher> = new Map<string, Matcher>([
  ['Host', { argument: hostArgument }],
  ['Method', { argument: methodArgument }],
  ['Path', { argument: pathArgument, note: slashNote }],
  ['PathPrefix', { argument: pathArgument }],
]);

/** Translates a Traefik 1 rule: clauses become `&&`, the arguments of a clause `||`. */
export function translateRule(v1Rule: string): TranslatedRule {
  const parsed = parseV1Rule(v1Rule);
  if (parsed.kind === 'invalid') return { kind: 'not-translated', reason: parsed.reason };
  const translated = parsed.clauses.map(translateClause);
  const failed = translated.find((clause) => clause.kind === 'not-translated');
  if (failed !== undefined) return failed;
  const rules = translated.filter((clause) => clause.kind === 'rule');
  return {
    kind: 'rule',
    rule: [...new Set(rules.map(({ rule }) => rule))].join(' && '),
    notes: [...new Set(rules.flatMap(({ notes }) => notes))],
  };
}

function translateClause({ name, args }: RuleClause): TranslatedRule {
  const matcher = MATCHERS.get(name);
  if (matcher === undefined) return { kind: 'not-translated', reason: `the function "${name}" is not translated yet` };
  const values: string[] = [];
  for (const arg of args) {
    const read = matcher.argument(arg);
    if ('reason' in read) return { kind: 'not-translated', reason: read.reason };
    if (!values.includes(read.value)) values.push(read.value);
  }
  const calls = values.map((value) => `${name}(${quoted(value)})`);
  return {
    kind: 'rule',
    rule: calls.length === 1 ? calls.join('') : `(${calls.join(' || ')})`,
    notes: values.flatMap((value) => matcher.note?.(value) ?? []),
  };
}

/** A Go string literal; in backticks, as Traefik's documentation writes it, where that is possible. */
const quoted = (value: string): string => (value.includes('`') ? JSON.stringify(value) : `\`${value}\``);
