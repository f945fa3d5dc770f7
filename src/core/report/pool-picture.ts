import type { PoolView } from '../desired/pool-view.ts';
import type { GatewayRouter, GatewayState } from '../model/gateway.ts';
import type { NodeName, PoolKey, ReplicaName, SpecId } from '../model/ids.ts';
import { byBytes, kindOf, objectTitle, SERVICE_KIND } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from '../plan/context.ts';
import { type ExpectedRoutes, type ExpectedService, expectedRoutes } from '../plan/expected-routes.ts';
import { registeredOf } from '../plan/plan-pool.ts';
import { nodeAddress } from '../pool/node-address.ts';
import { asNamed } from './named-routers.ts';

/** One server of a route. `up`, `down`: as Traefik says; `missing`: it should be there; `lingering`: it should not; `expected`: Traefik is not watched. */
export interface ServerPicture {
  readonly url: string;
  /** Absent where no node is known to be behind it. */
  readonly node?: NodeName;
  readonly state: 'up' | 'down' | 'missing' | 'lingering' | 'expected';
}

/** One router and what is behind it. Without a rule it is a Traefik service of TCP or UDP alone. */
export interface RoutePicture {
  /** Without its provider. */
  readonly name: string;
  readonly rule?: string;
  readonly entryPoints: readonly string[];
  readonly tls: boolean;
  readonly priority?: number;
  /** With their providers, in order. */
  readonly middlewares: readonly string[];
  readonly service: string;
  /** Why Traefik does not use it, in its words. */
  readonly errors: readonly string[];
  readonly servers: readonly ServerPicture[];
}

/** One object of the spec of a pool. */
export interface ObjectPicture {
  /** `Service prod/web` */
  readonly title: string;
  /** `unknown`: its kind is not watched. */
  readonly state: 'in-cluster' | 'missing' | 'unknown';
  /** When our fields of it last changed, ms since the epoch. */
  readonly appliedAtMs?: number;
  /** The spec does not have it any more; it goes when nothing keeps it. */
  readonly dropped?: true;
}

/** `GET /api/v1/pools/{namespace}/{name}/picture`: the way of a request to a pool, and what the pool is made of. Plain JSON. */
export interface PoolPicture {
  readonly pool: PoolKey;
  /** The replica that the routes were told by; absent: they are told from the tags in Consul alone. */
  readonly toldBy?: ReplicaName;
  readonly routes: readonly RoutePicture[];
  readonly objects: readonly ObjectPicture[];
  /** Where the nodes of the pool answer, or would: what is registered, and of the others their address as a backend of it; by node. */
  readonly addresses: Readonly<Record<NodeName, string>>;
}

/** The picture of a pool from what the last run looked at; undefined for one that is not there. Pure. */
export function poolPicture(pool: PoolKey, context: PlanContext): PoolPicture | undefined {
  const view = context.views.get(pool);
  if (view === undefined) return undefined;
  const told = freshestReplica(context);
  const expected = expectedRoutes(view, context);
  return {
    pool,
    ...(told === undefined ? {} : { toldBy: told.replica }),
    routes: routesOf(expected, told?.state),
    objects: objectsOf(view.spec, context),
    addresses: addressesOf(view, context),
  };
}

function addressesOf({ pool, nodePort }: PoolView, context: PlanContext): Readonly<Record<NodeName, string>> {
  const decided = new Set(context.decisions.get(pool)?.decisions.map(({ node }) => node));
  const nodes = (snapshotValue(context.world.cluster.nodes) ?? []).filter(({ name }) => decided.has(name));
  const wouldBe = nodes.flatMap((node) => {
    const address = nodeAddress(node, context.policy.pool)?.address;
    return address === undefined ? [] : [[node.name, nodePort === undefined ? address : `${address}:${nodePort}`] as const];
  });
  const registered = registeredOf(pool, context).instances.map(({ node, address, port }) => [node, `${address}:${port}`] as const);
  return Object.fromEntries([...wouldBe, ...registered]);
}

interface ToldReplica {
  readonly replica: ReplicaName;
  readonly state: GatewayState;
}

/** The first replica that answers, or else the one that answered last. */
function freshestReplica({ world }: PlanContext): ToldReplica | undefined {
  const [found] = [...(world.gateways ?? [])]
    .flatMap(([replica, snapshot]) =>
      snapshot.kind === 'unavailable'
        ? []
        : [{ replica, state: snapshot.value, answeredAtMs: snapshot.kind === 'complete' ? Number.POSITIVE_INFINITY : snapshot.readAtMs }],
    )
    .sort((a, b) => (a.answeredAtMs === b.answeredAtMs ? 0 : b.answeredAtMs - a.answeredAtMs));
  return found;
}

function routesOf({ routers, services }: ExpectedRoutes, gateway: GatewayState | undefined): readonly RoutePicture[] {
  const named = routers.flatMap((router) => (gateway === undefined ? [router] : asNamed(router, gateway)));
  const routes = named.map(({ key, fields }): RoutePicture => {
    const actual: Partial<GatewayRouter> = gateway?.routers.get(key) ?? {};
    const { rule, entryPoints = [], tls = false, priority, middlewares = [], service = '', errors = [] } = { ...fields, ...actual };
    const name = key.slice(key.indexOf('/') + 1);
    const served = services.find((one) => one.key === `http/${withoutProvider(service)}`);
    return {
      name,
      ...(rule === undefined ? {} : { rule }),
      entryPoints,
      tls,
      ...(priority === undefined ? {} : { priority }),
      middlewares,
      service: withoutProvider(service),
      errors,
      servers: served === undefined ? [] : serversOf(served, gateway),
    };
  });
  const routed = new Set(routes.map(({ service }) => `http/${service}`));
  return [...routes, ...services.filter(({ key }) => !routed.has(key)).map((service) => bareRoute(service, gateway))];
}

const withoutProvider = (name: string): string => (name.includes('@') ? name.slice(0, name.lastIndexOf('@')) : name);

const bareRoute = (service: ExpectedService, gateway: GatewayState | undefined): RoutePicture => ({
  name: service.key,
  entryPoints: [],
  tls: false,
  middlewares: [],
  service: service.key.slice(service.key.indexOf('/') + 1),
  errors: [],
  servers: serversOf(service, gateway),
});

function serversOf({ key, required, allowed }: ExpectedService, gateway: GatewayState | undefined): readonly ServerPicture[] {
  const actual = new Map(gateway?.services.get(key)?.servers.map(({ url, up }) => [url, up]));
  const wanted = [...required].map(([url, node]): ServerPicture => {
    const up = actual.get(url);
    const state = gateway === undefined ? 'expected' : up === undefined ? 'missing' : up ? 'up' : 'down';
    return { url, node: node as NodeName, state };
  });
  wanted.sort((a, b) => byBytes(a.node ?? '', b.node ?? ''));
  const others = [...actual].filter(([url]) => !required.has(url));
  return [...wanted, ...others.map(([url, up]): ServerPicture => ({ url, state: allowed.has(url) ? (up ? 'up' : 'down') : 'lingering' }))];
}

/** What its file asks for, or asked for when it was last good, and what it has left in the cluster. */
function objectsOf(id: SpecId, context: PlanContext): readonly ObjectPicture[] {
  const { spec, leftovers = [] } = context.desired.specs.get(id) ?? {};
  const wanted = (spec?.objects ?? []).map(({ key }): ObjectPicture => {
    const { objects: owned, services } = context.world.cluster;
    const snapshot = kindOf(key) === SERVICE_KIND ? services : owned.get(kindOf(key));
    const known = snapshot === undefined ? undefined : snapshotValue(snapshot);
    const live = known?.get(key);
    return {
      title: objectTitle(key),
      state: known === undefined ? 'unknown' : live === undefined ? 'missing' : 'in-cluster',
      ...appliedAt(live),
    };
  });
  const left = leftovers.map(
    (live): ObjectPicture => ({ title: objectTitle(live.key), state: 'in-cluster', dropped: true, ...appliedAt(live) }),
  );
  return [...wanted, ...left];
}

const appliedAt = (live: LiveObject | undefined): Pick<ObjectPicture, 'appliedAtMs'> =>
  live?.appliedAtMs === undefined ? {} : { appliedAtMs: live.appliedAtMs };
