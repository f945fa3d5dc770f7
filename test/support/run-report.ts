import type { Hold, NodeDecision } from '../../src/core/model/action.ts';
import { nodeName, poolKey, revision, specId } from '../../src/core/model/ids.ts';
import type { ActionReport, NodeReport, PoolReport, RunReport, SourceReport, SpecReport } from '../../src/core/report/run-report.ts';
import { problem } from '../../src/shared/problem.ts';

/** A report of a run in which nothing happened, with what a test is about put over it. */
export function runReport(more: Partial<RunReport> = {}): RunReport {
  return {
    startedAtMs: 1_700_000_000_000,
    durationMs: 20,
    passes: 1,
    trigger: ['interval'],
    revision: revision('4f1c0de'),
    leader: { consul: true, kubernetes: true },
    specs: [],
    pools: [],
    nodes: [],
    sources: ['git', 'nodes', 'services', 'endpoints', 'consul'].map((source) => sourceReport(source)),
    holds: [],
    problems: [],
    latencies: [],
    writes: [],
    ...more,
  };
}

export const sourceReport = (source: string, more: Partial<SourceReport> = {}): SourceReport => ({
  source,
  kind: 'complete',
  ageMs: 1500,
  ...more,
});

export function specReport(id: string, more: Partial<SpecReport> = {}): SpecReport {
  return {
    id: specId(id),
    state: 'in-step',
    legs: { git: 'in-step', kubernetes: 'in-step', consul: 'in-step', traefik: 'not-watched' },
    problems: [],
    waiting: [],
    holds: [],
    actions: [],
    ...more,
  };
}

export function poolReport(namespace: string, name: string, more: Partial<PoolReport> = {}): PoolReport {
  return {
    pool: poolKey(namespace, name),
    spec: specId(`${namespace}/${name}.yaml`),
    service: name,
    desired: 3,
    registered: 3,
    passing: 2,
    nodePort: 30_080,
    health: { mode: 'node', words: 'as Kubernetes says of its nodes' },
    decisions: [],
    registeredOn: [],
    passingOn: [],
    ...more,
  };
}

export const nodeReport = (node: string, more: Partial<NodeReport> = {}): NodeReport => ({
  node: nodeName(node),
  eligible: true,
  code: 'ready',
  reason: 'Ready',
  draining: false,
  registered: 1,
  check: 'passing',
  ...more,
});

export const actionReport = (more: Partial<ActionReport> = {}): ActionReport => ({
  leg: 'kubernetes',
  op: 'apply-object',
  on: 'Service prod/web',
  changes: ['spec.ports[0].port'],
  result: 'done',
  ...more,
});

export const nodeDecision = (node: string, more: Partial<NodeDecision> = {}): NodeDecision => ({
  node: nodeName(node),
  in: true,
  code: 'ready',
  reason: 'the node is ready',
  ...more,
});

export const removalHold = (spec: string, what: string): Hold => ({
  spec: specId(spec),
  what,
  reason: problem('REMOVAL_LIMIT', `removing ${what} is above the limit of 2`),
});
