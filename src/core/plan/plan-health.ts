import type { PoolView } from '../desired/pool-view.ts';
import { poolCheckKind } from '../model/consul-names.ts';
import type { HealthMode } from '../model/settings.ts';
import { mapSnapshot } from '../model/snapshot.ts';
import type { PoolHealth, Serving } from '../pool/pool-health.ts';
import { healthOfPool, servingOf } from '../pool/pool-health.ts';
import type { PlanContext } from './context.ts';
import type { Registered } from './diff-registration.ts';

/** How the health of a pool is judged: by the word of its Service, else by the configured default. */
export const healthMode = (view: PoolView, { policy }: PlanContext): HealthMode => view.settings.health ?? policy.pool.health;

/** Whether anything answers behind a pool. */
export function poolServing(view: PoolView, { world, decisions }: PlanContext): Serving {
  return servingOf({
    endpoints: mapSnapshot(world.cluster.endpoints, (all) => all.get(view.pool)),
    portName: view.portName,
    inDoubt: (decisions.get(view.pool)?.doubted.length ?? 0) > 0,
  });
}

/** The health that a pool should show in Consul. */
export function planHealth(view: PoolView, registered: Registered, context: PlanContext): PoolHealth {
  const wasCritical = registered.checks.some(
    (check) => poolCheckKind(view.pool, check.checkId) === 'endpoints' && check.status === 'critical',
  );
  return healthOfPool(healthMode(view, context), poolServing(view, context), wasCritical);
}
