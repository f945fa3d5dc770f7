import type { PoolView } from '../desired/pool-view.ts';
import type { ReplicaName } from '../model/ids.ts';
import { META } from '../model/marks.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ExpectedRouter, ExpectedRoutes } from '../plan/expected-routes.ts';
import { expectedRoutes } from '../plan/expected-routes.ts';
import { compareRoutes, type RouteComparison } from './compare-routes.ts';
import { count, few, type KnownWorld, linkMaker, type MakeLink, type Subject } from './explain-facts.ts';
import { silentWords } from './explain-spec.ts';
import { ageWords, type Link } from './explanation.ts';
import type { ReplicaReport } from './run-report.ts';

/** What one replica makes of a pool. */
interface SeenReplica {
  readonly replica: ReplicaName;
  readonly answers: boolean;
  /** Of its last answer, however old. */
  readonly comparison: RouteComparison | undefined;
  /** Undefined where nobody leads, or where the pool is not routed. */
  readonly state: ReplicaReport['state'] | undefined;
}

/** What the replicas make of a pool. */
export interface SeenTraefik {
  readonly expected: ExpectedRoutes | undefined;
  /** Undefined: none is watched. */
  readonly replicas: readonly SeenReplica[] | undefined;
  /** The fewest backends in rotation on a replica that answers; undefined when none does. */
  readonly serving: number | undefined;
}

/** Compares what each replica said last with what the registrations, or the wanted tags, say. */
export function seenTraefik({ view, poolReport }: Subject, { context }: KnownWorld): SeenTraefik {
  const { gateways } = context.world;
  const expected = view === undefined ? undefined : expectedRoutes(view, context);
  if (gateways === undefined) return { expected, replicas: undefined, serving: undefined };
  const owners = view === undefined ? undefined : { nodes: nodesByAddress(view, context), shared: isShared(view, context) };
  const replicas = [...gateways].map(([replica, snapshot]): SeenReplica => {
    const value = snapshotValue(snapshot);
    const isKnown = value !== undefined && expected !== undefined && owners !== undefined;
    return {
      replica,
      answers: snapshot.kind === 'complete',
      comparison: isKnown ? compareRoutes(expected, value, owners) : undefined,
      state: poolReport?.replicas?.find((one) => one.replica === replica)?.state,
    };
  });
  const serving = replicas.flatMap(({ answers, comparison }) => (answers && comparison !== undefined ? [comparison.serving] : []));
  return { expected, replicas, serving: serving.length === 0 ? undefined : Math.min(...serving) };
}

const isShared = ({ service }: PoolView, { policy, registry }: KnownWorld['context']): boolean =>
  policy.sharedService || registry?.foreignServices.has(service) === true;

function nodesByAddress(view: PoolView, { registry }: KnownWorld['context']): ReadonlyMap<string, string> {
  const instances = registry?.instances.get(view.pool) ?? [];
  const nodes = [...(registry?.nodes.values() ?? [])].map(({ address, name, meta }) => [address, meta[META.node] ?? name] as const);
  return new Map(
    [...nodes, ...instances.map(({ address, node }) => [address, node] as const)].map(([at, node]) => [at.toLowerCase(), node]),
  );
}

/** The routers that the tags of a pool ask for, and whether Traefik has and uses them. */
export function routerLink(subject: Subject, seen: SeenTraefik, known: KnownWorld): Link {
  const make = linkMaker(known)('router', known.context.world.gateways === undefined ? ['consul'] : ['traefik:']);
  const { expected, replicas } = seen;
  if (expected === undefined) return make('waiting', 'not-created', { says: 'made of the registrations, which come first' });
  const facts = expected.routers.map(routerFact);
  const off = whyNotExposed(subject, seen);
  if (off !== undefined) return make('broken', 'not-exposed', { ...off, facts });
  if (replicas === undefined) {
    const says = `${few(
      expected.routers.map(({ key }) => nameOf(key)),
      3,
    )} by the tags; no Traefik is watched`;
    return make('not-watched', 'not-watched', { says, facts, remedy: 'Set traefik.api, and this tells what Traefik serves.' });
  }
  if (expected.services.every(({ required }) => required.size === 0)) {
    return make('waiting', 'not-registered', { says: 'Consul has no passing instance that Traefik could route to', facts });
  }
  const silent = silentLink(make, seen, known, facts);
  if (silent !== undefined) return silent;
  const answering = replicas.filter(({ answers }) => answers);
  const broken = [...new Set(answering.flatMap(({ comparison }) => comparison?.broken ?? []))];
  if (broken.length > 0) {
    const remedy = 'Correct the tags of the Service, or define in Traefik what they refer to.';
    return make('broken', 'TRAEFIK_ROUTER_BROKEN', { says: `Traefik says: ${broken[0]}`, facts: [...broken.slice(1), ...facts], remedy });
  }
  return followed(make, { answering, facts, expected }, subject);
}

interface Following {
  readonly answering: readonly SeenReplica[];
  readonly facts: readonly string[];
  readonly expected: ExpectedRoutes;
}

/** Whether every replica that answers has the routers as the tags say. */
function followed(make: MakeLink, { answering, facts, expected }: Following, { view }: Subject): Link {
  const differing = answering.filter(({ comparison }) => comparison !== undefined && (!comparison.known || comparison.routers.length > 0));
  const [first] = differing;
  const names = few(
    expected.routers.map(({ key }) => nameOf(key)),
    3,
  );
  if (first === undefined)
    return make('ok', 'ok', { says: names === '' ? 'no HTTP router is asked for' : `${names} on every replica that answers`, facts });
  const isNowhere = answering.every(({ comparison }) => comparison?.known !== true);
  const what = isNowhere
    ? `no Traefik replica has anything of Consul service ${view?.service ?? ''}`
    : `Traefik replica ${first.replica}: ${few(first.comparison?.routers ?? ['nothing of the pool'], 3)}`;
  if (!differing.some(({ state }) => state === 'behind')) return make('waiting', 'traefik-follows', { says: `${what} yet`, facts });
  if (!isNowhere) return make('broken', 'TRAEFIK_BEHIND', { says: what, facts, remedy: BEHIND });
  const remedy =
    "Check that Traefik's consulCatalog provider reads this Consul, and that its constraints, prefix and exposedByDefault let the tags in.";
  return make('broken', 'TRAEFIK_NOT_SERVED', { says: what, facts, remedy });
}

const BEHIND = "Look into this Traefik's log for errors of the consulCatalog provider; restart it when there are none.";

/** Why Traefik will not look at the pool at all: its tags switch it off, or do not switch it on where they must. */
function whyNotExposed(
  { view }: Subject,
  { expected, replicas }: SeenTraefik,
): { readonly says: string; readonly remedy: string } | undefined {
  const remedy = 'Add the annotation traefik.enable: "true" to the Service.';
  if (expected?.exposed === false) return { says: 'its tags say traefik.enable=false, or cannot be read', remedy };
  const isKnown = replicas === undefined || replicas.some(({ comparison }) => comparison?.known === true);
  const isAnswered = replicas?.some(({ answers }) => answers) === true;
  if (expected?.exposed === true || isKnown || !isAnswered) return undefined;
  return { says: `the tags of Consul service ${view?.service ?? ''} do not say traefik.enable=true, and no Traefik has it`, remedy };
}

/** Told when no replica answers. */
function silentLink(make: MakeLink, { replicas }: SeenTraefik, { context }: KnownWorld, facts: readonly string[]): Link | undefined {
  if (replicas === undefined || replicas.some(({ answers }) => answers)) return undefined;
  const [first] = context.world.gateways?.values() ?? [];
  const reason = first === undefined || first.kind === 'complete' ? undefined : first.reason;
  return make('unknown', reason?.code ?? 'TRAEFIK_UNREACHABLE', { ...silentWords('Traefik', reason), facts });
}

/** What the replicas have in rotation. */
export function serversLink(seen: SeenTraefik, known: KnownWorld): Link {
  const make = linkMaker(known)('servers', ['traefik:']);
  const { replicas, expected, serving } = seen;
  if (replicas === undefined) return make('not-watched', 'not-watched', { says: 'no Traefik is watched (traefik.api)' });
  if (expected === undefined || expected.services.every(({ required, allowed }) => required.size + allowed.size === 0)) {
    return make('waiting', 'not-registered', { says: 'none are expected yet' });
  }
  const facts = replicas.map(replicaFact);
  const silent = silentLink(make, seen, known, facts);
  if (silent !== undefined) return silent;
  const late = replicas.find(({ answers, comparison }) => answers && (comparison?.missing ?? 0) + (comparison?.lingering.length ?? 0) > 0);
  if (late?.state === 'behind') return make('broken', 'TRAEFIK_BEHIND', { says: replicaFact(late), facts, remedy: BEHIND });
  if (serving === 0 && late === undefined) {
    const remedy = 'Correct the health check in the tags, or mend what answers it: Traefik keeps requests from every server.';
    return make('broken', 'no-server-up', { says: 'Traefik has no server of it in rotation', facts, remedy });
  }
  if (late !== undefined) return make('waiting', 'traefik-follows', { says: replicaFact(late), facts });
  const lost = replicas.filter(({ answers }) => !answers);
  if (lost.length > 0) {
    const says = `${few(lost.map(({ replica }) => replica))} does not answer; the others have ${count(serving ?? 0, 'server')}`;
    return make('unknown', 'TRAEFIK_UNREACHABLE', { says, facts, remedy: 'Check that this Traefik runs and that its API answers.' });
  }
  return make('ok', 'ok', {
    says: `${count(serving ?? 0, 'server')} in rotation on ${few(replicas.map(({ replica }) => replica))}`,
    facts,
  });
}

/** The last requests that the daemon sent itself through Traefik. */
export function probeLink({ poolReport }: Subject, known: KnownWorld): Link {
  const make = linkMaker(known)('probe', []);
  const probes = poolReport?.probes ?? [];
  const [first] = probes;
  if (first === undefined) return make('not-watched', 'not-probed', { says: 'the daemon sends no request of its own' });
  const told = probes.map(({ host, path, status, durationMs, error, atMs }) => {
    const ago = ageWords(known.nowMs - atMs);
    return `${host}${path}: ${error ?? `${status ?? 'an answer'} in ${Math.round(durationMs)} ms`}, ${ago} ago`;
  });
  const ageMs = Math.max(...probes.map(({ atMs }) => Math.max(0, known.nowMs - atMs)));
  const bad = probes.findIndex(({ ok }) => !ok);
  if (bad < 0) return { ...make('ok', 'ok', { says: told[0] ?? '', facts: told.slice(1) }), ageMs };
  const remedy = 'Ask the same through Traefik by curl, and look at the log of the application.';
  const link = make('broken', 'probe-failed', { says: told[bad] ?? '', facts: told.filter((_, i) => i !== bad), remedy });
  // One request may be lost; the next one tells.
  return { ...link, state: (probes[bad]?.failures ?? 0) < 2 ? 'waiting' : 'broken', ageMs };
}

function replicaFact({ replica, answers, comparison, state }: SeenReplica): string {
  if (comparison === undefined) return `${replica}: has never answered`;
  const { serving, missing, lingering } = comparison;
  const words = [
    `${serving} serving`,
    ...(missing === 0 ? [] : [`${missing} missing`]),
    ...(lingering.length === 0 ? [] : [`${few(lingering)} still there`]),
    ...(answers ? [] : ['does not answer now']),
    ...(state === 'behind' ? ['does not follow Consul'] : []),
  ];
  return `${replica}: ${words.join(', ')}`;
}

/** A router for people. */
export function routerFact({ key, fields: { rule, entryPoints, priority, middlewares, tls } }: ExpectedRouter): string {
  const words = [
    rule ?? 'the default rule',
    ...(entryPoints === undefined ? [] : [`on ${entryPoints.join(', ')}`]),
    ...(tls === true ? ['TLS'] : []),
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(middlewares === undefined || middlewares.length === 0 ? [] : [`through ${middlewares.join(', ')}`]),
  ];
  return `router ${nameOf(key)}: ${words.join(', ')}`;
}

/** The name of a router without its protocol. */
export const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1);
