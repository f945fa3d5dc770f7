import type { PoolView } from '../desired/pool-view.ts';
import type { PlanContext } from '../plan/context.ts';
import type { Registered } from '../plan/diff-registration.ts';
import { healthMode, planHealth, poolServing } from '../plan/plan-health.ts';
import { NOT_PROBED } from '../plan/registration.ts';
import type { PoolHealthReport } from './run-report.ts';

/** How the health of a pool is judged, and what comes of it, in words. */
export function poolHealthReport(view: PoolView, registered: Registered, context: PlanContext): PoolHealthReport {
  const mode = healthMode(view, context);
  if (context.policy.registration === 'kv' && registered.instances.length === 0)
    return { mode, words: 'judged by the agents that register it' };
  if (mode === 'node') return { mode, words: 'as Kubernetes says of its nodes' };
  return { mode, words: mode === 'endpoints' ? endpointWords(view, registered, context) : probeWords(registered) };
}

function endpointWords(view: PoolView, registered: Registered, context: PlanContext): string {
  const serving = poolServing(view, context);
  const { critical } = planHealth(view, registered, context);
  if (serving.kind === 'unknown') return `${critical ? 'critical' : 'passing'} as before: ${serving.why}`;
  return critical ? 'critical: no endpoint is ready' : 'an endpoint is ready';
}

function probeWords({ checks, instances }: Registered): string {
  const probes = checks.filter((check) => check.probe !== undefined);
  const untried = probes.filter(({ output }) => output === NOT_PROBED).length;
  const answering = probes.filter(({ status, output }) => status === 'passing' && output !== NOT_PROBED).length;
  const rest = untried === 0 ? '' : `, ${untried} not probed yet`;
  return `${answering} of ${instances.length} answer consul-esm${rest}`;
}
