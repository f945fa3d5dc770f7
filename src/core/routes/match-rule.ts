import { assertNever } from '../../shared/errors.ts';
import type { MatcherName, Rule } from './parse-rule.ts';

/** What a rule looks at in a request. Made by `routeRequest`. */
export interface RouteRequest {
  readonly method: string;
  /** In lower case, without a port. */
  readonly host: string;
  /** As Traefik matches it: escaped characters decoded, but for reserved ones. */
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** By the name in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly clientIp: string;
}

/** A request as it came in: `target` is the path with its query, `headers` hold the Host as well. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly clientIp?: string;
}

/** Prepares a request for matching. */
export function routeRequest({ method, target, headers, clientIp = '' }: RawRequest): RouteRequest {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value === undefined ? [] : [value].flat()] as const);
  const byName = new Map(entries);
  const mark = target.indexOf('?');
  return {
    method,
    host: (byName.get('host')?.[0] ?? '').toLowerCase().replace(/:\d+$/, ''),
    path: routingPath(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? [] : queryPairs(target.slice(mark + 1)),
    headers: byName,
    clientIp,
  };
}

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
      return TESTS[rule.matcher](request, rule.values, rule.pattern ?? NEVER);
    default:
      return assertNever(rule);
  }
}

type Test = (request: RouteRequest, values: readonly string[], pattern: RegExp) => boolean;

const NEVER = /(?!)/;
const withoutDot = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host);

const valuesOf = (request: RouteRequest, name: string): readonly string[] =>
  request.query.filter(([key]) => key === name).map(([, value]) => value);

const TESTS: Readonly<Record<MatcherName, Test>> = {
  Method: ({ method }, [wanted = '']) => method === wanted.toUpperCase(),
  // A trailing dot on either side does not count.
  Host: ({ host }, [wanted = '']) => host !== '' && withoutDot(host) === withoutDot(wanted.toLowerCase()),
  HostRegexp: ({ host }, _, pattern) => pattern.test(host),
  Path: ({ path }, [wanted]) => path === wanted,
  PathPrefix: ({ path }, [wanted = '']) => path.startsWith(wanted),
  PathRegexp: ({ path }, _, pattern) => pattern.test(path),
  Header: ({ headers }, [name = '', value = '']) => (headers.get(name.toLowerCase()) ?? []).includes(value),
  HeaderRegexp: ({ headers }, [name = ''], pattern) => (headers.get(name.toLowerCase()) ?? []).some((value) => pattern.test(value)),
  Query: (request, [name = '', value = '']) => valuesOf(request, name).includes(value),
  QueryRegexp: (request, [name = '', value], pattern) =>
    value === undefined ? valuesOf(request, name).includes('') : valuesOf(request, name).some((held) => pattern.test(held)),
  ClientIP: ({ clientIp }, [wanted = '']) => inRange(clientIp, wanted),
};

/** Whether an address is the given one or, for IPv4, within the given range. */
function inRange(address: string, range: string): boolean {
  const [base = '', bits] = range.split('/');
  if (bits === undefined) return address === base;
  const [a, b] = [ipv4Number(address), ipv4Number(base)];
  const size = 2 ** (32 - Number(bits));
  return a !== undefined && b !== undefined && Math.floor(a / size) === Math.floor(b / size);
}

function ipv4Number(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  const valid = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  return valid ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}

/** Characters that mean something in a URL stay escaped, in the upper-case spelling only (traefik pkg/muxer/http/mux.go). */
const RESERVED = new Set([
  '%3A',
  '%2F',
  '%3F',
  '%23',
  '%5B',
  '%5D',
  '%40',
  '%21',
  '%24',
  '%26',
  '%27',
  '%28',
  '%29',
  '%2A',
  '%2B',
  '%2C',
  '%3B',
  '%3D',
  '%25',
]);

function routingPath(escaped: string): string {
  return escaped.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const codes = run.match(/%../g) ?? [];
    // Reserved codes are escaped once more, so that decoding the whole run gives them back.
    return decoded(codes.map((code) => (RESERVED.has(code) ? `%25${code.slice(1)}` : code)).join('')) ?? run;
  });
}

function queryPairs(query: string): readonly (readonly [string, string])[] {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', value = ''] = pair.split(/=(.*)/s).map((part) => decoded(part.replaceAll('+', ' ')) ?? part);
      return [name, value] as const;
    });
}

function decoded(escaped: string): string | undefined {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}
