import type { Gateways, NamesElsewhere } from '../model/gateway.ts';
import type { RoutePolicy } from '../model/policy.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { EntryPointSettings, KnownElsewhere, TraefikSettings } from '../routes/predicted-routes.ts';

/** What the replicas say of the objects of other providers, each; undefined for one that has not answered. */
export const namesElsewhere = (gateways: Gateways | undefined): readonly (NamesElsewhere | undefined)[] =>
  [...(gateways?.values() ?? [])].map((snapshot) => snapshotValue(snapshot)?.elsewhere);

/**
 * The settings of Traefik as far as they are known: those that are configured, and what every replica has answered. A name counts as
 * known when any of them has it; while one has not answered, nothing is said of names that are not configured.
 */
export function routeSettings(policy: RoutePolicy = {}, replicas: readonly (NamesElsewhere | undefined)[] = []): TraefikSettings {
  const { entryPoints, known: configured, ...rest } = policy;
  const answered = replicas.filter((one) => one !== undefined);
  const seen = replicas.length > 0 && answered.length === replicas.length ? answered : undefined;
  const points = entryPoints ?? entryPointsOf(seen);
  const known: KnownElsewhere = {
    ...configured,
    ...listIf(
      'middlewares',
      union(
        configured?.middlewares,
        seen?.map(({ middlewares }) => middlewares),
      ),
    ),
    ...listIf(
      'services',
      union(
        configured?.services,
        seen?.map(({ services }) => services),
      ),
    ),
  };
  return { ...rest, known, ...(points === undefined ? {} : { entryPoints: points }) };
}

const listIf = (key: 'middlewares' | 'services', list: readonly string[] | undefined): KnownElsewhere =>
  list === undefined ? {} : { [key]: list };

function union(
  configured: readonly string[] | undefined,
  lists: readonly (readonly string[])[] | undefined,
): readonly string[] | undefined {
  if (configured === undefined && lists === undefined) return undefined;
  return [...new Set([...(configured ?? []), ...(lists ?? []).flat()])].sort();
}

/** All that any of them has; undefined when one of them has not told. */
function entryPointsOf(seen: readonly NamesElsewhere[] | undefined): readonly EntryPointSettings[] | undefined {
  const lists = seen?.map(({ entryPoints }) => entryPoints);
  if (lists === undefined || lists.includes(undefined)) return undefined;
  const byName = new Map(lists.flatMap((list) => list ?? []).map((point) => [point.name, point]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
