import type { GatewayKey, GatewayRouter, GatewayService, GatewayState } from '../../src/core/model/gateway.ts';
import type { RegistryState } from '../../src/core/model/registration.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { predictRoutes } from '../../src/core/routes/predict-routes.ts';
import { serversOf } from '../../src/sandbox/gateway/routing-table.ts';
import { problem } from '../../src/shared/problem.ts';
import { NOW_MS } from './builders.ts';

/** What a Traefik shows that has these servers, by the name of their Traefik service. */
export function gatewayState(
  services: Readonly<Record<string, readonly string[]>>,
  more: Partial<Pick<GatewayState, 'routers' | 'leftAtMs' | 'knownSinceMs' | 'changedAtMs' | 'startedAtMs' | 'elsewhere'>> = {},
): GatewayState {
  const built = Object.entries(services).map(([name, urls]): readonly [GatewayKey, GatewayService] => {
    const servers = urls.map((url) => ({ url, endpoint: url.replace(/^.*:\/\//, ''), up: true }));
    return [`http/${name}`, { status: 'enabled', servers }];
  });
  const endpoints = new Set(built.flatMap(([, { servers }]) => servers.map(({ endpoint }) => endpoint)));
  const listed = Map.groupBy(endpoints, (endpoint) => endpoint.slice(endpoint.lastIndexOf(':') + 1));
  return { services: new Map(built), routers: new Map(), knownSinceMs: 0, changedAtMs: NOW_MS, leftAtMs: new Map(), listed, ...more };
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
  const { routers, services } = predictRoutes(instances).http;
  const plain = (name: string): string => name.replace(/@consulcatalog$/, '');
  const shown = [...services.values()].map((one) => [plain(one.name), serversOf(one).map(({ url }) => url)] as const);
  const built = [...routers.values()].map(({ name, config, status, errors }): readonly [GatewayKey, GatewayRouter] => {
    const { entryPoints = [], middlewares = [] } = config as { readonly entryPoints?: string[]; readonly middlewares?: string[] };
    const said = { rule: String(config['rule']), service: String(config['service']), priority: Number(config['priority']) };
    return [`http/${plain(name)}`, { status, errors, ...said, entryPoints, middlewares, tls: config['tls'] !== undefined }];
  });
  return gatewayState(Object.fromEntries(shown), { routers: new Map(built) });
}

/** What the same Traefik shows with `core.defaultRuleSyntax`: each router on several entry points is one per entry point, named after it. */
export function spreadRouters(state: GatewayState): GatewayState {
  const routers = [...state.routers].flatMap(([key, router]): readonly (readonly [GatewayKey, GatewayRouter])[] =>
    router.entryPoints.length < 2
      ? [[key, router]]
      : router.entryPoints.map((name) => [`http/${name}-${key.slice('http/'.length)}`, { ...router, entryPoints: [name] }]),
  );
  return { ...state, routers: new Map(routers) };
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
