import { byBytes } from '../model/ids.ts';
import { parseRule } from './parse-rule.ts';
import type { PredictedObject, PredictedRoutes } from './predicted-routes.ts';
import type { FoundConflict } from './route-conflict.ts';
import {
  confinedHosts,
  confinedPaths,
  mayMeet,
  type PathBound,
  type RuleTerms,
  readTerms,
  sharedRequest,
  surelyCovers,
} from './rule-terms.ts';

/** A router that takes requests, with its rule read. */
interface Listener {
  readonly router: PredictedObject;
  readonly rule: RuleTerms;
  readonly priority: number;
  readonly hosts: ReadonlySet<string> | undefined;
  readonly paths: readonly PathBound[] | undefined;
  readonly places: ReadonlySet<string>;
}

/** HTTP routers that take each other's requests: of one rule, overlapping at one priority, or out of reach. */
export const findRuleConflicts = ({ http }: PredictedRoutes): readonly FoundConflict[] => new RuleConflicts().update(http.routers.values());

/**
 * The same of routers that come and go: only those that are not the very same as before are compared with the others of their hosts,
 * so that a change costs as much as it has neighbours.
 */
export class RuleConflicts {
  readonly #listeners = new Map<PredictedObject, Listener | undefined>();
  /** By host; those that take any host under an empty name. */
  readonly #byHost = new Map<string, Set<Listener>>();
  readonly #found = new Map<Listener, Map<Listener, FoundConflict>>();

  /** The conflicts among these routers, in the order of their names. */
  update(routers: Iterable<PredictedObject>): readonly FoundConflict[] {
    const now = new Set(routers);
    for (const router of this.#listeners.keys()) if (!now.has(router)) this.#remove(router);
    for (const router of now) if (!this.#listeners.has(router)) this.#add(router);
    const all = [...this.#found].flatMap(([one, others]) =>
      [...others].flatMap(([other, conflict]) => (isBefore(one, other) ? [{ one, other, conflict }] : [])),
    );
    return all
      .sort((a, b) => byBytes(a.one.router.name, b.one.router.name) || byBytes(a.other.router.name, b.other.router.name))
      .map(({ conflict }) => conflict);
  }

  #add(router: PredictedObject): void {
    const listener = listenerOf(router);
    this.#listeners.set(router, listener);
    if (listener === undefined) return;
    for (const other of this.#neighboursOf(listener)) {
      const conflict = isBefore(listener, other) ? conflictOf(listener, other) : conflictOf(other, listener);
      if (conflict === undefined) continue;
      this.#foundWith(listener).set(other, conflict);
      this.#foundWith(other).set(listener, conflict);
    }
    for (const host of listener.hosts ?? [ANY_HOST]) {
      const others = this.#byHost.get(host);
      if (others === undefined) this.#byHost.set(host, new Set([listener]));
      else others.add(listener);
    }
  }

  #remove(router: PredictedObject): void {
    const listener = this.#listeners.get(router);
    this.#listeners.delete(router);
    if (listener === undefined) return;
    for (const host of listener.hosts ?? [ANY_HOST]) this.#byHost.get(host)?.delete(listener);
    for (const other of this.#found.get(listener)?.keys() ?? []) this.#found.get(other)?.delete(listener);
    this.#found.delete(listener);
  }

  #foundWith(listener: Listener): Map<Listener, FoundConflict> {
    const found = this.#found.get(listener) ?? new Map<Listener, FoundConflict>();
    this.#found.set(listener, found);
    return found;
  }

  /** Those that may take one another's requests: of a common host, or one of them takes any host. */
  #neighboursOf({ hosts }: Listener): ReadonlySet<Listener> {
    const lists = hosts === undefined ? [...this.#byHost.values()] : [ANY_HOST, ...hosts].map((host) => this.#byHost.get(host) ?? []);
    return new Set(lists.flatMap((list) => [...list]));
  }
}

const ANY_HOST = '';

const isBefore = (one: Listener, other: Listener): boolean => one.router.name < other.router.name;

function listenerOf(router: PredictedObject): Listener | undefined {
  const { rule: text, ruleSyntax, priority, tls } = router.config;
  if (router.status === 'disabled' || typeof text !== 'string' || ruleSyntax === 'v2') return undefined;
  const parsed = parseRule(text);
  if (!parsed.ok) return undefined;
  const rule = readTerms(parsed.rule);
  if (rule.terms?.length === 0) return undefined;
  const entryPoints = router.using.length > 0 ? router.using : [''];
  const places = new Set(entryPoints.map((entryPoint) => `${entryPoint} ${tls === undefined ? 'plain' : 'tls'}`));
  return { router, rule, priority: Number(priority ?? 0), hosts: confinedHosts(rule), paths: confinedPaths(rule), places };
}

function conflictOf(one: Listener, other: Listener): FoundConflict | undefined {
  if (!mayMeet(one.paths, other.paths) || !meetIn(one.places, other.places)) return undefined;
  if (one.priority !== other.priority) {
    const [first, second] = one.priority > other.priority ? [one, other] : [other, one];
    const isOutOfReach = [...second.places].every((place) => first.places.has(place)) && surelyCovers(first.rule, second.rule);
    return isOutOfReach
      ? told('shadowed', second, first, `no request reaches it, since ${titleOf(first)} takes all of them first`)
      : undefined;
  }
  if (surelyCovers(one.rule, other.rule) && surelyCovers(other.rule, one.rule)) {
    return told('same-rule', other, one, `has the rule and the priority of ${titleOf(one)}; chance decides which of them answers`);
  }
  const shared = sharedRequest(one.rule, other.rule);
  if (shared === undefined) return undefined;
  const request = `${shared.method} ${shared.host}${shared.path}`;
  return told('overlap', other, one, `has the priority of ${titleOf(one)}, and both take ${request}; chance decides which of them answers`);
}

const meetIn = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean => [...one].some((place) => other.has(place));

const titleOf = ({ router }: Listener): string => `router ${router.name.replace(/@consulcatalog$/, '')}`;

function told(kind: 'shadowed' | 'same-rule' | 'overlap', one: Listener, other: Listener, text: string): FoundConflict {
  const declaredBy = [...new Set([...one.router.declaredBy, ...other.router.declaredBy])].sort(byBytes);
  const what = titleOf(one);
  const severity = kind === 'same-rule' && declaredBy.length > 1 ? 'error' : 'warning';
  return { kind, severity, what, message: `${what}: ${text}`, declaredBy, objects: [what, titleOf(other)] };
}
