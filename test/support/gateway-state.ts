import type { GatewayKey, GatewayRouter, GatewayService, GatewayState } from '../../src/core/model/gateway.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { buildRoutes } from '../../src/core/routes/build-routes.ts';
import { problem } from '../../src/shared/problem.ts';
import { NOW_MS } from './builders.ts';

/** What a Traefik shows that has these servers, by the name of their Traefik service. */
export function gatewayState(
  services: Readonly<Record<string, readonly string[]>>,
  more: Partial<Pick<GatewayState, 'routers' | 'leftAtMs' | 'knownSinceMs'>> = {},
): GatewayState {
  const built = Object.entries(services).map(([name, urls]): readonly [GatewayKey, GatewayService] => {
    const servers = urls.map((url) => ({ url, endpoint: url.replace(/^.*:\/\//, ''), up: true }));
    return [`http/${name}`, { status: 'enabled', servers }];
  });
  const endpoints = new Set(built.flatMap(([, { servers }]) => servers.map(({ endpoint }) => endpoint)));
  const listed = Map.groupBy(endpoints, (endpoint) => endpoint.slice(endpoint.lastIndexOf(':') + 1));
  return { services: new Map(built), routers: new Map(), knownSinceMs: 0, leftAtMs: new Map(), listed, ...more };
}

/** What a Traefik shows that has followed Consul: built by the prediction of its routes. */
export function followingState(registry: RegistryState | undefined): GatewayState {
  const critical = new Set(
    [...(registry?.checks.values() ?? [])].filter(({ status }) => status === 'critical').map(({ consulNode }) => consulNode),
  );
  const instances = [...(registry?.instances.values() ?? [])].flat().map((instance) => ({
    ...instance,
    nodeId: instance.consulNode,
    status: critical.has(instance.consulNode) ? ('critical' as const) : ('passing' as const),
  }));
  const routes = buildRoutes(instances);
  const services = [...routes.services.values()].map(({ name, servers }) => [name, servers.map(({ url }) => url)] as const);
  const routers = [...routes.routers.values()].map((router): readonly [GatewayKey, GatewayRouter] => {
    const { name, text: rule, service, entryPoints, priority, tls } = router;
    const middlewares = router.middlewares.map((one) => (one.includes('@') ? one : `${one}@consulcatalog`));
    return [`http/${name}`, { status: 'enabled', errors: [], rule, service, entryPoints, middlewares, priority, tls }];
  });
  return gatewayState(Object.fromEntries(services), { routers: new Map(routers) });
}

/** An answer that was asked for at `readAtMs`. */
export const answered = (value: GatewayState, readAtMs = NOW_MS): Snapshot<GatewayState> => ({
  kind: 'complete',
  value,
  readAtMs,
  connectedAtMs: 0,
  index: '1',
});

/** A replica that has not answered since `sinceMs`, and what it said last, if anything. */
export function silent(sinceMs: number, value?: GatewayState): Snapshot<GatewayState> {
  const reason = problem('TRAEFIK_UNREACHABLE', 'no answer');
  return value === undefined
    ? { kind: 'unavailable', reason, sinceMs }
    : { kind: 'stale', value, readAtMs: sinceMs - 1, index: '1', reason, sinceMs };
}
