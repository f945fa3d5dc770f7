import { byBytes } from '../model/ids.ts';
import { readDefaultRule } from './default-rule.ts';
import { nameConflicts } from './find-conflicts.ts';
import { RuleConflicts } from './find-rule-conflicts.ts';
import { predictRoutes } from './predict-routes.ts';
import type { PredictedObject, PredictedRoutes, TraefikSettings } from './predicted-routes.ts';
import type { FoundConflict } from './route-conflict.ts';
import type { RoutedInstance } from './route-model.ts';
import { type RouteNames, routeNames } from './route-names.ts';

/** What instances of a Consul service with the same tags are to Traefik, however many there are. */
export interface RoutePart {
  readonly service: string;
  readonly tags: readonly string[];
}

/** The name of a part: the same for the same content. */
export const partKey = ({ service, tags }: RoutePart): string => [service, ...tags].join('\n');

/** A part predicted by itself. */
interface KnownPart extends RouteNames {
  readonly part: RoutePart;
  readonly key: string;
  readonly own: GroupRoutes;
}

/** What becomes of parts that share names. */
interface GroupRoutes {
  readonly routers: readonly PredictedObject[];
  readonly conflicts: readonly FoundConflict[];
}

/** What is kept, by the parts that it was made from. */
interface Known {
  readonly parts: Map<string, KnownPart>;
  readonly groups: Map<string, GroupRoutes>;
}
const nothing = (): Known => ({ parts: new Map(), groups: new Map() });

/**
 * The conflicts of the routes that Traefik makes of parts of the catalog. What was worked out is kept: of parts that share no name with
 * one that has changed, nothing is predicted again. Of instances one stands for all, so what becomes of single servers is not told.
 */
export class CatalogRoutes {
  readonly #settings: TraefikSettings;
  readonly #rules = new RuleConflicts();
  /** False when the default rule is beyond us: then nobody can tell which routers have none. */
  readonly #isRuleKnown: boolean;
  #before = nothing();
  #used = nothing();

  constructor(settings: TraefikSettings) {
    this.#settings = settings;
    this.#isRuleKnown = readDefaultRule(settings.defaultRule) !== undefined;
  }

  /** The conflicts among these parts, each given once. */
  conflictsOf(parts: Iterable<RoutePart>): readonly FoundConflict[] {
    const groups = groupByNames([...parts].flatMap((part) => this.#known(part) ?? [])).map((group) => this.#groupRoutes(group));
    // Whoever wants something that is broken shows that it is: each conflict once.
    const found = new Map(groups.flatMap(({ conflicts }) => conflicts.map((conflict) => [conflictKey(conflict), conflict] as const)));
    return [...found.values(), ...this.#rules.update(groups.flatMap(({ routers }) => routers))];
  }

  /** The object that a part declares, by itself, under the name that conflicts give it. */
  objectOf(part: RoutePart, name: string): PredictedObject | undefined {
    return this.#known(part)?.declared.get(name);
  }

  /** Forgets what has not been asked for since the last time. */
  forgetUnused(): void {
    this.#before = this.#used;
    this.#used = nothing();
  }

  /** Undefined for what Traefik may pass over: while nobody says whether it exposes everything, only what speaks of it counts. */
  #known(part: RoutePart): KnownPart | undefined {
    const { exposedByDefault, prefix = 'traefik' } = this.#settings;
    const begin = `${prefix}.`.toLowerCase();
    if (exposedByDefault === undefined && !part.tags.some((tag) => tag.toLowerCase().startsWith(begin))) return undefined;
    const key = partKey(part);
    const known = this.#used.parts.get(key) ?? this.#before.parts.get(key) ?? this.#predictAlone(part, key);
    this.#used.parts.set(key, known);
    return known;
  }

  #predictAlone(part: RoutePart, key: string): KnownPart {
    const routes = predictRoutes([instanceOf(part, 0)], this.#settings);
    return { part, key, own: this.#routesOf([part], routes), ...routeNames(part.service, routes) };
  }

  #groupRoutes({ parts, beside }: Group): GroupRoutes {
    const [first] = parts;
    if (first !== undefined && parts.length === 1 && beside.length === 0) return first.own;
    const key = [parts, beside].map((list) => list.map((part) => part.key).join('\n\n')).join('\n\n\n');
    const known = this.#used.groups.get(key) ?? this.#before.groups.get(key) ?? this.#predictGroup(parts, beside);
    this.#used.groups.set(key, known);
    return known;
  }

  #predictGroup(parts: readonly KnownPart[], beside: readonly KnownPart[]): GroupRoutes {
    const instances = [...parts, ...beside].map(({ part }, i) => instanceOf(part, i));
    const own = parts.map(({ part }) => part);
    return this.#routesOf(own, predictRoutes(instances, this.#settings));
  }

  /** All conflicts, and the routers that are of these parts. */
  #routesOf(parts: readonly RoutePart[], routes: PredictedRoutes): GroupRoutes {
    const services = new Set(parts.map(({ service }) => service));
    return {
      routers: [...routes.http.routers.values()].filter(({ declaredBy }) => declaredBy.some((service) => services.has(service))),
      conflicts: nameConflicts(routes, this.#settings)
        .filter(({ kind }) => this.#isRuleKnown || kind !== 'router')
        .map(withoutExample),
    };
  }
}

/** What tells one conflict from another, whatever else it says. */
export const conflictKey = ({ kind, what, message, declaredBy, objects }: FoundConflict): string =>
  JSON.stringify([kind, what, declaredBy, objects, kind === 'broken' ? message : '']);

const EXAMPLE_ADDRESS = '192.0.2.1';

/** One instance in place of all; no two have the same name to Traefik. */
const instanceOf = ({ service, tags }: RoutePart, i: number): RoutedInstance => ({
  consulNode: `n${i}`,
  nodeId: '',
  id: `${service}-${i}`,
  service,
  address: EXAMPLE_ADDRESS,
  port: 80,
  tags,
  status: 'passing',
});

/** Of the one instance that stands for all, nothing is told: nobody has it. */
function withoutExample(conflict: FoundConflict): FoundConflict {
  const { what, message } = conflict;
  if (!message.includes(EXAMPLE_ADDRESS) && !what.startsWith('instance ')) return conflict;
  const general = what.startsWith('instance ') ? `instances of ${conflict.declaredBy.join(' and ')}` : what;
  return { ...conflict, what: general, message: message.replace(what, general).replaceAll(EXAMPLE_ADDRESS, '<node>') };
}

interface Group {
  /** In the order of their keys. */
  readonly parts: readonly KnownPart[];
  /** Those of other groups that declare what these want, or what those want in turn. */
  readonly beside: readonly KnownPart[];
}

/** Those that declare a name in common, directly or by way of others, together. */
function groupByNames(parts: readonly KnownPart[]): readonly Group[] {
  const sorted = [...parts].sort((a, b) => byBytes(a.key, b.key));
  const parents = sorted.map((_, i) => i);
  const rootOf = (i: number): number => {
    let at = i;
    for (let parent = parents[at] ?? at; parent !== at; parent = parents[at] ?? at) at = parent;
    parents[i] = at;
    return at;
  };
  const firstWith = new Map<string, number>();
  for (const [i, { declared }] of sorted.entries()) {
    for (const name of declared.keys()) {
      const first = firstWith.get(name);
      if (first === undefined) firstWith.set(name, i);
      else parents[rootOf(i)] = rootOf(first);
    }
  }
  const members = Map.groupBy(sorted, (_, i) => rootOf(i));
  const declaring = (name: string): number | undefined => {
    const first = firstWith.get(name);
    return first === undefined ? undefined : rootOf(first);
  };
  return [...members].map(([root, own]) => {
    const reached = new Set([root]);
    for (const at of reached) {
      for (const name of (members.get(at) ?? []).flatMap(({ wanted }) => [...wanted])) {
        const other = declaring(name);
        if (other !== undefined) reached.add(other);
      }
    }
    reached.delete(root);
    return { parts: own, beside: [...reached].sort((a, b) => a - b).flatMap((at) => members.get(at) ?? []) };
  });
}
