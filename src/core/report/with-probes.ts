import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolKey } from '../model/ids.ts';
import type { RouteAnswer } from '../model/ports.ts';
import type { RunReport } from './run-report.ts';

/** What the routes of the pools answered when they were last tried. */
export type ProbedRoutes = ReadonlyMap<PoolKey, readonly RouteAnswer[]>;

/** A report as it is now: between two runs it stands still, and routes go on being tried. */
export function withProbes(report: RunReport, probed: ProbedRoutes | undefined): RunReport {
  if (probed === undefined) return report;
  const pools = report.pools.map(({ probes: _old, ...pool }) => {
    const probes = probed.get(pool.pool);
    return probes === undefined ? pool : { ...pool, probes };
  });
  return { ...report, pools };
}

/** Tells of routes that failed twice in a row: once says little. They are warnings, and nothing follows from them. */
export function probeProblems(pool: PoolKey, probed: ProbedRoutes | undefined): readonly Problem[] {
  const failed = (probed?.get(pool) ?? []).filter(({ failures }) => failures > 1);
  return failed.map(({ router, host, path, error = 'it fails' }) =>
    problem('TRAEFIK_PROBE_FAILED', `pool ${pool}: GET ${host}${path} through Traefik (router ${router}): ${error}`),
  );
}
