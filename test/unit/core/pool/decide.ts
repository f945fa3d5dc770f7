import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import type { PoolPolicy } from '../../../../src/core/model/policy.ts';
import type { PoolDemand } from '../../../../src/core/pool/classify-node.ts';
import type { PoolDecision } from '../../../../src/core/pool/decide-pool.ts';
import { decidePool } from '../../../../src/core/pool/decide-pool.ts';
import { keys, NOW_MS, node, POLICY } from '../../../support/builders.ts';

export interface Given {
  readonly nodes: readonly NodeFacts[];
  /** Names of the registered nodes; all of `nodes` when absent. */
  readonly members?: readonly string[];
  readonly demand?: Partial<PoolDemand>;
  readonly policy?: Partial<PoolPolicy>;
  /** With `externalTrafficPolicy: Local`: the nodes that hold a ready endpoint. */
  readonly local?: readonly string[];
  readonly nowMs?: number;
}

export function decide({ nodes, members, demand, policy, local, nowMs = NOW_MS }: Given): PoolDecision {
  const registered = members?.map(nodeName) ?? nodes.map(({ name }) => name);
  const pool = keys.pool('web');
  const whole: PoolDemand = {
    pool,
    local: local !== undefined,
    nodes: [],
    minBackends: 1,
    maxBackends: 100,
    endpoints: { pool, ready: local?.length ?? 1, readyNodes: (local ?? []).map(nodeName), portNames: ['http'] },
    members: new Map(registered.map((name) => [name, `10.9.0.${name.replace(/\D/g, '') || '1'}`])),
    ...demand,
  };
  return decidePool(nodes, whole, { ...POLICY.pool, ...policy }, nowMs);
}

/** `n1 ready`, `-n2 cordoned`: a minus for a node that is out. */
export const told = (decision: PoolDecision): readonly string[] =>
  decision.decisions.map((one) => `${one.in ? '' : '-'}${one.node} ${one.code}`);
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
export const many = (count: number, more: (i: number) => Partial<NodeFacts> = () => ({})): readonly NodeFacts[] =>
  range(count).map((i) => node(`n${i}`, more(i)));
export const names = (...numbers: readonly number[]): readonly string[] => numbers.map((i) => `n${i}`);

export const notReady = { ready: false };
export const cordoned = { unschedulable: true };
export const tainted = { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] };
export const excluded = { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } };
export const recent = { readyChangedAtMs: NOW_MS - 4_000 };
export const spot = [{ key: 'spot', operator: 'not-exists' as const, values: [] }];
