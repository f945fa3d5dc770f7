import { ConsulError } from './records.ts';

/** Whether a record passes a filter expression. */
export type Filter = (record: object) => boolean;

/** Outside quotes: an even number of them follows. */
const UNQUOTED = '(?=(?:[^"]*"[^"]*")*[^"]*$)';
const COMPARISON = /^(not\s+)?(\w+)((?:\.\w+|\["[^"]+"\])*)\s*(==|!=|\bnot matches\b|\bmatches\b|\bcontains\b)\s*"([^"]*)"$/;

/**
 * Reads the part of Consul's filter language that the project uses: comparisons of a text field such as `Node` or `Meta["k"]` with a
 * quoted text by `==`, `!=`, `matches`, `not matches` (`(?i)` at the start: in whatever case) or `contains`, joined by `and` and `or`,
 * without parentheses. `fields` are the first names that exist. Throws what Consul answers to a filter that it cannot read.
 */
export function parseFilter(expression: string, fields: readonly string[]): Filter {
  const join = (word: string, text: string): string[] => text.split(new RegExp(`\\s+${word}\\s+${UNQUOTED}`));
  const anyOf = join('or', expression.trim()).map((part) => join('and', part).map((term) => parseComparison(term, fields)));
  return (record) => anyOf.some((allOf) => allOf.every((holds) => holds(record)));
}

function parseComparison(term: string, fields: readonly string[]): Filter {
  const fail = (why: string): ConsulError => new ConsulError(`Failed to create boolean expression evaluator: ${why}`);
  const [, not, first, rest = '', operator, wanted = ''] = COMPARISON.exec(term) ?? [];
  if (first === undefined) throw fail(`"${term}" is outside the filters that this sandbox reads`);
  if (!fields.includes(first)) throw fail(`Selector "${first}" is not valid`);
  const path = [first, ...rest.split(/[.[\]"]+/).filter((name) => name !== '')];
  const [, ignoreCase, source = ''] = /^(\(\?i\))?(.*)$/s.exec(wanted) ?? [];
  const pattern = operator?.endsWith('matches') ? new RegExp(source, ignoreCase === undefined ? '' : 'i') : undefined;
  const negated = (not !== undefined) !== (operator === '!=' || operator === 'not matches');
  return (record) => {
    const value = path.reduce<unknown>((held, name) => (held as Readonly<Record<string, unknown>> | null | undefined)?.[name], record);
    const holds =
      pattern?.test(typeof value === 'string' ? value : '') ?? (Array.isArray(value) ? value.includes(wanted) : value === wanted);
    return holds !== negated;
  };
}
