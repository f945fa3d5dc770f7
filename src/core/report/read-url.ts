import { type RouteRequest, routeRequest } from '../routes/route-request.ts';

/** A URL as somebody asks about it. */
export interface AskedUrl {
  readonly scheme: 'http' | 'https' | 'any';
  readonly host: string;
  /** The path with its query. */
  readonly target: string;
  readonly request: RouteRequest;
}

/** Reads `https://host/path`, `host/path` or `host`; undefined for anything else. */
export function readUrl(text: string): AskedUrl | undefined {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  if (url === null || url.hostname === '' || !/^https?:$/.test(url.protocol)) return undefined;
  const target = `${url.pathname}${url.search}`;
  const scheme = hasScheme ? (url.protocol.slice(0, -1) as 'http' | 'https') : 'any';
  const request = routeRequest({ method: 'GET', target, headers: { host: url.host }, tls: scheme === 'https' });
  return { scheme, host: request.host, target, request };
}
