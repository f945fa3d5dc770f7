import { replicaName, revision } from '../../src/core/model/ids.ts';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { problem } from '../../src/shared/problem.ts';
import { actionReport, nodeReport, poolReport, removalHold, runReport, sourceReport, specReport } from './run-report.ts';

/** A report in which something of everything happened: every metric that reports make has a series after it. */
export function fullReport(more: Partial<RunReport> = {}): RunReport {
  const replica = replicaName('a');
  const probe = { router: 'r', host: 'h', path: '/', atMs: 0, ok: true, durationMs: 40, failures: 0 };
  const following = { replica, state: 'in-step', serving: 3, missing: 0, lingering: [], routers: [] } as const;
  return runReport({
    sources: [...runReport().sources, sourceReport('traefik:a')],
    specs: [specReport('a', { actions: [actionReport()] }), specReport('b', { problems: [problem('SPEC_OBJECT_CONFLICT', 'x')] })],
    pools: [poolReport('prod', 'web', { floor: 1, serving: 3, probes: [probe], replicas: [following] })],
    nodes: [nodeReport('w1')],
    gateways: [{ replica, state: 'in-step', pools: 1 }],
    holds: [removalHold('a', 'x')],
    latencies: [{ revision: revision('4f1c0de'), stage: 'total', seconds: 3, start: 'webhook' }],
    writes: [{ leg: 'consul', result: 'done', count: 4 }],
    ...more,
  });
}
