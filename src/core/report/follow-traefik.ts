import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import { drainingPrefix, NODE_CHECK_ID } from '../model/consul-names.ts';
import type { GatewayState, Gateways } from '../model/gateway.ts';
import type { PoolKey, ReplicaName } from '../model/ids.ts';
import { META } from '../model/marks.ts';
import type { RegistryState } from '../model/registration.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from '../plan/context.ts';
import { drainingOf } from '../plan/context.ts';
import type { ExpectedRoutes } from '../plan/expected-routes.ts';
import { expectedRoutes } from '../plan/expected-routes.ts';
import { followTimeMs, isLoading } from '../plan/follow-time.ts';
import { drainEnd } from '../plan/let-go.ts';
import { registeredOf } from '../plan/plan-pool.ts';
import { toldEntryPoints } from '../plan/spread-routers.ts';
import type { RouteComparison, ServerOwners } from './compare-routes.ts';
import { compareRoutes } from './compare-routes.ts';
import type { GatewayEvidence } from './name-gateways.ts';
import { nameGateways } from './name-gateways.ts';
import type { GatewayReport, LegState, ReplicaReport } from './run-report.ts';

/** What the Traefik replicas make of one pool. */
export interface PoolTraefik {
  /** `failed`: it has differed for longer than Traefik takes at most. `unknown`: no replica answers. */
  readonly state: LegState;
  /** The least over the replicas that answer; undefined when none does, or the pool is not routed. */
  readonly serving: number | undefined;
  readonly replicas: readonly ReplicaReport[];
  readonly problems: readonly Problem[];
}

/** What the Traefik replicas make of everything. */
export interface TraefikView {
  readonly pools: ReadonlyMap<PoolKey, PoolTraefik>;
  /** The state of every replica. */
  readonly gateways: readonly GatewayReport[];
  /** Of replicas that are not as they should be. */
  readonly problems: readonly Problem[];
  /** The pools that some replica has not followed for too long, though it answers. */
  readonly behind: ReadonlySet<PoolKey>;
  /** When the last thing happened that a replica has still to follow, ms since the epoch. */
  readonly awaitedSinceMs: number | undefined;
  /** When a difference that is there now has lasted too long. */
  readonly lookAgainAtMs: number | undefined;
}

interface FollowedPool {
  readonly registry: RegistryState | undefined;
  readonly expected: ExpectedRoutes;
  /** What it was worked out from, and the text that tells it from another one. */
  readonly parts: readonly unknown[];
  readonly signature: string;
  /** When the registration became so; 0 when it was found so at the start. */
  readonly sinceMs: number;
  /** Since when each replica has differed. */
  readonly differsSinceMs: ReadonlyMap<ReplicaName, number>;
  readonly compared: ReadonlyMap<ReplicaName, Compared>;
}

interface Compared {
  readonly parts: readonly unknown[];
  readonly comparison: RouteComparison;
}

/** What is remembered from run to run. Losing it costs time, nothing else. */
export interface FollowedTraefik {
  readonly pools: ReadonlyMap<PoolKey, FollowedPool>;
  /** The node at each address, and what that was worked out from. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly nodesFrom: readonly unknown[];
}

/** A look at Traefik, and what to remember of it. */
export interface TraefikLook {
  readonly view: TraefikView;
  readonly followed: FollowedTraefik;
}

/**
 * Compares what every replica serves with the registrations as they stand in Consul. What a replica said before a pool changed says
 * nothing of the pool as it is. Undefined when no replica is watched. Pure.
 */
export function followTraefik(context: PlanContext, before: FollowedTraefik | undefined): TraefikLook | undefined {
  const { gateways } = context.world;
  if (gateways === undefined) return undefined;
  const nodesFrom = [context.registry?.nodes, snapshotValue(context.world.cluster.nodes)];
  const nodes = before !== undefined && sameParts(before.nodesFrom, nodesFrom) ? before.nodes : nodesByAddress(context);
  const followed = new Map<PoolKey, FollowedPool>();
  const pools = new Map<PoolKey, PoolTraefik>();
  for (const view of context.views.values()) {
    const owners = { nodes, shared: isShared(view, context) };
    const pool = followPool(view, { before, gateways, owners }, context);
    followed.set(view.pool, pool);
    pools.set(view.pool, poolTraefik(view, pool, gateways, context));
  }
  const differing = [...followed].flatMap(([pool, { differsSinceMs }]) =>
    pools.get(pool)?.state === 'not-watched' ? [] : [...differsSinceMs.values()],
  );
  const silent = [...gateways.values()].flatMap((snapshot) => (snapshot.kind === 'complete' ? [] : [snapshot.sinceMs]));
  const dueMs = [
    ...differing.map((sinceMs) => sinceMs + followTimeMs(context.policy) + 1),
    ...silent.map((sinceMs) => sinceMs + context.policy.maxWaitMs),
    ...startsOf(gateways).map((startedAtMs) => startedAtMs + context.policy.letGoMs + 1),
  ].filter((atMs) => atMs > context.nowMs);
  const awaited = [...differing, ...openDrains(context)];
  const { reports, problems } = nameGateways({ pools, ...evidenceOf(followed) }, context);
  return {
    followed: { pools: followed, nodes, nodesFrom },
    view: {
      pools,
      gateways: reports,
      problems,
      behind: new Set([...pools].flatMap(([pool, { replicas }]) => (replicas.some(({ state }) => state === 'behind') ? [pool] : []))),
      awaitedSinceMs: awaited.length === 0 ? undefined : Math.max(...awaited),
      lookAgainAtMs: dueMs.length === 0 ? undefined : Math.min(...dueMs),
    },
  };
}

const startsOf = (gateways: Gateways): readonly number[] =>
  [...gateways.values()].flatMap((snapshot) => snapshotValue(snapshot)?.startedAtMs ?? []);

function evidenceOf(followed: ReadonlyMap<PoolKey, FollowedPool>): Omit<GatewayEvidence, 'pools'> {
  const builtOf = ({ compared }: FollowedPool): ReadonlyMap<ReplicaName, string> =>
    new Map([...compared].map(([replica, { comparison }]) => [replica, comparison.built]));
  return {
    differsSinceMs: new Map([...followed].map(([pool, { differsSinceMs }]) => [pool, differsSinceMs])),
    built: new Map([...followed].map(([pool, one]) => [pool, builtOf(one)])),
  };
}

function nodesByAddress({ world, registry }: PlanContext): ReadonlyMap<string, string> {
  const nodes = new Map<string, string>();
  for (const { address, meta } of registry?.nodes.values() ?? []) {
    const node = meta[META.node];
    if (node !== undefined) nodes.set(address.toLowerCase(), node);
  }
  for (const { name, addresses } of snapshotValue(world.cluster.nodes) ?? []) {
    for (const { address } of addresses) nodes.set(address.toLowerCase(), name);
  }
  return nodes;
}

const isShared = ({ service }: PoolView, { policy, registry }: PlanContext): boolean =>
  policy.sharedService || registry?.foreignServices.has(service) === true;

interface Following {
  readonly before: FollowedTraefik | undefined;
  readonly gateways: Gateways;
  readonly owners: ServerOwners;
}

function followPool(view: PoolView, { before, gateways, owners }: Following, context: PlanContext): FollowedPool {
  const old = before?.pools.get(view.pool);
  const isKnown = old?.registry === context.registry && old?.parts[0] === view && old.parts[1] === toldEntryPoints(context);
  const parts = isKnown ? old.parts : partsOf(view, context);
  const isSame = old !== undefined && sameParts(old.parts, parts);
  const expected = isSame ? old.expected : expectedRoutes(view, context);
  const signature = isSame ? old.signature : signatureOf(expected);
  const holds = old?.signature === signature;
  // At the start nobody knows when it became so, and everything was read at about the same time.
  const sinceMs = before === undefined ? 0 : holds ? old.sinceMs : context.nowMs;
  const kept = holds ? old.expected : expected;
  const differsSinceMs = new Map<ReplicaName, number>();
  const compared = new Map<ReplicaName, Compared>();
  for (const [replica, snapshot] of gateways) {
    const state = snapshotValue(snapshot);
    if (state === undefined) continue;
    const comparing = [kept, state, owners.shared, owners.nodes];
    const known = old?.compared.get(replica);
    const now =
      known !== undefined && sameParts(known.parts, comparing)
        ? known
        : { parts: comparing, comparison: compareRoutes(kept, state, owners) };
    compared.set(replica, now);
    const differs = snapshot.kind === 'complete' && (snapshot.readAtMs < sinceMs || !isInStep(now.comparison));
    if (differs) differsSinceMs.set(replica, (holds ? old.differsSinceMs.get(replica) : undefined) ?? context.nowMs);
  }
  return { registry: context.registry, expected: kept, parts, signature, sinceMs, differsSinceMs, compared };
}

/** All that the expected routes are worked out from, so that a change of one pool does not cost a look at every other. */
function partsOf(view: PoolView, context: PlanContext): readonly unknown[] {
  const { instances, checks } = registeredOf(view.pool, context);
  const nodes = instances.map(({ consulNode }) => context.registry?.checks.get(`${consulNode}/${NODE_CHECK_ID}`)?.status ?? '');
  const cluster = snapshotValue(context.world.cluster.nodes);
  const agents = context.registry?.agents?.get(view.service);
  const entryPoints = toldEntryPoints(context);
  return [view, entryPoints, context.registry?.instances.get(view.pool), agents, cluster, nodes.join(), ...checks];
}

const sameParts = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((part, i) => part === b[i]);

const signatureOf = ({ exposed, services, routers }: ExpectedRoutes): string =>
  JSON.stringify([exposed, services.map(({ key, required, allowed }) => [key, [...required.keys()].sort(), [...allowed].sort()]), routers]);

const isInStep = ({ missing, lingering, routers }: RouteComparison): boolean => missing === 0 && lingering.length + routers.length === 0;

function poolTraefik(view: PoolView, pool: FollowedPool, gateways: Gateways, context: PlanContext): PoolTraefik {
  const { expected, compared } = pool;
  const isKnown = [...compared.values()].some(({ comparison }) => comparison.known);
  const isRouted = expected.services.length > 0 && (expected.exposed === true || isKnown);
  if (!isRouted) return { state: 'not-watched', serving: undefined, replicas: [], problems: [] };
  const replicas = [...gateways].map(([replica, snapshot]) => replicaReport(replica, snapshot, pool, context));
  const reachable = replicas.filter(({ state }) => state !== 'stale' && state !== 'lost');
  const state = worst(reachable);
  const broken = [
    ...new Set([...compared].flatMap(([replica, { comparison }]) => (isLoading(gateways.get(replica), context) ? [] : comparison.broken))),
  ];
  return {
    state,
    serving: reachable.length === 0 ? undefined : Math.min(...reachable.map(({ serving }) => serving)),
    replicas,
    problems: [
      ...broken.map((words) => problem('TRAEFIK_ROUTER_BROKEN', `pool ${view.pool}: Traefik says: ${words}`)),
      ...(state === 'failed' && !isKnown ? [notServed(view, replicas)] : []),
    ],
  };
}

const notServed = ({ pool, service }: PoolView, replicas: readonly ReplicaReport[]): Problem =>
  problem(
    'TRAEFIK_NOT_SERVED',
    `pool ${pool}: no Traefik replica (${replicas.map(({ replica }) => replica).join(', ')}) has anything of Consul service ${service}`,
  );

function worst(replicas: readonly ReplicaReport[]): LegState {
  if (replicas.length === 0) return 'unknown';
  if (replicas.some(({ state }) => state === 'behind')) return 'failed';
  return replicas.every(({ state }) => state === 'in-step') ? 'in-step' : 'changing';
}

function replicaReport(
  replica: ReplicaName,
  snapshot: Snapshot<GatewayState>,
  { sinceMs, differsSinceMs, compared }: FollowedPool,
  context: PlanContext,
): ReplicaReport {
  const { policy, nowMs } = context;
  const comparison = compared.get(replica)?.comparison;
  const { serving = 0, missing = 0, lingering = [], routers = [] } = comparison ?? {};
  const since = differsSinceMs.get(replica);
  const said = { replica, serving, missing, lingering, routers };
  if (snapshot.kind !== 'complete') return { ...said, state: nowMs - snapshot.sinceMs < policy.maxWaitMs ? 'stale' : 'lost' };
  if (since === undefined) return { ...said, state: 'in-step' };
  if (nowMs - since > followTimeMs(policy) && !isLoading(snapshot, context)) return { ...said, state: 'behind' };
  return { ...said, state: snapshot.readAtMs < sinceMs ? 'unasked' : 'changing' };
}

/** When the NodePorts left Consul that some replica may still use. */
function openDrains(context: PlanContext): readonly number[] {
  const prefix = drainingPrefix(context.policy.keyPath, context.policy.cluster);
  return [...(context.registry?.kv.keys() ?? [])].flatMap((key) => {
    if (!key.startsWith(prefix)) return [];
    const pool = key.slice(prefix.length) as PoolKey;
    const ports = Object.entries(drainingOf(pool, context.registry, context.policy)?.value.ports ?? {});
    return ports.flatMap(([port, sinceMs]) =>
      drainEnd({ pool, port: Number(port), sinceMs }, context).atMs > context.nowMs ? [sinceMs] : [],
    );
  });
}
