import { byBytes } from '../../core/model/ids.ts';
import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { matchRule } from '../../core/routes/match-rule.ts';
import { parseRule, type Rule } from '../../core/routes/parse-rule.ts';
import type { PredictedObject, PredictedRoutes } from '../../core/routes/predicted-routes.ts';
import type { RouteRequest } from '../../core/routes/route-request.ts';
import { listOf, objectOf, textOf } from './middleware-config.ts';

/** One server of a Traefik service. A weight of 0 or less gets no requests. */
export interface RouteServer {
  readonly url: string;
  readonly weight: number;
  /** The path of its URL comes before that of the request. */
  readonly preservePath: boolean;
}

/** A Traefik service that requests go to. */
export interface ServingService {
  readonly name: string;
  readonly servers: readonly RouteServer[];
  /** False: the server sees its own address as host. */
  readonly passHostHeader: boolean;
  /** The cookie that keeps a client at its server. */
  readonly cookie: DynamicObject | undefined;
}

/** A router that takes requests. */
export interface ServingRouter {
  readonly name: string;
  readonly rule: Rule;
  readonly priority: number;
  readonly entryPoints: ReadonlySet<string>;
  readonly tls: boolean;
  /** With their providers, in order. */
  readonly middlewares: readonly string[];
  /** Undefined for one of another provider. */
  readonly service: ServingService | undefined;
}

/** Where a request came in. */
export interface EntryPointFacts {
  readonly name: string;
  readonly encrypted: boolean;
}

/**
 * The routers in the order in which they are asked: by priority and, where Traefik leaves it to chance, by name. Those that are disabled
 * or written in the rules of Traefik 2 are left out.
 */
export function routingTable({ http }: PredictedRoutes): readonly ServingRouter[] {
  const routers = [...http.routers.values()].flatMap((router): readonly ServingRouter[] => {
    const { name, config, status, using } = router;
    const parsed = parseRule(textOf(config, 'rule'));
    if (status === 'disabled' || config['ruleSyntax'] === 'v2' || !parsed.ok) return [];
    const service = http.services.get(qualified(textOf(config, 'service')));
    return [
      {
        name,
        rule: parsed.rule,
        priority: Number(config['priority'] ?? 0),
        entryPoints: new Set(using),
        tls: config['tls'] !== undefined,
        middlewares: listOf(config, 'middlewares'),
        service: service === undefined ? undefined : servingService(service),
      },
    ];
  });
  return routers.sort((a, b) => b.priority - a.priority || byBytes(a.name, b.name));
}

const qualified = (name: string): string => (name.includes('@') ? name : `${name}@consulcatalog`);

function servingService(service: PredictedObject): ServingService {
  const balancer = objectOf(service.config, 'loadBalancer');
  const sticky = objectOf(balancer, 'sticky')['cookie'] as DynamicObject | undefined;
  return { name: service.name, servers: serversOf(service), passHostHeader: balancer['passHostHeader'] !== false, cookie: sticky };
}

/** The servers of a Traefik service. */
export function serversOf({ config }: PredictedObject): readonly RouteServer[] {
  const servers = (objectOf(config, 'loadBalancer')['servers'] ?? []) as readonly DynamicObject[];
  return servers.map((server) => ({
    url: textOf(server, 'url'),
    weight: Number(server['weight'] ?? 1),
    preservePath: server['preservePath'] === true,
  }));
}

/** The router that takes a request, if any. On an encrypted entry point only those with TLS do, on the others only those without. */
export const findRouter = (
  table: readonly ServingRouter[],
  entryPoint: EntryPointFacts,
  request: RouteRequest,
): ServingRouter | undefined =>
  table.find(({ tls, entryPoints, rule }) => tls === entryPoint.encrypted && entryPoints.has(entryPoint.name) && matchRule(rule, request));
