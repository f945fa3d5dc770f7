import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { hasBadEscape, unescapePath } from '../../core/routes/routing-path.ts';
import { errorAnswer, type GatewayRequest, type Step, withAdded, withPath } from './gateway-request.ts';
import { goReplacer } from './go-replace.ts';
import { writePath } from './go-url.ts';
import { listOf, textOf } from './middleware-config.ts';

const pass = (request: GatewayRequest): Step => ({ kind: 'pass', request });
const withSlash = (path: string): string => (path === '' || path.startsWith('/') ? path : `/${path}`);

/** Traefik pkg/middlewares/stripprefix. */
export function stripPrefix(config: DynamicObject, request: GatewayRequest): Step {
  const prefix = listOf(config, 'prefixes').find((one) => request.path.startsWith(one));
  if (prefix === undefined) return pass(request);
  const isForced = config['forceSlash'] === true;
  const rest = (path: string): string => (isForced ? `/${path.replace(/^\//, '')}` : withSlash(path));
  return pass(stripped(request, prefix, rest));
}

/** Traefik pkg/middlewares/stripprefixregex: only what an expression finds at the beginning is taken away. */
export function stripPrefixRegex(config: DynamicObject, request: GatewayRequest): Step {
  const found = listOf(config, 'regex').map((source) => goReplacer(source.trim())?.first(request.path));
  const prefix = found.find((text) => text !== undefined && text !== '' && request.path.startsWith(text));
  return pass(prefix === undefined ? request : stripped(request, prefix, withSlash));
}

function stripped(request: GatewayRequest, prefix: string, rest: (path: string) => string): GatewayRequest {
  const { path, rawPath, headers } = request;
  const raw = rawPath === '' ? '' : rest(rawPath.slice(escapedLength(rawPath, prefix)));
  const changed = withPath(request, { path: rest(path.slice(prefix.length)), rawPath: raw });
  return { ...changed, headers: withAdded(headers, 'x-forwarded-prefix', prefix.trim()) };
}

/** How much of an escaped path stands for as many bytes as the prefix has. */
function escapedLength(rawPath: string, prefix: string): number {
  let [at, left] = [0, new TextEncoder().encode(prefix).length];
  for (; at < rawPath.length && left > 0; left--) at += rawPath[at] === '%' ? 3 : 1;
  return at;
}

/** Traefik pkg/middlewares/addprefix. */
export function addPrefix(config: DynamicObject, request: GatewayRequest): Step {
  const prefix = textOf(config, 'prefix');
  const { path, rawPath } = request;
  return pass(withPath(request, { path: withSlash(prefix + path), rawPath: rawPath === '' ? '' : withSlash(prefix + rawPath) }));
}

/** Traefik pkg/middlewares/replacepath. */
export const replacePath = (config: DynamicObject, request: GatewayRequest): Step => replaced(request, textOf(config, 'path'));

/** Traefik pkg/middlewares/replacepathregex: the expression sees the escaped path. */
export function replacePathRegex(config: DynamicObject, request: GatewayRequest): Step {
  const replacer = goReplacer(textOf(config, 'regex').trim());
  const current = currentPath(request);
  if (replacer?.first(current) === undefined) return pass(request);
  return replaced(request, replacer.replaceAll(current, textOf(config, 'replacement').trim()));
}

const currentPath = (request: GatewayRequest): string => (request.rawPath === '' ? writePath(request) : request.rawPath);

function replaced(request: GatewayRequest, rawPath: string): Step {
  if (hasBadEscape(rawPath))
    return errorAnswer(500, `invalid URL escape ${JSON.stringify(/%(?![0-9A-Fa-f]{2}).{0,2}/.exec(rawPath)?.[0])}`);
  const headers = withAdded(request.headers, 'x-replaced-path', currentPath(request));
  return pass({ ...withPath(request, { path: unescapePath(rawPath), rawPath }), headers });
}
