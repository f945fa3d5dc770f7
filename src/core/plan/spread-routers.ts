import type { GatewayKey, GatewayRouter } from '../model/gateway.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { addsToRouters, defaultEntryPoints } from '../routes/apply-entry-points.ts';
import type { EntryPointSettings } from '../routes/predicted-routes.ts';
import type { PlanContext } from './context.ts';

/**
 * The entry points that the replicas have told of: of the first that answers now, else of the first that ever has, else those that are
 * configured. Replicas are set up alike, or are told to differ.
 */
export function toldEntryPoints({ world, policy }: Pick<PlanContext, 'world' | 'policy'>): readonly EntryPointSettings[] | undefined {
  const snapshots = [...(world.gateways?.values() ?? [])];
  const told = [...snapshots.filter(({ kind }) => kind === 'complete'), ...snapshots].map(
    (snapshot) => snapshotValue(snapshot)?.elsewhere?.entryPoints,
  );
  return told.find((entryPoints) => entryPoints !== undefined) ?? policy.routes?.entryPoints;
}

/** A router by its name, with what is said of it. */
interface NamedRouter {
  readonly key: GatewayKey;
  readonly fields: Partial<Omit<GatewayRouter, 'status' | 'errors'>>;
}

/**
 * The routers that Traefik makes of one on entry points that add something: where it is on several, one more for each of those,
 * named after it. As it is while nobody knows the entry points. Source: traefik pkg/server/aggregator.go.
 */
export function spreadRouter(router: NamedRouter, entryPoints: readonly EntryPointSettings[] | undefined): readonly NamedRouter[] {
  const adding = new Map((entryPoints ?? []).filter(addsToRouters).map((one) => [one.name, one]));
  if (entryPoints === undefined || adding.size === 0) return [router];
  const { key, fields } = router;
  const names = fields.entryPoints ?? defaultEntryPoints(entryPoints);
  const plain = names.filter((name) => !adding.has(name));
  const added = names.flatMap((name): readonly NamedRouter[] => {
    const point = adding.get(name);
    if (point === undefined) return [];
    const middlewares = [...(point.middlewares ?? []).map(withProvider), ...(fields.middlewares ?? [])];
    const own = names.length > 1 ? (`http/${name}-${key.slice('http/'.length)}` as const) : key;
    return [{ key: own, fields: { ...fields, entryPoints: [name], middlewares, ...(point.tls === undefined ? {} : { tls: true }) } }];
  });
  return [...(plain.length > 0 ? [{ key, fields: { ...fields, entryPoints: plain } }] : []), ...added];
}

/** A name as Traefik's API shows it. */
export const withProvider = (name: string): string => (name.includes('@') ? name : `${name}@consulcatalog`);
