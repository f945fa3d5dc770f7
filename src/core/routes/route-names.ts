import type { DynamicObject } from './dynamic-types.ts';
import { objectsOf, titleOf } from './find-conflicts.ts';
import { qualified } from './judged-object.ts';
import type { PredictedObject, PredictedRoutes } from './predicted-routes.ts';

/** The names by which what a Consul service declares may meet what others declare. */
export interface RouteNames {
  /** Of the Consul service, and of its objects as conflicts call them: `router shop`. */
  readonly declared: ReadonlyMap<string, PredictedObject | undefined>;
  /** Of the objects that they refer to. */
  readonly wanted: ReadonlySet<string>;
}

/**
 * The names in what is predicted of one Consul service. What has no declared name in common with others, and wants none of theirs, is
 * predicted the same with and without them, but for the rules of routers.
 */
export function routeNames(service: string, routes: PredictedRoutes): RouteNames {
  // Consul does not tell the cases of names apart.
  const declared = new Map<string, PredictedObject | undefined>([[`Consul service ${service.toLowerCase()}`, undefined]]);
  const wanted = new Set<string>();
  for (const [protocol, kind, object] of objectsOf(routes)) {
    declared.set(titleOf(protocol, kind, object.name), object);
    for (const [other, name] of referencesOf(object)) wanted.add(titleOf(protocol, other, qualified(name, object.name)));
    // Which of the UDP routers on an entry point serves is told from all of them.
    if (protocol === 'udp') declared.set('udp', undefined);
  }
  return { declared, wanted };
}

type Reference = readonly ['services' | 'middlewares', string];

function referencesOf({ config }: PredictedObject): readonly Reference[] {
  const { service, middlewares = [], chain, errors } = config as Fields;
  const services = [service, errors?.['service']].flatMap((name): Reference[] => (typeof name === 'string' ? [['services', name]] : []));
  const chained = (chain?.['middlewares'] ?? []) as readonly string[];
  return [...services, ...[...middlewares, ...chained].map((name): Reference => ['middlewares', name])];
}

interface Fields {
  readonly service?: string;
  readonly middlewares?: readonly string[];
  readonly chain?: DynamicObject;
  readonly errors?: DynamicObject;
}
