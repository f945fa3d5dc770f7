import type { NodeAnswer, NodePoolView } from '../http/node-views.ts';

/** Something that keeps a node from being as it was asked to be. */
export interface DrainWait {
  /** The pool that it is about; absent when it is about the node as a whole. */
  readonly pool?: string;
  readonly why: string;
}

/** One condition of being done: what it still waits for, nothing when it is met. */
type Gate = (answer: NodeAnswer) => readonly DrainWait[];

/** What must be so, in this order, until a node is out of traffic, or back. Traefik counts where it is watched. */
const GATES: Readonly<Record<'drain' | 'undrain', readonly Gate[]>> = {
  drain: [sourcesAnswer, isMarked, consulLetsGo, traefikLetsGo],
  undrain: [sourcesAnswer, isUnmarked, isReady, consulHasItBack, traefikHasItBack],
};

/** What is still waited for, by the first gate that is not passed: later ones cannot be told yet. Nothing: done. */
export function drainWaits(wish: 'drain' | 'undrain', answer: NodeAnswer): readonly DrainWait[] {
  for (const gate of GATES[wish]) {
    const waits = gate(answer);
    if (waits.length > 0) return waits;
  }
  return [];
}

/** Only complete answers say how it is now: without Consul nothing would seem registered. */
function sourcesAnswer({ sources }: NodeAnswer): readonly DrainWait[] {
  return sources.flatMap(({ source, kind, reason }) => {
    if (kind === 'complete') return [];
    return [{ why: `the daemon's view of ${source} is ${kind}${reason === undefined ? '' : ` (${reason.message})`}` }];
  });
}

function isMarked({ node }: NodeAnswer): readonly DrainWait[] {
  return node.draining || !node.inCluster ? [] : [{ why: 'the daemon has not seen the mark yet' }];
}

function isUnmarked({ node }: NodeAnswer): readonly DrainWait[] {
  return node.draining ? [{ why: 'the daemon still sees the mark' }] : [];
}

/** Each instance is gone, or critical by the check of its node, which tells nothing of one by an agent; and no pool keeps the node in. */
function consulLetsGo({ node }: NodeAnswer): readonly DrainWait[] {
  const holds = node.pools.filter((pool) => pool.in === true || pool.byAgent || (pool.registered && node.check !== 'critical'));
  const waits = holds.map(({ pool, in: stays, reason }) => ({ pool, why: stays === false ? `leaving (${reason})` : reason }));
  const others = node.check === 'critical' ? 0 : node.registered - node.pools.filter(({ registered }) => registered).length;
  return others > 0 ? [...waits, { why: `${others} registered for pools that no spec holds` }] : waits;
}

/** Every replica that can be asked has dropped the node from every pool. */
function traefikLetsGo({ node }: NodeAnswer): readonly DrainWait[] {
  return node.pools.flatMap(({ pool, heldBy = [] }) => heldBy.map((why) => ({ pool, why })));
}

/** Not meant to be a backend, whether drained or not: then there is nothing to wait for. */
const NEVER: ReadonlySet<NodeAnswer['node']['code']> = new Set(['excluded', 'control-plane', 'not-selected', 'no-address']);

/** Why a node that may come back does not, when that is not the drain. */
export const isNoBackend = ({ node }: NodeAnswer): boolean => NEVER.has(node.code);

function isReady(answer: NodeAnswer): readonly DrainWait[] {
  const { eligible, reason } = answer.node;
  return eligible || isNoBackend(answer) ? [] : [{ why: reason }];
}

/** Of pools that are not in Consul at all, it is not the node that keeps them out. */
function consulHasItBack({ node }: NodeAnswer): readonly DrainWait[] {
  return node.pools.flatMap((view) => (view.instances === 0 ? [] : whyNotBack(view)));
}

/** Every replica that can be asked has all backends of the pools that the node is back in. */
function traefikHasItBack({ node }: NodeAnswer): readonly DrainWait[] {
  return node.pools.flatMap(({ pool, in: wanted, awaitedBy = [] }) => (wanted === true ? awaitedBy.map((why) => ({ pool, why })) : []));
}

function whyNotBack({ pool, in: wanted, code, reason, registered, passing, byAgent }: NodePoolView): readonly DrainWait[] {
  if (code === 'grace') return [{ pool, why: reason }];
  if (wanted !== true || passing || byAgent) return [];
  return [{ pool, why: registered ? 'registered, and its checks do not pass yet' : 'not registered yet' }];
}
