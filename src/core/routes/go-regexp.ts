import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { regexpSize } from './regexp-size.ts';

/** A regular expression of Go, or why it is none, in Go's words. `too-large`: nobody here tells whether it is one, or what fits it. */
export type GoRegExp =
  | { readonly kind: 'pattern'; readonly pattern: GoPattern }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'too-large' };

/** One text takes a program of so many instructions a tenth of a second, and whoever may register a Consul service writes expressions. */
const MOST_INSTRUCTIONS = 12_000;

/** What fits a pattern: the whole, then its groups, undefined for those that took no part. */
export interface GoMatch {
  readonly groups: readonly (string | undefined)[];
  /** Where it begins in the text. */
  readonly index: number;
}

/**
 * Compiles an expression as Go's regexp does, whose syntax is RE2's: no looking around, no back references, no possessive repetitions.
 * Matching takes time in proportion to the text, whoever wrote the expression.
 */
export function goRegExp(source: string): GoRegExp {
  // To tell the size takes time too.
  if (source.length > MOST_INSTRUCTIONS || regexpSize(source) > MOST_INSTRUCTIONS) return { kind: 'too-large' };
  try {
    return { kind: 'pattern', pattern: new GoPattern(RE2JS.compile(source), {}) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return withEqualNames(source) ?? { kind: 'invalid', reason: reasonOf(error) };
  }
}

/** A compiled expression. */
export class GoPattern {
  readonly #compiled: RE2JS;
  readonly #written: Readonly<Record<string, string>>;

  /** `written`: by the name of a group that the expression got here, the one that it has. */
  constructor(compiled: RE2JS, written: Readonly<Record<string, string>>) {
    this.#compiled = compiled;
    this.#written = written;
  }

  /** True when some part of the text fits. */
  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  /** The first text that fits; undefined for none. */
  first(text: string): string | undefined {
    for (const { groups } of this.matches(text)) return groups[0];
    return undefined;
  }

  /** All that fits, from left to right. */
  *matches(text: string): Generator<GoMatch> {
    const matcher = this.#compiled.matcher(text);
    const count = matcher.groupCount();
    for (let end = -1; matcher.find(); ) {
      const index = matcher.start();
      const isAdjacent = matcher.end() === index && index === end;
      end = matcher.end();
      // Go finds nothing of no length right behind what it found before.
      if (!isAdjacent) yield { index, groups: Array.from({ length: count + 1 }, (_, i) => matcher.group(i) ?? undefined) };
    }
  }

  /** The groups of a name, in order: Go lets several have it. */
  groupsNamed(name: string): readonly number[] {
    return Object.entries(this.#compiled.namedGroups())
      .filter(([given]) => (this.#written[given] ?? given) === name)
      .map(([, group]) => group);
  }
}

/** As Go writes it. */
const reasonOf = (error: RE2JSException): string =>
  error instanceof RE2JSSyntaxException ? `error parsing regexp: ${error.error}: \`${error.input ?? ''}\`` : error.message;

/** The names of groups, and what may hide one: literals, escapes, classes. */
const NAMES = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\(\?P?<(?<name>\w+)>/g;

/** Go lets several groups have one name, the compiler here does not. Undefined when there are none such, or when the rest is wrong too. */
function withEqualNames(source: string): GoRegExp | undefined {
  const written: Record<string, string> = {};
  const renamed = source.replace(NAMES, (text: string, name: string | undefined) => {
    if (name === undefined) return text;
    const given = `g${Object.keys(written).length}`;
    written[given] = name;
    return `(?P<${given}>`;
  });
  if (new Set(Object.values(written)).size === Object.keys(written).length) return undefined;
  try {
    return { kind: 'pattern', pattern: new GoPattern(RE2JS.compile(renamed), written) };
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}
