import type { NodeReason } from '../model/action.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import type { EndpointFacts, NodeFacts } from '../model/nodes.ts';
import { DRAIN_ANNOTATION, drainOf } from '../model/nodes.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { LabelSelector } from '../model/settings.ts';
import { isHostName, nodeAddress } from './node-address.ts';
import { unmetRequirement } from './selector-words.ts';

/** What one pool asks of the nodes. */
export interface PoolDemand {
  readonly pool: PoolKey;
  /** `externalTrafficPolicy: Local`: only nodes with a ready endpoint serve. */
  readonly local: boolean;
  /** The Service's own selector, on top of the configured one. */
  readonly nodes: LabelSelector;
  readonly minBackends: number;
  /** The most backends that fit; see PoolPolicy.maxBackends. */
  readonly maxBackends: number;
  readonly endpoints: EndpointFacts | undefined;
  /** The nodes registered now, with the address they are registered at. */
  readonly members: ReadonlyMap<NodeName, string>;
  /** The IP families of the Service (`spec.ipFamilies`): its NodePort answers at no address of another. Absent: not known. */
  readonly ipFamilies?: readonly string[];
  /** Until when nodes that left lately stay out, ms since the epoch; see stayingOut. */
  readonly stayOut?: ReadonlyMap<NodeName, number>;
  /** Whether a NodePort of the node took a TCP connection from here. A node that was not tried is absent. */
  readonly reachable?: ReadonlyMap<NodeName, boolean>;
}

/** A node under consideration. `wish` leaves by someone's wish, `out` for a reason in itself. */
export interface Candidate {
  readonly node: NodeName;
  readonly address: string | undefined;
  /** Its topology zone; empty when it has none. */
  readonly zone: string;
  readonly member: boolean;
  readonly verdict: 'in' | 'wish' | 'out';
  readonly code: NodeReason;
  readonly reason: string;
  /** True when the reason lies in this pool, and not in the node. */
  readonly here?: true;
  readonly lookAgainAtMs?: number;
}

type Verdict = Pick<Candidate, 'verdict' | 'code' | 'reason' | 'here' | 'lookAgainAtMs'>;

const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const CONTROL_PLANE_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

/** What speaks for or against one node, before any floor: the first reason that applies, in this order. */
export function classifyNode(node: NodeFacts, demand: PoolDemand, policy: PoolPolicy, nowMs: number): Candidate {
  const registered = demand.members.get(node.name);
  return {
    node: node.name,
    address: nodeAddress(node, policy)?.address ?? registered,
    zone: ZONE_LABELS.map((label) => node.labels[label]).find((zone) => zone !== undefined) ?? '',
    member: registered !== undefined,
    ...(whyUnfit(node, demand, policy) ??
      whyDown(node, demand) ??
      whyUnwanted(node, policy) ??
      whyTooEarly(node, demand, { policy, nowMs }) ?? { verdict: 'in', code: 'ready', reason: 'Ready' }),
  };
}

const out = (code: NodeReason, reason: string): Verdict => ({ verdict: 'out', code, reason });
const outHere = (code: NodeReason, reason: string): Verdict => ({ ...out(code, reason), here: true });

/** It is not meant to be a backend at all. */
function whyUnfit(node: NodeFacts, demand: PoolDemand, policy: PoolPolicy): Verdict | undefined {
  const unmet = unmetRequirement(policy.nodes, node.labels);
  if (unmet !== undefined) return out('not-selected', `it does not match ${unmet} of the configured node selector`);
  const unmetHere = unmetRequirement(demand.nodes, node.labels);
  if (unmetHere !== undefined) return outHere('not-selected', `it does not match ${unmetHere} of the Service's node selector`);
  if (node.labels[EXCLUDE_LABEL] !== undefined) return out('excluded', `it has the label ${EXCLUDE_LABEL}`);
  if (!policy.controlPlane && CONTROL_PLANE_LABELS.some((label) => node.labels[label] !== undefined)) {
    return out('control-plane', 'it is a control-plane node');
  }
  const { addressFamily: family, addressTypes } = policy;
  const address = nodeAddress(node, policy);
  if (address === undefined) return out('no-address', `it has no ${family} address of type ${addressTypes.join(', ')}`);
  if (!isHostName(address.type) && demand.ipFamilies?.includes(family) === false) {
    return outHere('no-address', `the Service answers at ${demand.ipFamilies.join(', ')} only, and ${family} is configured`);
  }
  return undefined;
}

/** It cannot serve. */
function whyDown(node: NodeFacts, demand: PoolDemand): Verdict | undefined {
  if (node.deleting) return out('deleting', 'the node is being deleted');
  if (!node.ready) return out('not-ready', 'the node is not Ready');
  if (demand.local && demand.endpoints?.readyNodes.includes(node.name) !== true) {
    return outHere('no-endpoint', 'externalTrafficPolicy is Local and no ready endpoint runs on it');
  }
  return undefined;
}

/** Somebody wants it out, though it serves. */
function whyUnwanted(node: NodeFacts, policy: PoolPolicy): Verdict | undefined {
  const taint = node.taints.find(({ key, effect }) => policy.drainingTaints.some((one) => one === key || one === `${key}:${effect}`));
  if (taint !== undefined) return { verdict: 'wish', code: 'tainted', reason: `the node has the draining taint ${taint.key}` };
  const drain = drainOf(node);
  if (drain !== undefined) {
    const why = drain.reason === '' ? '' : `: ${drain.reason}`;
    return { verdict: 'wish', code: 'drained', reason: `the node has the annotation ${DRAIN_ANNOTATION}${why}` };
  }
  if (node.unschedulable && policy.drainOnCordon) return { verdict: 'wish', code: 'cordoned', reason: 'the node is cordoned' };
  return undefined;
}

/** Leaving is immediate, coming (back) waits. */
function whyTooEarly(
  node: NodeFacts,
  demand: PoolDemand,
  { policy, nowMs }: { readonly policy: PoolPolicy; readonly nowMs: number },
): Verdict | undefined {
  if (demand.members.has(node.name)) return undefined;
  const steadyAtMs = node.readyChangedAtMs + policy.graceMs;
  const backAtMs = demand.stayOut?.get(node.name) ?? 0;
  const untilMs = Math.max(steadyAtMs, backAtMs);
  if (untilMs <= nowMs) return undefined;
  const since = backAtMs > steadyAtMs ? 'it left only a moment ago' : 'Ready only since a moment';
  return { ...out('grace', `${since}; it comes in after ${Math.ceil((untilMs - nowMs) / 1000)} s more`), lookAgainAtMs: untilMs };
}
