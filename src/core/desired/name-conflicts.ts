import type { Problem } from '../../shared/problem.ts';
import type { PoolKey } from '../model/ids.ts';
import { specId } from '../model/ids.ts';
import { META } from '../model/marks.ts';
import type { RegistryState } from '../model/registration.ts';
import { settleNames } from './claims.ts';
import type { PoolView } from './pool-view.ts';

/** The pools that may not take the Consul name they want, with the reason: another pool wants it too, or still has it. */
export function conflictsOfNames(views: readonly PoolView[], registry: RegistryState | undefined): ReadonlyMap<PoolKey, Problem> {
  const registering = views.filter((view) => view.leaving === undefined || registry?.instances.has(view.pool) === true);
  const wanted = new Map(registering.map((view) => [view.pool, view.service]));
  return settleNames([
    ...registering.map(({ service, pool, spec }) => {
      const registered = registry?.instances.get(pool)?.some((instance) => instance.service === service) === true;
      return { service, pool, spec, registered };
    }),
    ...[...(registry?.instances ?? [])].flatMap(([pool, instances]) => {
      const others = instances.filter(({ service }) => service !== wanted.get(pool)).map(({ service }) => service);
      const spec = specId(instances[0]?.meta[META.spec] ?? '');
      return [...new Set(others)].map((service) => ({ service, pool, spec, registered: true, leaving: true }));
    }),
  ]);
}
