import { parseIpRange } from '../../shared/ip-range.ts';
import { goRegExp } from './go-regexp.ts';
import { type Expression, ExpressionSyntaxError, type ParsedExpression, parseExpression, type Token } from './parse-expression.ts';
import { defaultPriority, spellingsOf } from './parse-rule.ts';

const MATCHERS = spellingsOf(['ALPN', 'ClientIP', 'HostSNI', 'HostSNIRegexp']);

interface TcpMatch {
  readonly kind: 'match';
  readonly matcher: 'ALPN' | 'ClientIP' | 'HostSNI' | 'HostSNIRegexp';
  readonly value: string;
}

/** A rule of a TCP router, read. */
export type TcpRule = Expression<TcpMatch>;

/** Reads a rule of a TCP router. Source: traefik pkg/muxer/tcp. */
export const parseTcpRule = (text: string): ParsedExpression<TcpMatch> => parseExpression(text, readMatch);

/** The names that the rule speaks of by HostSNI, in order, negated ones as well. */
export function sniNames(rule: TcpRule): readonly string[] {
  if (rule.kind === 'match') return rule.matcher === 'HostSNI' ? [rule.value.toLowerCase()] : [];
  return rule.kind === 'not' ? sniNames(rule.rule) : [...sniNames(rule.left), ...sniNames(rule.right)];
}

/** The priority of a TCP router without one of its own: the length of its rule, but -1 for one that takes everything. */
export function defaultTcpPriority(text: string): number {
  const parsed = parseTcpRule(text);
  const isCatchAll = parsed.ok && parsed.rule.kind === 'match' && parsed.rule.matcher === 'HostSNI' && parsed.rule.value === '*';
  return isCatchAll ? -1 : defaultPriority(text);
}

function readMatch(name: Token, tokens: readonly Token[]): TcpMatch {
  const matcher = MATCHERS.get(name.value);
  if (matcher === undefined) throw new ExpressionSyntaxError(name.column, `there is no matcher ${name.value} for TCP`);
  const [token] = tokens;
  if (token === undefined || tokens.length > 1)
    throw new ExpressionSyntaxError(name.column, `${matcher} takes 1 value, not ${tokens.length}`);
  const { value } = token;
  const refuse = (why: string): never => {
    throw new ExpressionSyntaxError(token.column, `${JSON.stringify(value)} ${why}`);
  };
  if (value === '') refuse('is empty');
  if (matcher === 'ALPN' && value === 'acme-tls/1') refuse('is not allowed');
  if (matcher === 'ClientIP' && parseIpRange(value) === undefined) refuse('is no address and no range');
  if (matcher === 'HostSNI' && value !== '*' && !/^[\w.\-:]+$/.test(value)) refuse('is no host name');
  if (matcher === 'HostSNIRegexp' && (/\P{ASCII}/u.test(value) || goRegExp(value).kind === 'invalid')) refuse('is no expression');
  return { kind: 'match', matcher, value };
}
