import type { DynamicObject } from './dynamic-types.ts';
import { findRuleConflicts } from './find-rule-conflicts.ts';
import { isJudged, parseRule } from './parse-rule.ts';
import type { Dropped, PredictedObject, PredictedProtocol, PredictedRoutes, TraefikSettings } from './predicted-routes.ts';
import type { FoundConflict, RouteConflict } from './route-conflict.ts';

/**
 * The conflicts of the routes that will be which those that are do not have. `before` is predicted from what the catalog holds now,
 * `after` from what it will hold; without `before` all conflicts are told. A rule is only judged by what its matchers surely say.
 */
export function findConflicts(
  before: PredictedRoutes | undefined,
  after: PredictedRoutes,
  settings: TraefikSettings = {},
): readonly RouteConflict[] {
  const old = new Set(before === undefined ? [] : allConflicts(before, settings).map(keyOf));
  const declarers = declarersOf(before);
  return allConflicts(after, settings)
    .filter((conflict) => !old.has(keyOf(conflict)))
    .map(({ objects, ...conflict }) => {
      const known = new Set(objects.flatMap((name) => declarers.get(name) ?? []));
      return { ...conflict, newcomers: conflict.declaredBy.filter((service) => !known.has(service)) };
    });
}

const keyOf = ({ kind, what, message, declaredBy }: FoundConflict): string => JSON.stringify([kind, what, message, declaredBy]);

/** Who declared each object, by its name without the provider and by its title. */
function declarersOf(routes: PredictedRoutes | undefined): ReadonlyMap<string, readonly string[]> {
  const declarers = new Map<string, readonly string[]>();
  if (routes === undefined) return declarers;
  for (const [protocol, kind, object] of objectsOf(routes)) declarers.set(titleOf(protocol, kind, object.name), object.declaredBy);
  for (const { what, declaredBy } of routes.dropped) declarers.set(what, declaredBy);
  return declarers;
}

type Kind = keyof PredictedProtocol;
type Protocol = 'http' | 'tcp' | 'udp';
const PROTOCOLS = ['http', 'tcp', 'udp'] as const;
const KINDS = ['routers', 'services', 'middlewares'] as const;

/** Every object with its protocol and kind. */
export function* objectsOf(routes: PredictedRoutes): Generator<readonly [Protocol, Kind, PredictedObject]> {
  for (const protocol of PROTOCOLS) {
    for (const kind of KINDS) for (const object of routes[protocol][kind].values()) yield [protocol, kind, object];
  }
}

/** As `Dropped` calls an object: without its provider. */
export const titleOf = (protocol: Protocol, kind: Kind, name: string): string =>
  `${protocol === 'http' ? '' : `${protocol.toUpperCase()} `}${kind.slice(0, -1)} ${name.replace(/@consulcatalog$/, '')}`;

const allConflicts = (routes: PredictedRoutes, settings: TraefikSettings): readonly FoundConflict[] => [
  ...nameConflicts(routes, settings),
  ...findRuleConflicts(routes),
];

/** All conflicts but those of rules: what is dropped or broken, shared services, UDP routers on one entry point. */
export const nameConflicts = (routes: PredictedRoutes, settings: TraefikSettings): readonly FoundConflict[] => [
  ...routes.dropped.map(ofDropped),
  ...objectConflicts(routes, settings),
  ...udpConflicts(routes),
];

function ofDropped({ reason, what, why, declaredBy }: Dropped): FoundConflict {
  const severity = reason === 'lost-instance' ? 'warning' : 'error';
  return { kind: reason, severity, what, message: `${what}: ${why}`, declaredBy, objects: [what] };
}

function objectConflicts(routes: PredictedRoutes, { known }: TraefikSettings): readonly FoundConflict[] {
  return [...objectsOf(routes)].flatMap(([protocol, kind, { name, config, status, errors, declaredBy }]) => {
    const what = titleOf(protocol, kind, name);
    const conflict = (part: Pick<FoundConflict, 'kind' | 'severity'>, message: string): FoundConflict => ({
      ...part,
      what,
      message: `${what}: ${message}`,
      declaredBy,
      objects: [what],
    });
    const found = errors.map((error) => conflict({ kind: 'broken', severity: status === 'disabled' ? 'error' : 'warning' }, error));
    if (kind === 'services' && declaredBy.length > 1) {
      const message = `the Consul services ${declaredBy.join(', ')} put their servers into it, so each serves the others' requests`;
      found.push(conflict({ kind: 'shared-service', severity: 'error' }, message));
    }
    const resolver = (config['tls'] as DynamicObject | undefined)?.['certResolver'];
    if (kind === 'routers' && typeof resolver === 'string' && known?.certResolvers?.includes(resolver) === false) {
      found.push(conflict({ kind: 'unknown-resolver', severity: 'warning' }, `there is no certificate resolver ${resolver}`));
    }
    const { rule, ruleSyntax } = config;
    if (kind === 'routers' && protocol === 'http' && typeof rule === 'string' && ruleSyntax !== 'v2' && isTooLarge(rule)) {
      found.push(conflict({ kind: 'not-judged', severity: 'warning' }, 'an expression in its rule is too large to be judged here'));
    }
    return found;
  });
}

/** Few rules have an expression: the others are not read for this. */
function isTooLarge(rule: string): boolean {
  if (!/regexp/i.test(rule)) return false;
  const parsed = parseRule(rule);
  return parsed.ok && !isJudged(parsed.rule);
}

/** Of several UDP routers on an entry point Traefik takes the last by name that works. */
function udpConflicts({ udp }: PredictedRoutes): readonly FoundConflict[] {
  const places = [...udp.routers.values()]
    .filter(({ status }) => status !== 'disabled')
    .flatMap((router) => router.using.map((entryPoint) => ({ entryPoint, router })));
  return [...Map.groupBy(places, ({ entryPoint }) => entryPoint)].flatMap(([entryPoint, group]) => {
    const [winner, ...losers] = group.map(({ router }) => router).sort((a, b) => (a.name < b.name ? 1 : -1));
    if (winner === undefined) return [];
    return losers.map((loser): FoundConflict => {
      const [what, other] = [titleOf('udp', 'routers', loser.name), titleOf('udp', 'routers', winner.name)];
      const declaredBy = [...new Set([...loser.declaredBy, ...winner.declaredBy])].sort();
      const message = `${what}: ${other} takes all of the entry point ${entryPoint}`;
      return { kind: 'udp-entry-point', severity: 'error', what, message, declaredBy, objects: [what, other] };
    });
  });
}
