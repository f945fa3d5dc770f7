import type { GatewayRouter, GatewayServer, GatewayState } from '../model/gateway.ts';
import type { ExpectedRouter, ExpectedRoutes, ExpectedService } from '../plan/expected-routes.ts';
import { addressOf } from '../plan/let-go.ts';
import { asNamed, nameOf, sameOrder, sameSet, withoutProvider } from './named-routers.ts';

/** How what one replica serves of a pool differs from what Consul says of it. */
export interface RouteComparison {
  /** Number of backends that requests can reach; 0 without a working router. */
  readonly serving: number;
  /** Backends that are not in rotation and should be. */
  readonly missing: number;
  /** Backends that are in rotation and should not be: the node, or address and port where no node is known. */
  readonly lingering: readonly string[];
  /** Routers that are absent or other than the tags say, in words. */
  readonly routers: readonly string[];
  /** What Traefik says of routers and services that it has and does not use. */
  readonly broken: readonly string[];
  /** False: it has neither the services nor the routers of the pool. */
  readonly known: boolean;
  /** All that it has built of the pool but its servers, as one text: replicas that are set up alike have the same. */
  readonly built: string;
}

/** What is needed to tell whose a server is. */
export interface ServerOwners {
  /** The node at each address, in lower case. */
  readonly nodes: ReadonlyMap<string, string>;
  /** True: others give servers to the same Traefik services, so that only those at our nodes are judged. */
  readonly shared: boolean;
}

/** Compares what a replica has built with what it is to build of a pool. Pure. */
export function compareRoutes(expected: ExpectedRoutes, state: GatewayState, owners: ServerOwners): RouteComparison {
  const compared = expected.services.map((service) => compareServers(service, state, owners));
  const wanted = expected.routers.flatMap((router) => asNamed(router, state));
  // Traefik has a router for as long as the Consul service has an instance.
  const isRouted = expected.services.some(({ required }) => required.size > 0);
  const routers = isRouted ? wanted.map((router) => compareRouter(router, state.routers.get(router.key))) : [];
  const works = wanted.length === 0 || wanted.some(({ key }) => isWorking(state.routers.get(key)?.status));
  const broken = [
    ...wanted.flatMap(({ key }) => brokenWords('router', key, state.routers.get(key))),
    ...expected.services.flatMap(({ key }) => brokenWords('service', key, state.services.get(key))),
  ];
  return {
    serving: works && compared.length > 0 ? Math.min(...compared.map(({ serving }) => serving)) : 0,
    missing: Math.max(0, ...compared.map(({ missing }) => missing)),
    lingering: [...new Set(compared.flatMap(({ lingering }) => lingering))].sort(),
    routers: routers.flat(),
    broken,
    known: expected.services.some(({ key }) => state.services.has(key)) || wanted.some(({ key }) => state.routers.has(key)),
    built: JSON.stringify([
      wanted.map(({ key }) => state.routers.get(key) ?? null),
      expected.services.map(({ key }) => state.services.get(key)?.status ?? null),
    ]),
  };
}

const isWorking = (status: string | undefined): boolean => status !== undefined && status !== 'disabled';

function compareServers({ key, required, allowed }: ExpectedService, state: GatewayState, owners: ServerOwners) {
  const service = state.services.get(key);
  const servers = service?.servers ?? [];
  const listed = new Set(servers.map(({ url }) => url));
  const isWanted = ({ url }: GatewayServer): boolean => required.has(url) || allowed.has(url);
  const serving = isWorking(service?.status) ? servers.filter((server) => isWanted(server) && server.up).length : 0;
  const lingering = servers.flatMap((server) => {
    const node = owners.nodes.get(addressOf(server.endpoint));
    return isWanted(server) || (owners.shared && node === undefined) ? [] : [node ?? server.endpoint];
  });
  return { serving, missing: [...required.keys()].filter((url) => !listed.has(url)).length, lingering };
}

function compareRouter({ key, fields }: ExpectedRouter, router: GatewayRouter | undefined): readonly string[] {
  const name = nameOf(key);
  if (router === undefined) return [`router ${name} is missing`];
  const { rule = router.rule, service = router.service, priority = router.priority, tls = router.tls } = fields;
  const differing = [
    router.rule === rule ? [] : ['rule'],
    withoutProvider(router.service) === withoutProvider(service) ? [] : ['service'],
    router.priority === priority ? [] : ['priority'],
    router.tls === tls ? [] : ['tls'],
    sameSet(router.entryPoints, fields.entryPoints) ? [] : ['entryPoints'],
    sameOrder(router.middlewares, fields.middlewares) ? [] : ['middlewares'],
  ].flat();
  return differing.length === 0 ? [] : [`router ${name} has another ${differing.join(', ')}`];
}

function brokenWords(
  kind: string,
  key: string,
  object: { readonly status: string; readonly errors?: readonly string[] } | undefined,
): readonly string[] {
  if (object === undefined || (object.status !== 'disabled' && object.status !== 'warning')) return [];
  const why = object.errors?.join('; ') ?? '';
  return [`${kind} ${nameOf(key)} is ${object.status}${why === '' ? '' : `: ${why}`}`];
}
