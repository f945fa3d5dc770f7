import { parseIpRange } from '../../shared/ip-range.ts';
import { defaultEntryPoints } from './apply-entry-points.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { isElsewhere, judgeEntryPoints, priorityError } from './judge-http.ts';
import { type JudgedObject, type JudgedObjects, judgedObjects, predictedObjects, qualified } from './judged-object.ts';
import type { MergedObjects } from './merge-configurations.ts';
import type { PredictedProtocol, TraefikSettings } from './predicted-routes.ts';
import { defaultTcpPriority, parseTcpRule, sniNames } from './read-tcp-rule.ts';

/** Builds the TCP objects as a running Traefik does. Source: traefik pkg/server/router/tcp, service/tcp, middleware/tcp. */
export function judgeTcp(merged: MergedObjects, settings: TraefikSettings): PredictedProtocol {
  const judged = judgedKinds(merged);
  for (const router of judged.routers.values()) {
    const { entryPoints } = settings;
    if (entryPoints !== undefined && router.list('entryPoints').length === 0) router.set('entryPoints', defaultEntryPoints(entryPoints));
    if (!judgeEntryPoints(router, settings, 'tcp')) continue;
    if (router.config['priority'] === undefined) router.set('priority', defaultTcpPriority(router.text('rule')));
    const error = tcpRuleError(router) ?? priorityError(router) ?? tlsError(router, settings) ?? chainError(router, judged, settings);
    if (error !== undefined) router.addError(error);
  }
  return shown(judged);
}

/** Builds the UDP objects as a running Traefik does. Source: traefik pkg/server/router/udp. */
export function judgeUdp(merged: MergedObjects, settings: TraefikSettings): PredictedProtocol {
  const judged = judgedKinds(merged);
  for (const router of judged.routers.values()) {
    if (!judgeEntryPoints(router, settings, 'udp')) continue;
    const service = qualified(router.text('service'), router.name);
    if (!judged.services.has(service) && !isElsewhere(service, settings.known, 'services')) {
      router.addError(`the UDP service "${service}" does not exist`);
    }
  }
  return shown(judged);
}

interface Judged {
  readonly routers: JudgedObjects;
  readonly services: JudgedObjects;
  readonly middlewares: JudgedObjects;
}

const judgedKinds = (merged: MergedObjects): Judged => ({
  routers: judgedObjects(merged.routers),
  services: judgedObjects(merged.services),
  middlewares: judgedObjects(merged.middlewares),
});

function shown(judged: Judged): PredictedProtocol {
  for (const [name, router] of judged.routers) judged.services.get(qualified(router.text('service'), name))?.usedBy.push(name);
  return {
    routers: predictedObjects(judged.routers),
    services: predictedObjects(judged.services),
    middlewares: predictedObjects(judged.middlewares),
  };
}

function tcpRuleError(router: JudgedObject): string | undefined {
  const rule = router.text('rule');
  const parsed = parseTcpRule(rule);
  if (!parsed.ok) return router.text('ruleSyntax') === 'v2' ? undefined : `invalid rule: "${rule}" , ${parsed.error.message}`;
  const [first] = sniNames(parsed.rule);
  const needsTls = first !== undefined && first !== '*' && router.config['tls'] === undefined;
  return needsTls ? `invalid rule: "${rule}" , has HostSNI matcher, but no TLS on router` : undefined;
}

function tlsError(router: JudgedObject, { known }: TraefikSettings): string | undefined {
  const tls = router.config['tls'] as DynamicObject | undefined;
  const options = tls?.['options'];
  if (tls?.['passthrough'] === true || typeof options !== 'string' || options === 'default') return undefined;
  const name = qualified(options, router.name);
  return isElsewhere(name, known, 'tlsOptions') ? undefined : `unknown TLS options: ${name}`;
}

function chainError(router: JudgedObject, { services, middlewares }: Judged, { known }: TraefikSettings): string | undefined {
  const names = router.list('middlewares').map((name) => qualified(name, router.name));
  if (names.length > 0) router.set('middlewares', names);
  const name = qualified(router.text('service'), router.name);
  const service = services.get(name);
  if (service === undefined && !isElsewhere(name, known, 'services')) return `the service "${name}" does not exist`;
  const transport = service === undefined ? undefined : transportError(service, known);
  if (transport !== undefined) return transport;
  for (const middleware of names.toReversed()) {
    const found = middlewares.get(middleware);
    const isGone = found === undefined && !isElsewhere(middleware, known, 'middlewares');
    const error = isGone ? `middleware "${middleware}" does not exist` : found === undefined ? undefined : middlewareError(found);
    if (error !== undefined) return error;
  }
  return undefined;
}

function transportError(service: JudgedObject, known: TraefikSettings['known']): string | undefined {
  const balancer = service.config['loadBalancer'] as DynamicObject;
  const version = (balancer['proxyProtocol'] as DynamicObject | undefined)?.['version'];
  if (balancer['serversTransport'] === undefined) {
    return version === undefined && balancer['proxyProtocol'] === undefined ? undefined : proxyProtocolError(Number(version ?? 0));
  }
  const name = qualified(String(balancer['serversTransport']), service.name);
  service.set('loadBalancer', { ...balancer, serversTransport: name });
  return isElsewhere(name, known, 'serversTransports') ? undefined : `no transport configuration found for "${name}"`;
}

const proxyProtocolError = (version: number): string | undefined =>
  version === 1 || version === 2 ? undefined : `unknown proxyProtocol version: ${version}`;

function middlewareError(middleware: JudgedObject): string | undefined {
  const error = tcpMiddlewareError(middleware);
  if (error !== undefined) middleware.addError(error);
  return error;
}

function tcpMiddlewareError({ name, config }: JudgedObject): string | undefined {
  if (Object.keys(config).length === 0)
    return `invalid middleware "${name}" configuration: invalid middleware type or middleware does not exist`;
  // With several kinds the last of these is made.
  const list = (config['ipAllowList'] ?? config['ipWhiteList']) as DynamicObject | undefined;
  if (list === undefined) return undefined;
  const ranges = (list['sourceRange'] ?? []) as readonly string[];
  const what = config['ipAllowList'] === undefined ? 'IPWhiteLister' : 'IPAllowLister';
  if (ranges.length === 0) return `sourceRange is empty, ${what} not created`;
  return ranges.some((range) => parseIpRange(range) === undefined) ? `cannot parse CIDRs [${ranges.join(' ')}]` : undefined;
}
