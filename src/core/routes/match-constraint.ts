import { assertNever } from '../../shared/errors.ts';
import { goRegExp } from './go-regexp.ts';
import { type Expression, ExpressionSyntaxError, parseExpression, type Token } from './parse-expression.ts';

interface TagTest {
  readonly kind: 'tags';
  readonly test: (tags: readonly string[]) => boolean;
}

/**
 * Whether tags fit a constraint of Traefik's catalog provider: ``Tag(`a`) && !TagRegex(`^b`)``. One that cannot be read lets nothing
 * through, and an empty one everything. Source: traefik pkg/provider/constraints.
 */
export function readConstraint(text: string): (tags: readonly string[]) => boolean {
  if (text === '') return () => true;
  const parsed = parseExpression(text, readTest);
  return parsed.ok ? (tags) => holds(parsed.rule, tags) : () => false;
}

function readTest(name: Token, values: readonly Token[]): TagTest {
  const [value] = values;
  if (value === undefined || values.length > 1) throw new ExpressionSyntaxError(name.column, `${name.value} takes one text`);
  if (name.value === 'Tag') return { kind: 'tags', test: (tags) => tags.includes(value.value) };
  if (name.value !== 'TagRegex') throw new ExpressionSyntaxError(name.column, `there is no ${name.value}; write Tag or TagRegex`);
  const read = goRegExp(value.value);
  return { kind: 'tags', test: (tags) => read.kind === 'pattern' && tags.some((tag) => read.pattern.test(tag)) };
}

function holds(rule: Expression<TagTest>, tags: readonly string[]): boolean {
  switch (rule.kind) {
    case 'and':
      return holds(rule.left, tags) && holds(rule.right, tags);
    case 'or':
      return holds(rule.left, tags) || holds(rule.right, tags);
    case 'not':
      return !holds(rule.rule, tags);
    case 'tags':
      return rule.test(tags);
    default:
      return assertNever(rule);
  }
}
