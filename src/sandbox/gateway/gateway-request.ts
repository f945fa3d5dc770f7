import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { type RawRequest, routeRequest } from '../../core/routes/route-request.ts';
import { hasBadEscape, sanitizedPath } from '../../core/routes/routing-path.ts';
import { type GoPath, readPath, writePath } from './go-url.ts';

/** Values by the name of the header in lower case. */
export type HeaderMap = ReadonlyMap<string, readonly string[]>;

/** A request on its way from an entry point to a server. */
export interface GatewayRequest extends GoPath {
  readonly method: string;
  /** With its port. */
  readonly host: string;
  /** With its `?`; empty without one. */
  readonly query: string;
  /** Escaped path and query: what a redirection looks at, and what a server gets. */
  readonly target: string;
  /** Without Host. An empty list stands for one that nobody may add. */
  readonly headers: HeaderMap;
  readonly clientIp: string;
  readonly tls: boolean;
}

/** An answer of the gateway's own. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
}

/** Changes the headers of an answer on its way back. */
export type HeaderChange = (headers: HeaderMap) => HeaderMap;

/** What a middleware makes of a request: it passes it on, and may change the headers of the answer, or answers it itself. */
export type Step =
  | { readonly kind: 'pass'; readonly request: GatewayRequest; readonly back?: HeaderChange }
  | { readonly kind: 'answer'; readonly answer: GatewayAnswer };

export type Middleware = (config: DynamicObject, request: GatewayRequest) => Step;

/** The request as Traefik's entry points hand it to its routers; undefined for one that they answer with 400. */
export function gatewayRequest(raw: RawRequest): GatewayRequest | undefined {
  const { method, target, headers, clientIp = '', tls = false } = raw;
  const mark = target.indexOf('?');
  const [path, query] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
  if (hasBadEscape(path) || path.includes('#')) return undefined;
  const [host = ''] = [headers['host']].flat();
  const sanitized = sanitizedPath(path);
  const seen = routeRequest(raw).headers;
  return { method, host, ...readPath(sanitized), query, target: `${sanitized}${query}`, headers: seen, clientIp, tls };
}

/** The request with another path. */
export function withPath(request: GatewayRequest, path: GoPath): GatewayRequest {
  const query = request.query.replaceAll(';', '&');
  return { ...request, ...path, query, target: `${writePath(path) || '/'}${query}` };
}

/** A text as Node sends it in a header: a character for each byte. */
export const headerText = (text: string): string => Buffer.from(text).toString('latin1');

/** The headers with one more value under a name. */
export const withAdded = (headers: HeaderMap, name: string, value: string): HeaderMap =>
  new Map([...headers, [name, [...(headers.get(name) ?? []), headerText(value)]]]);

/** The headers with only this value under a name; without any for undefined. */
export function withHeader(headers: HeaderMap, name: string, value: string | undefined): HeaderMap {
  const changed = new Map(headers);
  if (value === undefined) changed.delete(name.toLowerCase());
  else changed.set(name.toLowerCase(), [headerText(value)]);
  return changed;
}

/** An answer of plain text. */
export function plainAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Step & { readonly kind: 'answer' } {
  const seen = new Map(Object.entries(headers).map(([name, value]) => [name, [headerText(value)]]));
  return { kind: 'answer', answer: { status, headers: seen, body } };
}

/** An answer as Go's http.Error gives it. */
export const errorAnswer = (status: number, text: string): Step & { readonly kind: 'answer' } =>
  plainAnswer(status, `${text}\n`, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
