import { assertNever } from '../../shared/errors.ts';
import { type IpRange, isInIpRange } from '../../shared/ip-range.ts';
import type { GoPattern } from './go-regexp.ts';
import type { MatcherName, Rule } from './parse-rule.ts';
import type { RouteRequest } from './route-request.ts';

/** Whether a router with this rule takes the request. */
export function matchRule(rule: Rule, request: RouteRequest): boolean {
  switch (rule.kind) {
    case 'and':
      return matchRule(rule.left, request) && matchRule(rule.right, request);
    case 'or':
      return matchRule(rule.left, request) || matchRule(rule.right, request);
    case 'not':
      return !matchRule(rule.rule, request);
    case 'match':
      return TESTS[rule.matcher](request, rule.values, rule);
    default:
      return assertNever(rule);
  }
}

interface Read {
  readonly pattern?: GoPattern;
  readonly range?: IpRange;
}
type Test = (request: RouteRequest, values: readonly string[], read: Read) => boolean;

const sameHost = (host: string, wanted: string): boolean => host === wanted || `${host}.` === wanted || host === `${wanted}.`;

const valuesOf = (request: RouteRequest, name: string): readonly string[] =>
  request.query.filter(([key]) => key === name).map(([, value]) => value);

const TESTS: Readonly<Record<MatcherName, Test>> = {
  Method: ({ method }, [wanted = '']) => method === wanted.toUpperCase(),
  // A trailing dot on either side does not count.
  Host: ({ host }, [wanted = '']) => host !== '' && sameHost(host, wanted.toLowerCase()),
  // Traefik also tries the name that CNAMEs lead to, which is empty while it does not follow them.
  HostRegexp: ({ host }, _, { pattern }) => fits(pattern, host) || fits(pattern, ''),
  Path: ({ path }, [wanted]) => path === wanted,
  PathPrefix: ({ path }, [wanted = '']) => path.startsWith(wanted),
  PathRegexp: ({ path }, _, { pattern }) => fits(pattern, path),
  Header: ({ headers }, [name = '', value = '']) => (headers.get(name.toLowerCase()) ?? []).includes(value),
  HeaderRegexp: ({ headers }, [name = ''], { pattern }) => (headers.get(name.toLowerCase()) ?? []).some((value) => fits(pattern, value)),
  Query: (request, [name = '', value = '']) => valuesOf(request, name).includes(value),
  QueryRegexp: (request, [name = '', value], { pattern }) =>
    value === undefined ? valuesOf(request, name).includes('') : valuesOf(request, name).some((held) => fits(pattern, held)),
  ClientIP: ({ clientIp }, _, { range }) => range !== undefined && isInIpRange(clientIp, range),
};

const fits = (pattern: GoPattern | undefined, text: string): boolean => pattern?.test(text) ?? false;
