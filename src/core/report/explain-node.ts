import type { NodeDecision } from '../model/action.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { nearest } from '../spec/did-you-mean.ts';
import { nodeRemedy } from './explain-backends.ts';
import { count, few, type KnownWorld, linkMaker } from './explain-facts.ts';
import { silentWords } from './explain-spec.ts';
import type { Link } from './explanation.ts';
import type { Findings } from './finish-explanation.ts';

interface Place extends NodeDecision {
  readonly pool: PoolKey;
}

/** The names of all nodes: of the cluster, and those that only stand in Consul. */
export const knownNodes = ({ report }: KnownWorld): readonly string[] => [
  ...new Set([...report.nodes.map(({ node }) => node), ...report.pools.flatMap(({ registeredOn }) => registeredOn)]),
];

/** Why a node is, or is not, a backend. */
export function explainNode(name: string, known: KnownWorld): Findings {
  const node = name as NodeName;
  const { context, report } = known;
  const places = [...context.decisions].flatMap(([pool, { decisions }]): readonly Place[] =>
    decisions.flatMap((one) => (one.node === node ? [{ pool, ...one }] : [])),
  );
  const registered = report.pools.filter(({ registeredOn }) => registeredOn.includes(node));
  const passing = report.pools.filter(({ passingOn }) => passingOn.includes(node));
  const serving = places.length === 0 && registered.length === 0 ? 0 : passing.length;
  const links = [nodeLink(name, places, known), placesLink(places, known), registeredLink(node, places, known), listedLink(node, known)];
  return { about: `node ${name}`, pool: undefined, links, serving, reaches: undefined };
}

/** The node as Kubernetes tells of it. */
function nodeLink(name: string, places: readonly Place[], known: KnownWorld): Link {
  const make = linkMaker(known)('node', ['nodes']);
  const source = known.sources.find((one) => one.source === 'nodes');
  const found = known.report.nodes.find(({ node }) => node === name);
  if (found === undefined) return unknownNode(name, known);
  const facts = (snapshotValue(known.context.world.cluster.nodes) ?? []).flatMap((one) =>
    one.name === name ? [few(one.addresses.map(({ type, address }) => `${type} ${address}`))] : [],
  );
  if (source !== undefined && source.kind !== 'complete') {
    const silent = silentWords('the nodes', source.reason);
    return make('unknown', source.reason?.code ?? 'SNAPSHOT_STALE', {
      ...silent,
      says: `${silent.says}; known is: ${found.reason}`,
      facts,
    });
  }
  if (found.eligible) return make('ok', 'ok', { says: found.reason, facts });
  const remedy = nodeRemedy(found.code, name);
  const more = { facts, ...(remedy === undefined ? {} : { remedy }) };
  const kept = places.filter((place) => place.in);
  if (kept.length > 0 && kept.length === places.length) {
    const why = kept[0]?.reason ?? '';
    return make('waiting', kept[0]?.code ?? found.code, { says: why, ...more });
  }
  return make(found.code === 'grace' ? 'waiting' : 'broken', found.code, { says: found.reason, ...more });
}

function unknownNode(name: string, known: KnownWorld): Link {
  const near = nearest(name, knownNodes(known));
  const remedy = near === undefined ? '`poolkeeper status` lists the nodes.' : `Did you mean ${near}?`;
  const isOut = known.report.pools.some(({ registeredOn }) => registeredOn.some((node) => node === name));
  const says = isOut ? `${name} is no longer in the cluster, and stands in Consul still` : `there is no node ${name}`;
  return linkMaker(known)('node', ['nodes'])('broken', isOut ? 'deleting' : 'not-found', { says, ...(isOut ? {} : { remedy }) });
}

/** Its place in each pool. */
function placesLink(places: readonly Place[], known: KnownWorld): Link {
  const make = linkMaker(known)('backends', ['nodes', 'services']);
  const [inside, outside] = [places.filter((one) => one.in), places.filter((one) => !one.in)];
  const facts = outside.map(({ pool, reason }) => `${pool}: out: ${reason}`);
  if (places.length === 0) return make('waiting', 'no-backends', { says: 'no pool asks for nodes' });
  if (inside.length === 0) {
    const [first] = outside;
    return make('broken', first?.code ?? 'no-backends', {
      says: `out of all ${count(places.length, 'pool')}: ${first?.reason ?? ''}`,
      facts,
    });
  }
  return make('ok', 'ok', { says: `in ${inside.length} of ${count(places.length, 'pool')}`, facts });
}

/** What Consul has of it. */
function registeredLink(node: NodeName, places: readonly Place[], { report, sources }: KnownWorld): Link {
  const make = linkMaker({ sources })('registrations', ['consul']);
  const source = sources.find((one) => one.source === 'consul');
  const registered = report.pools.filter(({ registeredOn }) => registeredOn.includes(node));
  const passing = registered.filter(({ passingOn }) => passingOn.includes(node));
  const check = report.nodes.find((one) => one.node === node)?.check;
  const facts = [...(check === undefined ? [] : [`its check in Consul: ${check}`]), ...registered.slice(0, 10).map(({ pool }) => pool)];
  const says = `${count(registered.length, 'instance')}, ${passing.length} passing`;
  if (source !== undefined && source.kind !== 'complete')
    return make('unknown', source.reason?.code ?? 'CONSUL_UNAVAILABLE', {
      ...silentWords('Consul', source.reason),
      facts: [says, ...facts],
    });
  // A pool that is nowhere in Consul has reasons of its own.
  const inConsul = new Set(report.pools.flatMap((one) => (one.registered > 0 ? [one.pool] : [])));
  const wanted = places.filter((one) => one.in && inConsul.has(one.pool)).length;
  if (registered.length < wanted) return make('waiting', 'not-registered', { says: `${says}; ${wanted} wanted`, facts });
  if (registered.length > 0 && passing.length === 0) return make('broken', 'checks-critical', { says, facts });
  return make('ok', 'ok', { says, facts });
}

/** Whether Traefik sends it requests that it should not get. */
function listedLink(node: NodeName, { context, report, sources }: KnownWorld): Link {
  const make = linkMaker({ sources })('servers', ['traefik:']);
  if (context.world.gateways === undefined) return make('not-watched', 'not-watched', { says: 'no Traefik is watched (traefik.api)' });
  const lingering = report.pools.flatMap(({ pool, replicas = [] }) =>
    replicas.flatMap((one) => (one.lingering.some((name) => name === node) ? [`${one.replica} still sends it requests for ${pool}`] : [])),
  );
  if (lingering.length > 0) return make('waiting', 'traefik-follows', { says: lingering[0] ?? '', facts: lingering.slice(1) });
  const silent = [...context.world.gateways].filter(([, one]) => one.kind !== 'complete').map(([replica]) => replica);
  if (silent.length > 0) return make('unknown', 'TRAEFIK_UNREACHABLE', { says: `${few(silent)} does not answer` });
  return make('ok', 'ok', { says: 'every Traefik follows Consul in what concerns it' });
}
