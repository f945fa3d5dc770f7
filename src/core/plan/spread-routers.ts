import type { GatewayEntryPoint, GatewayKey, GatewayRouter, Gateways } from '../model/gateway.ts';
import { defaultEntryPoints } from '../routes/apply-entry-points.ts';
import { namesElsewhere } from './route-settings.ts';

/** The entry points that the replicas have told of: of the first that has. They are set up alike, or are told to differ. */
export const toldEntryPoints = (gateways: Gateways | undefined): readonly GatewayEntryPoint[] | undefined =>
  namesElsewhere(gateways).find((names) => names?.entryPoints !== undefined)?.entryPoints;

/** A router by its name, with what is said of it. */
interface NamedRouter {
  readonly key: GatewayKey;
  readonly fields: Partial<Omit<GatewayRouter, 'status' | 'errors'>>;
}

/**
 * The routers that Traefik makes of one on entry points that add TLS or middlewares: where it is on several, one more for each of those,
 * named after it. As it is while nobody knows the entry points. Source: traefik pkg/server/aggregator.go.
 */
export function spreadRouter(router: NamedRouter, entryPoints: readonly GatewayEntryPoint[] | undefined): readonly NamedRouter[] {
  const adding = new Map(
    (entryPoints ?? []).filter(({ tls, middlewares = [] }) => tls !== undefined || middlewares.length > 0).map((one) => [one.name, one]),
  );
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
