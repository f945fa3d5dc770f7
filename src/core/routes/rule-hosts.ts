import { type Expression, ExpressionSyntaxError, parseExpression, type Token } from './parse-expression.ts';
import { spellingsOf } from './parse-rule.ts';

/** The matchers of Traefik 3 and 2: here Traefik reads both. */
const MATCHERS = spellingsOf([
  ...['ClientIP', 'Method', 'Host', 'HostRegexp', 'Path', 'PathRegexp', 'PathPrefix', 'Header', 'HeaderRegexp', 'Query', 'QueryRegexp'],
  ...['HostHeader', 'Headers', 'HeadersRegexp'],
]);

interface Leaf {
  readonly kind: 'hosts';
  readonly hosts: readonly string[];
}

/**
 * The hosts that a rule speaks of, in lower case, negated ones as well: what Traefik chooses the TLS options by. Undefined for a rule that
 * cannot be parsed; what is wrong with its values does not matter here. Source: traefik pkg/muxer/http ParseDomains.
 */
export function ruleHosts(rule: string): readonly string[] | undefined {
  const parsed = parseExpression(rule, readLeaf);
  return parsed.ok ? hostsOf(parsed.rule) : undefined;
}

function readLeaf(name: Token, values: readonly Token[]): Leaf {
  const matcher = MATCHERS.get(name.value);
  if (matcher === undefined) throw new ExpressionSyntaxError(name.column, `there is no matcher ${name.value}`);
  return { kind: 'hosts', hosts: matcher === 'Host' ? values.map(({ value }) => value.toLowerCase()) : [] };
}

function hostsOf(rule: Expression<Leaf>): readonly string[] {
  if (rule.kind === 'hosts') return rule.hosts;
  return rule.kind === 'not' ? hostsOf(rule.rule) : [...hostsOf(rule.left), ...hostsOf(rule.right)];
}
