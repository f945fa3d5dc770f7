import type { NodeReport, PoolReport, ReplicaReport, RunReport, SourceReport } from '../core/report/run-report.ts';
import { cellLetters } from './cell-letter.ts';
import type { CellLetter } from './overview.ts';

/** One pool as seen from a node. */
export interface NodePoolView {
  readonly pool: PoolReport['pool'];
  /** Name of the Consul service. */
  readonly service: string;
  /** Whether the node is to be a backend, the fixed word for why, and the reason in words. Undefined while that cannot be decided. */
  readonly in: boolean | undefined;
  readonly code: NodeReport['code'] | undefined;
  readonly reason: string;
  /** The same and what follows in one letter, as the overview tells it. */
  readonly cell: CellLetter;
  /** Whether an instance stands on the node in the catalog, and whether all its checks pass. */
  readonly registered: boolean;
  readonly passing: boolean;
  /** Whether the Consul agent of the node registers it. */
  readonly byAgent: boolean;
  /** Number of instances of the pool in Consul, on all nodes. */
  readonly instances: number;
  /** The Traefik replicas that send the node requests, or may, although Consul says no more: why, in words. Absent: none is watched. */
  readonly heldBy?: readonly string[];
  /** The Traefik replicas that lack backends of the pool, the node's own perhaps: why, in words. Absent: none is watched. */
  readonly awaitedBy?: readonly string[];
}

/** A node with its place in or outside of every pool. */
export interface NodeView extends NodeReport {
  /** False for one that Kubernetes does not have (any more) and that still stands in Consul. */
  readonly inCluster: boolean;
  readonly pools: readonly NodePoolView[];
}

/** Where the views come from, and how far they can be trusted. */
export interface NodeViewsSource {
  readonly startedAtMs: number;
  /** What Kubernetes last told of the nodes, and Consul of the registrations. */
  readonly sources: readonly SourceReport[];
}

/** `GET /api/v1/nodes`: every node of the cluster, and those that have left it and still stand in Consul, by name. */
export interface NodesAnswer extends NodeViewsSource {
  readonly nodes: readonly NodeView[];
}

/** `GET /api/v1/nodes/{node}` */
export interface NodeAnswer extends NodeViewsSource {
  readonly node: NodeView;
}

/** Every node with its place in every pool. */
export function nodesAnswer(report: RunReport): NodesAnswer {
  const index = indexPools(report.pools);
  const known = new Set(report.nodes.map(({ node }) => node));
  const gone = [...index.keys()].filter((node) => !known.has(node)).map((node) => goneNode(node, index.get(node) ?? []));
  const nodes = [...report.nodes.map((node) => viewOf(node, true, index.get(node.node) ?? [])), ...gone];
  return { ...sourceOf(report), nodes: nodes.sort((a, b) => (a.node < b.node ? -1 : 1)) };
}

/** One node; undefined when neither Kubernetes nor Consul has it. */
export function nodeAnswer(report: RunReport, name: string): NodeAnswer | undefined {
  const known = report.nodes.find(({ node }) => node === name);
  const node = known?.node ?? (name as NodeReport['node']);
  const pools = report.pools.flatMap((pool) => (concerns(pool, node) ? [poolViews(pool)(node)] : []));
  if (known === undefined && pools.length === 0) return undefined;
  return { ...sourceOf(report), node: known === undefined ? goneNode(node, pools) : viewOf(known, true, pools) };
}

const sourceOf = ({ startedAtMs, sources }: RunReport): NodeViewsSource => ({
  startedAtMs,
  sources: sources.filter(({ source }) => source === 'nodes' || source === 'consul'),
});

const viewOf = (node: NodeReport, inCluster: boolean, pools: readonly NodePoolView[]): NodeView => ({ ...node, inCluster, pools });

function goneNode(node: NodeReport['node'], pools: readonly NodePoolView[]): NodeView {
  const registered = pools.filter((pool) => pool.registered).length;
  const report = { node, eligible: false, code: 'deleting', reason: 'the node is no longer in the cluster', draining: false } as const;
  return viewOf({ ...report, registered, check: undefined }, false, pools);
}

const UNDECIDED = { in: undefined, code: undefined, reason: 'not decided: the pool leaves, or what it is made of is not known' };

/** The pools of each node, in the order of the pools. */
function indexPools(pools: readonly PoolReport[]): ReadonlyMap<NodeReport['node'], readonly NodePoolView[]> {
  const index = new Map<NodeReport['node'], NodePoolView[]>();
  for (const pool of pools) {
    const viewFrom = poolViews(pool);
    for (const node of new Set([...pool.decisions.map((decision) => decision.node), ...pool.registeredOn])) {
      const list = index.get(node);
      if (list === undefined) index.set(node, [viewFrom(node)]);
      else list.push(viewFrom(node));
    }
  }
  return index;
}

const concerns = ({ decisions, registeredOn }: PoolReport, node: NodeReport['node']): boolean =>
  registeredOn.includes(node) || decisions.some((decision) => decision.node === node);

/** A pool as seen from its nodes. */
function poolViews(report: PoolReport): (node: NodeReport['node']) => NodePoolView {
  const { pool, service, decisions, registeredOn, passingOn, agents, replicas } = report;
  const [registered, passing, byAgents] = [new Set(registeredOn), new Set(passingOn), new Set(agents?.nodes)];
  const decided = new Map(decisions.map((decision) => [decision.node, decision]));
  const letterOf = cellLetters(report);
  const instances = registered.size + byAgents.size;
  const awaitedBy = replicas?.flatMap(whyAwaited) ?? [];
  return (node) => {
    const decision = decided.get(node);
    const verdict = decision === undefined ? UNDECIDED : { in: decision.in, code: decision.code, reason: decision.reason };
    const inConsul = { registered: registered.has(node), passing: passing.has(node), byAgent: byAgents.has(node), instances };
    const inTraefik = replicas === undefined ? {} : { heldBy: replicas.flatMap((replica) => whyHeld(replica, node)), awaitedBy };
    return { pool, service, ...verdict, cell: letterOf(node), ...inConsul, ...inTraefik };
  };
}

/** Why nobody can say that a replica has let go of a node. One that has not answered for long counts by time, as in any drain. */
function whyHeld({ replica, state, lingering }: ReplicaReport, node: string): readonly string[] {
  if (state === 'stale') return [`Traefik replica ${replica} does not answer`];
  if (state === 'lost') return [];
  if (lingering.includes(node)) return [`Traefik replica ${replica} still sends it requests`];
  return state === 'unasked' ? [`Traefik replica ${replica} is asked again`] : [];
}

/** Why nobody can say that a replica has every backend of a pool. */
function whyAwaited({ replica, state, missing }: ReplicaReport): readonly string[] {
  if (state === 'stale') return [`Traefik replica ${replica} does not answer`];
  if (state === 'lost') return [];
  if (missing > 0) return [`Traefik replica ${replica} lacks ${missing} backend${missing === 1 ? '' : 's'}`];
  return state === 'unasked' ? [`Traefik replica ${replica} is asked again`] : [];
}
