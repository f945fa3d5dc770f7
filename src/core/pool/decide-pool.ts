import type { NodeDecision, NodeReason } from '../model/action.ts';
import type { NodeName } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { NodeFacts } from '../model/nodes.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { Candidate, PoolDemand } from './classify-node.ts';
import { classifyNode } from './classify-node.ts';
import { cutToFit } from './cut-to-fit.ts';

export interface Backend {
  readonly node: NodeName;
  readonly address: string;
}

export interface PoolDecision {
  /** In the order of the node names. */
  readonly backends: readonly Backend[];
  /** One for every node of the cluster and every registered node, in the order of the names. */
  readonly decisions: readonly NodeDecision[];
  /** When a node's grace ends, if one waits for it. */
  readonly lookAgainAtMs: number | undefined;
  /** The registered nodes that are let go and might come back; `here` when the reason lies in this pool only. */
  readonly leaving: readonly { readonly node: NodeName; readonly here: boolean }[];
  /** The registered nodes that are NotReady together with most others: whether they serve still, only trying them tells. */
  readonly doubted: readonly NodeName[];
}

/** The share of NotReady nodes above which the nodes are believed to serve still: Kubernetes' own unhealthy-zone threshold. */
const MASS_NOT_READY = 0.55;

/** Which members a floor keeps first: those most likely to serve. */
const FLOOR_ORDER: readonly NodeReason[] = [
  'grace',
  'cordoned',
  'drained',
  'tainted',
  'not-selected',
  'excluded',
  'control-plane',
  'no-address',
  'not-ready',
  'deleting',
  'no-endpoint',
];

/**
 * Decides which nodes are the backends of a pool, with a reason in words for every node (design section 6). Pure; the order
 * of `nodes` does not matter. The floors hold whatever the reason: a pool is never brought below `minBackends`, wishes
 * (cordons, drains, taints) never take more than half of it at once, and when most nodes are NotReady at once they are not
 * believed while they answer.
 */
export function decidePool(nodes: readonly NodeFacts[], demand: PoolDemand, policy: PoolPolicy, nowMs: number): PoolDecision {
  const classified = nodes.map((node) => classifyNode(node, demand, policy, nowMs));
  const candidates = [...classified, ...gone(nodes, demand)].sort((a, b) => byBytes(a.node, b.node));
  const doubt = massNotReady(candidates);
  const believed = doubt === undefined ? candidates : candidates.map((c) => doubtNotReady(c, demand, doubt));
  const settled = cutToFit(keepFloor(keepTurns(keepLastEndpoints(believed, demand)), demand), demand);
  const waits = settled.flatMap((c) => (c.lookAgainAtMs === undefined || c.verdict === 'in' ? [] : [c.lookAgainAtMs]));
  return {
    backends: settled.flatMap((c) => (c.verdict === 'in' && c.address !== undefined ? [{ node: c.node, address: c.address }] : [])),
    decisions: settled.map(({ node, verdict, code, reason }) => ({ node, in: verdict === 'in', code, reason })),
    lookAgainAtMs: waits.length === 0 ? undefined : Math.min(...waits),
    leaving: settled.flatMap((c) =>
      c.member && c.verdict === 'out' && RETURNS.has(c.code) ? [{ node: c.node, here: c.here === true }] : [],
    ),
    doubted: doubt === undefined ? [] : candidates.flatMap((c) => (c.member && c.code === 'not-ready' ? [c.node] : [])),
  };
}

/** What may pass by itself and come again. A node that is deleted comes back as another; one that is not needed never left by itself. */
const RETURNS: ReadonlySet<NodeReason> = new Set<NodeReason>([
  'not-ready',
  'no-endpoint',
  'cordoned',
  'drained',
  'tainted',
  'excluded',
  'not-selected',
  'no-address',
]);

/** The registered nodes that the cluster no longer has. */
function gone(nodes: readonly NodeFacts[], { members }: PoolDemand): readonly Candidate[] {
  const named = new Set(nodes.map((node) => node.name));
  return [...members].flatMap(([node, address]): readonly Candidate[] => {
    if (named.has(node)) return [];
    return [{ node, address, zone: '', member: true, verdict: 'out', code: 'deleting', reason: 'the node is no longer in the cluster' }];
  });
}

const keep = (candidate: Candidate, code: NodeReason, why: string): Candidate => ({
  ...candidate,
  verdict: 'in',
  code,
  reason: `${why} (${candidate.reason})`,
});

/** What keeps a node out although it would count among the nodes of the pool. */
const JUDGED: ReadonlySet<NodeReason> = new Set<NodeReason>(['not-ready', 'no-endpoint', 'grace']);

/** Most nodes NotReady at once, in words: the kubelets have probably lost the API server, and the pods serve still. */
function massNotReady(candidates: readonly Candidate[]): string | undefined {
  const judged = candidates.filter((c) => c.verdict !== 'out' || JUDGED.has(c.code));
  const notReady = judged.filter((c) => c.code === 'not-ready').length;
  return notReady > MASS_NOT_READY * judged.length ? `${notReady} of ${judged.length} nodes are NotReady at once` : undefined;
}

/**
 * A registered node stays in doubt, unless it was tried and does not answer. That none answers at all says more of the way from
 * here to the nodes than of the nodes, so then it counts for nothing.
 */
function doubtNotReady(candidate: Candidate, { reachable }: PoolDemand, doubt: string): Candidate {
  if (candidate.code !== 'not-ready' || !candidate.member) return candidate;
  const answers = reachable?.get(candidate.node);
  if (answers === undefined) return keep(candidate, 'kept-mass-not-ready', `kept: ${doubt}, which is not believed`);
  if (answers) return keep(candidate, 'kept-mass-not-ready', `kept: ${doubt}, and a NodePort of this one answers`);
  if ([...(reachable?.values() ?? [])].some(Boolean)) return { ...candidate, reason: `${candidate.reason}, and no NodePort of it answers` };
  return keep(candidate, 'kept-mass-not-ready', `kept: ${doubt}, which is not believed; no node answers from here`);
}

/** With `Local`, cordoned nodes stay while they hold the last ready endpoints (kubernetes PR 90823). */
function keepLastEndpoints(candidates: readonly Candidate[], demand: PoolDemand): readonly Candidate[] {
  if (!demand.local || candidates.some((c) => c.code === 'ready')) return candidates;
  return candidates.map((c) =>
    c.verdict === 'wish' ? keep(c, 'kept-last-endpoint', 'kept: it holds the last ready endpoints of the pool') : c,
  );
}

/** Wishes take out at most half: those that are out already count first, then the names in their order; the rest wait their turn. */
function keepTurns(candidates: readonly Candidate[]): readonly Candidate[] {
  const wishes = candidates
    .filter((c) => c.verdict === 'wish')
    .sort((a, b) => Number(a.member) - Number(b.member) || byBytes(a.node, b.node));
  const total = candidates.filter((c) => c.verdict !== 'out').length;
  const leaving = new Set(wishes.slice(0, Math.floor(total / 2)).map((c) => c.node));
  return candidates.map((c) => {
    if (c.verdict !== 'wish') return c;
    if (leaving.has(c.node)) return { ...c, verdict: 'out' as const };
    return keep(c, 'kept-by-turn', 'kept: at most half of a pool leaves at once');
  });
}

/** Never below the floor: members stay, the most trustworthy first. A pool that never had members is not filled up. */
function keepFloor(candidates: readonly Candidate[], demand: PoolDemand): readonly Candidate[] {
  const missing = demand.minBackends - candidates.filter((c) => c.verdict === 'in').length;
  if (missing <= 0) return candidates;
  const rank = (c: Candidate): number => FLOOR_ORDER.indexOf(c.code);
  const eligible = candidates
    .filter((c) => c.verdict !== 'in' && c.address !== undefined && (c.member || c.code === 'grace') && rank(c) >= 0)
    .sort((a, b) => rank(a) - rank(b) || byBytes(a.node, b.node));
  const kept = new Set(eligible.slice(0, missing).map((c) => c.node));
  return candidates.map((c) =>
    kept.has(c.node) ? keep(c, 'kept-by-floor', `kept: the pool must not fall below ${demand.minBackends}`) : c,
  );
}
