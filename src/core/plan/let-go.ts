import type { PoolView } from '../desired/pool-view.ts';
import type { GatewayState } from '../model/gateway.ts';
import type { PoolKey, ReplicaName } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { RegistryState } from '../model/registration.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { World } from '../model/world.ts';

/** A NodePort that left Consul and must stay open while anyone uses it. */
export interface DrainingPort {
  readonly pool: PoolKey;
  readonly port: number;
  /** When it left Consul, ms since the epoch. */
  readonly sinceMs: number;
}

/** When a NodePort may close, ms since the epoch; Infinity while a Traefik replica holds on to it, with what keeps it. */
export interface DrainEnd {
  readonly atMs: number;
  readonly why?: string;
}

/** What the end of a drain depends on: parts of the context of a pass. */
interface DrainFacts {
  readonly world: World;
  readonly registry: RegistryState | undefined;
  readonly policy: Policy;
  readonly views: ReadonlyMap<PoolKey, PoolView>;
}

/**
 * When a NodePort that left Consul may close (design section 8): when every Traefik replica has let go of it, and the requests in
 * flight had their time. Where none is watched, the time that Traefik takes at most stands for that.
 */
export function drainEnd(draining: DrainingPort, facts: DrainFacts): DrainEnd {
  const { gateways } = facts.world;
  const inFlightMs = (facts.views.get(draining.pool)?.settings.drainSeconds ?? facts.policy.drainSeconds) * 1000;
  if (gateways === undefined) return { atMs: draining.sinceMs + facts.policy.letGoMs + inFlightMs };
  let atMs = draining.sinceMs;
  for (const [replica, snapshot] of gateways) {
    const end = letGo(replica, snapshot, draining, facts);
    if (end.atMs === Number.POSITIVE_INFINITY) return end;
    atMs = Math.max(atMs, end.atMs);
  }
  return { atMs: atMs + inFlightMs };
}

/**
 * When one replica let go of a NodePort. Proof is that this process saw it drop the servers after they had left Consul. Without
 * that (they may not have come to it yet) the time that Traefik takes at most counts, as for a replica that has not answered for
 * long; but not from before this process first saw it without them: a restart may make a drain longer, never shorter.
 */
function letGo(replica: ReplicaName, snapshot: Snapshot<GatewayState>, draining: DrainingPort, facts: DrainFacts): DrainEnd {
  const { port, sinceMs } = draining;
  const byTimeMs = sinceMs + facts.policy.letGoMs;
  if (snapshot.kind !== 'complete') return { atMs: Math.max(byTimeMs, snapshot.sinceMs + facts.policy.maxWaitMs) };
  const ours = ourAddresses(facts);
  const isOurs = (endpoint: string): boolean => ours === 'any' || ours.has(addressOf(endpoint));
  const [held] = (snapshot.value.listed.get(String(port)) ?? []).filter(isOurs);
  if (held !== undefined && !isTakenOver(draining, facts))
    return { atMs: Number.POSITIVE_INFINITY, why: `Traefik replica ${replica} still has ${held}` };
  if (snapshot.readAtMs < sinceMs) return { atMs: Number.POSITIVE_INFINITY, why: `Traefik replica ${replica} is asked again` };
  const left = [...snapshot.value.leftAtMs].flatMap(([endpoint, atMs]) =>
    endpoint.endsWith(`:${port}`) && isOurs(endpoint) ? [atMs] : [],
  );
  const lastMs = Math.max(0, ...left);
  return { atMs: lastMs >= sinceMs ? lastMs : Math.max(byTimeMs, snapshot.value.knownSinceMs) };
}

/** It has closed since, and Kubernetes has given the number to another Service. */
const isTakenOver = ({ pool, port }: DrainingPort, { registry }: DrainFacts): boolean =>
  [...(registry?.instances ?? [])].some(([other, instances]) => other !== pool && instances.some((instance) => instance.port === port));

/** Where our NodePorts are: other clusters may use the same numbers. Any address while nobody can tell. */
function ourAddresses({ world, registry }: DrainFacts): ReadonlySet<string> | 'any' {
  if (world.cluster.nodes.kind !== 'complete') return 'any';
  const agents = [...(registry?.agents?.values() ?? [])].flat();
  return new Set([
    ...world.cluster.nodes.value.flatMap(({ addresses }) => addresses.map(({ address }) => address.toLowerCase())),
    ...[...(registry?.nodes.values() ?? []), ...agents].map(({ address }) => address.toLowerCase()),
  ]);
}

/** The address of an endpoint, without the brackets of an IPv6 one. */
export const addressOf = (endpoint: string): string =>
  endpoint
    .slice(0, endpoint.lastIndexOf(':'))
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
