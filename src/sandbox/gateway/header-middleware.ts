import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { goRegExp } from '../../core/routes/go-regexp.ts';
import { errorAnswer, type GatewayRequest, type HeaderMap, plainAnswer, type Step, withHeader } from './gateway-request.ts';
import { listOf, objectOf, textOf } from './middleware-config.ts';
import { isHostAllowed, securityHeaders } from './security-headers.ts';

/** Traefik pkg/middlewares/headers: answers preflights, changes headers on both ways, and guards the host. */
export function headers(config: DynamicObject, incoming: GatewayRequest): Step {
  const preflight = preflightAnswer(config, incoming);
  if (preflight !== undefined) return preflight;
  const request = withRequestHeaders(config, incoming);
  if (!isHostAllowed(config, request)) return withBack(errorAnswer(500, 'Bad Host'), (seen) => customised(config, request, seen));
  const security = securityHeaders(config, request);
  const secured = (seen: HeaderMap): HeaderMap => new Map([...seen, ...security]);
  // The security headers are the inner ones.
  return { kind: 'pass', request, back: (seen) => customised(config, request, secured(seen)) };
}

const withBack = (step: Step & { readonly kind: 'answer' }, back: (seen: HeaderMap) => HeaderMap): Step => ({
  kind: 'answer',
  answer: { ...step.answer, headers: back(step.answer.headers) },
});

function withRequestHeaders(config: DynamicObject, request: GatewayRequest): GatewayRequest {
  let { host, headers: changed } = request;
  for (const [name, value] of Object.entries(objectOf(config, 'customRequestHeaders'))) {
    // In this spelling Go's proxy takes it for one that it must not write.
    if (value === '' && name === 'X-Forwarded-For') changed = new Map([...changed, [name.toLowerCase(), []]]);
    else if (value !== '' && name.toLowerCase() === 'host') host = String(value);
    else changed = withHeader(changed, name, value === '' ? undefined : String(value));
  }
  return { ...request, host, headers: changed };
}

function customised(config: DynamicObject, request: GatewayRequest, seen: HeaderMap): HeaderMap {
  let changed = seen;
  const set = (name: string, value: string | undefined): void => {
    changed = withHeader(changed, name, value);
  };
  for (const [name, value] of Object.entries(objectOf(config, 'customResponseHeaders')))
    set(name, value === '' ? undefined : String(value));
  const origin = allowedOrigin(config, request);
  if (origin !== undefined) set('access-control-allow-origin', origin);
  if (config['accessControlAllowCredentials'] === true) set('access-control-allow-credentials', 'true');
  const exposed = listOf(config, 'accessControlExposeHeaders');
  if (exposed.length > 0) set('access-control-expose-headers', exposed.join(','));
  const vary = changed.get('vary')?.[0] ?? '';
  if (config['addVaryHeader'] === true && vary !== 'Origin') set('vary', vary === '' ? 'Origin' : `${vary},Origin`);
  return changed;
}

const CROSS_ORIGIN =
  /^(?:accessControl(?:AllowCredentials|AllowHeaders|AllowMethods|AllowOriginList|AllowOriginListRegex|ExposeHeaders|MaxAge)|addVaryHeader)$/;

function preflightAnswer(config: DynamicObject, request: GatewayRequest): Step | undefined {
  const asked = (name: string): string => request.headers.get(name)?.[0] ?? '';
  const isPreflight = request.method === 'OPTIONS' && asked('access-control-request-method') !== '' && asked('origin') !== '';
  if (!isPreflight || !Object.keys(config).some((field) => CROSS_ORIGIN.test(field))) return undefined;
  const [allowed, methods] = [listOf(config, 'accessControlAllowHeaders').join(), listOf(config, 'accessControlAllowMethods').join()];
  const origin = allowedOrigin(config, request);
  return plainAnswer(200, '', {
    ...(config['accessControlAllowCredentials'] === true ? { 'access-control-allow-credentials': 'true' } : {}),
    ...(allowed === '' ? {} : { 'access-control-allow-headers': allowed }),
    ...(methods === '' ? {} : { 'access-control-allow-methods': methods }),
    ...(origin === undefined ? {} : { 'access-control-allow-origin': origin }),
    'access-control-max-age': textOf(config, 'accessControlMaxAge') || '0',
    'content-length': '0',
  });
}

function allowedOrigin(config: DynamicObject, { headers: asked }: GatewayRequest): string | undefined {
  const origin = asked.get('origin')?.[0] ?? '';
  const listed = listOf(config, 'accessControlAllowOriginList').find((one) => one === '*' || one === origin);
  if (listed !== undefined) return listed;
  const fits = listOf(config, 'accessControlAllowOriginListRegex').some((source) => {
    const read = goRegExp(source);
    return read.kind === 'pattern' && read.pattern.test(origin);
  });
  return fits ? origin : undefined;
}
