import { routingPath } from './routing-path.ts';

/** What a rule looks at in a request. Made by `routeRequest`. */
export interface RouteRequest {
  readonly method: string;
  /** In lower case, without a port. */
  readonly host: string;
  /** As Traefik matches it: cleaned, escaped characters decoded, but for reserved ones. */
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
  /** True for a request over TLS. */
  readonly tls?: boolean;
}

/** Traefik takes these away from clients that it does not trust, and writes some of them itself, before it looks for a router. */
const FORWARDED: ReadonlySet<string> = new Set([
  'x-forwarded-proto',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-forwarded-uri',
  'x-forwarded-method',
  'x-forwarded-prefix',
  'x-forwarded-tls-client-cert',
  'x-forwarded-tls-client-cert-info',
  'x-real-ip',
]);
/** Go takes them out of the headers. */
const NOT_HEADERS: ReadonlySet<string> = new Set(['host', 'transfer-encoding', 'trailer']);

/** Prepares a request for matching, as Traefik's entry points do (traefik pkg/server, pkg/middlewares/forwardedheaders, requestdecorator). */
export function routeRequest({ method, target, headers, clientIp = '', tls = false }: RawRequest): RouteRequest {
  const byName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value === undefined ? [] : [value].flat()] as const),
  );
  const host = byName.get('host')?.[0] ?? '';
  const mark = target.indexOf('?');
  return {
    method,
    host: hostName(host).trim().toLowerCase(),
    path: routingPath(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? [] : queryPairs(target.slice(mark + 1)),
    headers: seenHeaders(byName, { host, clientIp, tls }),
    clientIp,
  };
}

/** Without the port; an IPv6 address without its brackets. */
function hostName(host: string): string {
  if (!host.includes(':')) return host;
  const { ip, name } = /^(?:\[(?<ip>[^\]]*)\](?::[^:]*)?|(?<name>[^:[\]]*):[^:]*)$/.exec(host)?.groups ?? {};
  return ip ?? name ?? host;
}

/** The headers that are left when the entry point has done its part. */
function seenHeaders(
  headers: ReadonlyMap<string, readonly string[]>,
  { host, clientIp, tls }: { readonly host: string; readonly clientIp: string; readonly tls: boolean },
): ReadonlyMap<string, readonly string[]> {
  const named = (headers.get('connection') ?? []).flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  const isUpgrade = named.includes('upgrade');
  const gone = new Set([...named, ...NOT_HEADERS, ...FORWARDED, 'connection']);
  const seen = new Map([...headers].filter(([name]) => !gone.has(name)));
  const upgrade = headers.get('upgrade')?.[0];
  if (isUpgrade && upgrade !== undefined) seen.set('upgrade', [upgrade]).set('connection', ['Upgrade']);
  const scheme = isUpgrade && upgrade?.toLowerCase() === 'websocket' ? 'ws' : 'http';
  seen.set('x-forwarded-proto', [tls ? `${scheme}s` : scheme]);
  seen.set('x-forwarded-port', [/:(\d+)$/.exec(host)?.[1] ?? (tls ? '443' : '80')]);
  if (host !== '') seen.set('x-forwarded-host', [host]);
  if (clientIp !== '') seen.set('x-real-ip', [clientIp]);
  return seen;
}

/** Go's url.ParseQuery, after Traefik has let `;` count as `&`. A pair with an escape that is none is dropped. */
function queryPairs(query: string): readonly (readonly [string, string])[] {
  return query.split(/[&;]/).flatMap((pair) => {
    const equals = pair.indexOf('=');
    const name = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals));
    const value = unescapeQuery(equals < 0 ? '' : pair.slice(equals + 1));
    return pair === '' || name === undefined || value === undefined ? [] : [[name, value] as const];
  });
}

/** Undefined for an escape that is none. Bytes that are not UTF-8 become the replacement character. */
function unescapeQuery(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  return text.replaceAll('+', ' ').replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const codes = run.slice(1).split('%');
    return new TextDecoder().decode(Uint8Array.from(codes, (code) => Number.parseInt(code, 16)));
  });
}
