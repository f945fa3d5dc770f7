import type { DynamicObject } from './dynamic-types.ts';
import { JudgedObject, type JudgedObjects } from './judged-object.ts';
import type { EntryPointSettings, TraefikSettings } from './predicted-routes.ts';

const OBSERVED: DynamicObject = { accessLogs: true, metrics: true, tracing: true, traceVerbosity: 'minimal' };

/** Whether an entry point adds something to its routers: then Traefik makes a router of its own of each that is on others too. */
export const addsToRouters = ({ tls, middlewares = [], observability }: EntryPointSettings): boolean =>
  tls !== undefined || middlewares.length > 0 || observability !== undefined;

/** The names of the entry points that routers without any are on. */
export function defaultEntryPoints(entryPoints: readonly EntryPointSettings[]): readonly string[] {
  const hasDefaults = entryPoints.some(({ asDefault }) => asDefault === true);
  return entryPoints
    .filter(({ asDefault, protocol, name }) => (asDefault === true || !hasDefaults) && protocol !== 'udp' && name !== 'traefik')
    .map(({ name }) => name)
    .sort();
}

/**
 * The HTTP routers with their entry points, and with what the entry points add to them: a router on several of them becomes one for each
 * that adds something. Source: traefik pkg/server/aggregator.go.
 */
export function applyEntryPoints(routers: JudgedObjects, { entryPoints }: TraefikSettings): JudgedObjects {
  const adding = new Map((entryPoints ?? []).filter(addsToRouters).map((e) => [e.name, e]));
  const applied = new Map<string, JudgedObject>();
  for (const [name, router] of routers) {
    if (entryPoints !== undefined && router.list('entryPoints').length === 0) router.set('entryPoints', defaultEntryPoints(entryPoints));
    const names = router.list('entryPoints');
    const said = router.config['observability'] as DynamicObject | undefined;
    router.set('observability', { ...OBSERVED, ...said });
    const plain = names.filter((entryPoint) => !adding.has(entryPoint));
    if (plain.length > 0 || adding.size === 0) {
      router.set('entryPoints', plain);
      applied.set(name, router);
    }
    for (const entryPoint of names) {
      const added = adding.get(entryPoint);
      const own = names.length > 1 ? `${entryPoint}-${name}` : name;
      if (added !== undefined)
        applied.set(own, withAdded(router, { ...added, observability: { ...OBSERVED, ...added.observability, ...said } }, own));
    }
  }
  return applied;
}

function withAdded({ config, declaredBy }: JudgedObject, added: EntryPointSettings, own: string): JudgedObject {
  const { name, tls, middlewares = [], observability = OBSERVED } = added;
  const joined = [...middlewares, ...((config['middlewares'] ?? []) as readonly string[])];
  const ownTls = config['tls'] ?? tls;
  return new JudgedObject({
    name: own,
    declaredBy,
    config: {
      ...config,
      entryPoints: [name],
      observability,
      ...(joined.length === 0 ? {} : { middlewares: joined }),
      ...(ownTls === undefined ? {} : { tls: ownTls }),
    },
  });
}
