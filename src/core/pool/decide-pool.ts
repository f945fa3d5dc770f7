import type { NodeDecision, NodeReason } from '../model/action.ts';
import { hashOf } from '../model/hash.ts';
import type { NodeName } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { NodeFacts } from '../model/nodes.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { Candidate, PoolDemand } from './classify-node.ts';
import { classifyNode } from './classify-node.ts';

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
}

/** The share of NotReady nodes above which the nodes are believed to serve still: Kubernetes' own unhealthy-zone threshold. */
const MASS_NOT_READY = 0.55;

/** Which members a floor keeps first: those most likely to serve. */
const FLOOR_ORDER: readonly NodeReason[] = [
  'grace',
  'cordoned',
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
 * (cordons, taints) never take more than half of it at once, and when most nodes are NotReady at once they are not believed.
 */
export function decidePool(nodes: readonly NodeFacts[], demand: PoolDemand, policy: PoolPolicy, nowMs: number): PoolDecision {
  const named = new Set(nodes.map((node) => node.name));
  const gone: Candidate[] = [...demand.members]
    .filter(([node]) => !named.has(node))
    .map(([node, address]) => ({
      node,
      address,
      member: true,
      verdict: 'out',
      code: 'deleting',
      reason: 'the node is no longer in the cluster',
    }));
  const candidates = [...nodes.map((node) => classifyNode(node, demand, policy, nowMs)), ...gone].sort((a, b) => byBytes(a.node, b.node));
  const settled = cutToFit(keepFloor(keepTurns(keepLastEndpoints(keepMassNotReady(candidates), demand)), demand), demand);
  const waits = settled.flatMap((c) => (c.lookAgainAtMs === undefined || c.verdict === 'in' ? [] : [c.lookAgainAtMs]));
  return {
    backends: settled.flatMap((c) => (c.verdict === 'in' && c.address !== undefined ? [{ node: c.node, address: c.address }] : [])),
    decisions: settled.map(({ node, verdict, code, reason }) => ({ node, in: verdict === 'in', code, reason })),
    lookAgainAtMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
}

const keep = (candidate: Candidate, code: NodeReason, why: string): Candidate => ({
  ...candidate,
  verdict: 'in',
  code,
  reason: `${why} (${candidate.reason})`,
});

/** What keeps a node out although it would count among the nodes of the pool. */
const JUDGED: ReadonlySet<NodeReason> = new Set(['not-ready', 'no-endpoint', 'grace']);

/** Most nodes NotReady at once: the kubelets have probably lost the API server, so registered nodes stay. */
function keepMassNotReady(candidates: readonly Candidate[]): readonly Candidate[] {
  const judged = candidates.filter((c) => c.verdict !== 'out' || JUDGED.has(c.code));
  const notReady = judged.filter((c) => c.code === 'not-ready');
  if (notReady.length <= MASS_NOT_READY * judged.length) return candidates;
  const why = `kept: ${notReady.length} of ${judged.length} nodes are NotReady at once, which is not believed`;
  return candidates.map((c) => (c.code === 'not-ready' && c.member ? keep(c, 'kept-mass-not-ready', why) : c));
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

/** Rendezvous hashing, present members first: a join or a leave moves only what must move. */
function cutToFit(candidates: readonly Candidate[], demand: PoolDemand): readonly Candidate[] {
  const inside = candidates.filter((c) => c.verdict === 'in');
  if (inside.length <= demand.maxBackends) return candidates;
  const score = (c: Candidate): string => hashOf([demand.pool, c.node]);
  const ranked = [...inside].sort((a, b) => Number(b.member) - Number(a.member) || byBytes(score(a), score(b)));
  const chosen = new Set(ranked.slice(0, demand.maxBackends).map((c) => c.node));
  const warning = demand.local ? '; pods on it get no traffic from outside' : '';
  const reason = `not needed: the pool is limited to ${demand.maxBackends} backends${warning}`;
  return candidates.map((c) =>
    c.verdict === 'in' && !chosen.has(c.node) ? { ...c, verdict: 'out' as const, code: 'not-needed' as const, reason } : c,
  );
}
