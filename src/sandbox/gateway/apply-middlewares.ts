import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import type { PredictedObjects } from '../../core/routes/predicted-routes.ts';
import { basicAuth, ipAllowList } from './access-middlewares.ts';
import type { GatewayAnswer, GatewayRequest, HeaderChange, HeaderMap, Middleware, Step } from './gateway-request.ts';
import { headers } from './header-middleware.ts';
import { listOf } from './middleware-config.ts';
import { notSupported } from './not-supported.ts';
import { addPrefix, replacePath, replacePathRegex, stripPrefix, stripPrefixRegex } from './path-middlewares.ts';
import { redirectRegex, redirectScheme } from './redirect-middlewares.ts';

/** What becomes of a request behind a router's middlewares. */
export interface MiddlewareOutcome {
  /** The request for the service, or the answer of a middleware. */
  readonly result:
    | { readonly kind: 'pass'; readonly request: GatewayRequest }
    | { readonly kind: 'answer'; readonly answer: GatewayAnswer };
  /** What the middlewares that the request came through do to the headers of the answer, whosoever gives it. */
  readonly back: HeaderChange;
  /** How many servers may be tried that take no connection. */
  readonly attempts: number;
}

const MIDDLEWARES: Readonly<Record<string, Middleware>> = {
  addPrefix,
  basicAuth,
  headers,
  ipAllowList,
  ipWhiteList: ipAllowList,
  redirectRegex,
  redirectScheme,
  replacePath,
  replacePathRegex,
  stripPrefix,
  stripPrefixRegex,
};

/** These change neither the way of a request nor, but for encodings, limits and error pages, the answer; here they do nothing. */
const LET_THROUGH: ReadonlySet<string> = new Set([
  ...[
    'buffering',
    'circuitBreaker',
    'compress',
    'contentType',
    'errors',
    'grpcWeb',
    'inFlightReq',
    'passTLSClientCert',
    'rateLimit',
    'retry',
  ],
]);

/**
 * Takes a request through middlewares, in order, by their names with their provider. One that the sandbox cannot do, and that might keep a
 * request out or send it elsewhere, answers 501.
 */
export function applyMiddlewares(names: readonly string[], known: PredictedObjects, request: GatewayRequest): MiddlewareOutcome {
  const backs: HeaderChange[] = [];
  let attempts = 1;
  const back = (seen: HeaderMap): HeaderMap => backs.reduceRight((changed, change) => change(changed), seen);
  let current = request;
  for (const [kind, config] of names.flatMap((name) => configsOf(name, known))) {
    if (kind === 'retry') attempts *= Math.max(1, Number(config['attempts'] ?? 1));
    const step = stepOf(kind, config, current);
    if (step.kind === 'answer') return { result: step, back, attempts };
    if (step.back !== undefined) backs.push(step.back);
    current = step.request;
  }
  return { result: { kind: 'pass', request: current }, back, attempts };
}

function stepOf(kind: string, config: DynamicObject, request: GatewayRequest): Step {
  const middleware = MIDDLEWARES[kind];
  if (middleware !== undefined) return middleware(config, request);
  return LET_THROUGH.has(kind) ? { kind: 'pass', request } : notSupported(`the middleware ${kind}`);
}

/** The kind and the configuration of a middleware; those of its members for a chain. */
function configsOf(name: string, known: PredictedObjects): readonly (readonly [kind: string, config: DynamicObject])[] {
  const config = known.get(name)?.config;
  if (config === undefined) return [[name, {}]];
  return Object.entries(config).flatMap(([kind, own]) =>
    kind === 'chain'
      ? listOf(own as DynamicObject, 'middlewares').flatMap((member) => configsOf(member, known))
      : [[kind, own as DynamicObject] as const],
  );
}
