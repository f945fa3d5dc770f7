import type { NodeReason } from '../model/action.ts';
import type { NodeName, PoolKey } from '../model/ids.ts';
import type { EndpointFacts, NodeFacts } from '../model/nodes.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { LabelSelector } from '../model/settings.ts';
import { matchesSelector } from '../model/settings.ts';

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
}

/** A node under consideration. `wish` leaves by someone's wish, `out` for a reason in itself. */
export interface Candidate {
  readonly node: NodeName;
  readonly address: string | undefined;
  readonly member: boolean;
  readonly verdict: 'in' | 'wish' | 'out';
  readonly code: NodeReason;
  readonly reason: string;
  readonly lookAgainAtMs?: number;
}

const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';
const CONTROL_PLANE_LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** The address of a node by the ordered wish list of types, in the wanted family; a host name fits any family. */
export function nodeAddress(node: NodeFacts, policy: PoolPolicy): string | undefined {
  for (const type of policy.addressTypes) {
    const found = node.addresses.find((a) => a.type === type && fitsFamily(a.type, a.address, policy.addressFamily));
    if (found !== undefined) return found.address;
  }
  return undefined;
}

function fitsFamily(type: string, address: string, family: PoolPolicy['addressFamily']): boolean {
  if (address === '') return false;
  if (type === 'Hostname') return true;
  return address.includes(':') === (family === 'IPv6');
}

/** What speaks for or against one node, before any floor: the first reason that applies, in this order. */
export function classifyNode(node: NodeFacts, demand: PoolDemand, policy: PoolPolicy, nowMs: number): Candidate {
  const registered = demand.members.get(node.name);
  const address = nodeAddress(node, policy);
  const say = (verdict: Candidate['verdict'], code: NodeReason, reason: string): Candidate => ({
    node: node.name,
    address: address ?? registered,
    member: registered !== undefined,
    verdict,
    code,
    reason,
  });
  const unfit = whyUnfit(node, demand, policy);
  if (unfit !== undefined) return say('out', unfit[0], unfit[1]);
  if (address === undefined)
    return say('out', 'no-address', `it has no ${policy.addressFamily} address of type ${policy.addressTypes.join(', ')}`);
  if (node.deleting) return say('out', 'deleting', 'the node is being deleted');
  if (!node.ready) return say('out', 'not-ready', 'the node is not Ready');
  if (demand.local && !(demand.endpoints?.readyNodes.includes(node.name) ?? false)) {
    return say('out', 'no-endpoint', 'externalTrafficPolicy is Local and no ready endpoint runs on it');
  }
  const taint = node.taints.find((t) => policy.drainingTaints.includes(t.key));
  if (taint !== undefined) return say('wish', 'tainted', `the node has the draining taint ${taint.key}`);
  if (node.unschedulable && policy.drainOnCordon) return say('wish', 'cordoned', 'the node is cordoned');
  const graceEndsAtMs = node.readyChangedAtMs + policy.graceMs;
  if (registered === undefined && graceEndsAtMs > nowMs) {
    const left = Math.ceil((graceEndsAtMs - nowMs) / 1000);
    return { ...say('out', 'grace', `Ready only since a moment; it comes in after ${left} s more`), lookAgainAtMs: graceEndsAtMs };
  }
  return say('in', 'ready', 'Ready');
}

function whyUnfit(node: NodeFacts, demand: PoolDemand, policy: PoolPolicy): readonly [NodeReason, string] | undefined {
  if (!matchesSelector(policy.nodes, node.labels)) return ['not-selected', 'it does not match the configured node selector'];
  if (!matchesSelector(demand.nodes, node.labels)) return ['not-selected', 'it does not match the node selector of the Service'];
  if (node.labels[EXCLUDE_LABEL] !== undefined) return ['excluded', `it has the label ${EXCLUDE_LABEL}`];
  if (!policy.controlPlane && CONTROL_PLANE_LABELS.some((label) => node.labels[label] !== undefined)) {
    return ['control-plane', 'it is a control-plane node'];
  }
  return undefined;
}
