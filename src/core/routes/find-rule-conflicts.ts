import { byBytes } from '../model/ids.ts';
import { parseRule } from './parse-rule.ts';
import type { PredictedObject, PredictedRoutes } from './predicted-routes.ts';
import type { FoundConflict } from './route-conflict.ts';
import { confinedHosts, type RuleTerms, readTerms, sharedRequest, surelyCovers } from './rule-terms.ts';

/** A router that takes requests, with its rule read. */
interface Listener {
  readonly router: PredictedObject;
  readonly rule: RuleTerms;
  readonly priority: number;
  readonly hosts: ReadonlySet<string> | undefined;
  readonly places: ReadonlySet<string>;
}

/** HTTP routers that take each other's requests: of one rule, overlapping at one priority, or out of reach. */
export function findRuleConflicts({ http }: PredictedRoutes): readonly FoundConflict[] {
  const listeners = [...http.routers.values()].flatMap(listenerOf).sort((a, b) => byBytes(a.router.name, b.router.name));
  return neighbours(listeners).flatMap(([one, other]) =>
    one.router.name < other.router.name ? conflictOf(one, other) : conflictOf(other, one),
  );
}

function listenerOf(router: PredictedObject): readonly Listener[] {
  const { rule: text, ruleSyntax, priority, tls } = router.config;
  if (router.status === 'disabled' || typeof text !== 'string' || ruleSyntax === 'v2') return [];
  const parsed = parseRule(text);
  if (!parsed.ok) return [];
  const rule = readTerms(parsed.rule);
  if (rule.terms?.length === 0) return [];
  const entryPoints = router.using.length > 0 ? router.using : [''];
  const places = new Set(entryPoints.map((entryPoint) => `${entryPoint} ${tls === undefined ? 'plain' : 'tls'}`));
  return [{ router, rule, priority: Number(priority ?? 0), hosts: confinedHosts(rule), places }];
}

/** The pairs that may take one another's requests: of a common host, or of which one takes any host. Each once. */
function neighbours(listeners: readonly Listener[]): readonly (readonly [Listener, Listener])[] {
  const byHost = new Map<string, Listener[]>();
  const open = listeners.filter(({ hosts }) => hosts === undefined);
  const pairs: (readonly [Listener, Listener])[] = [];
  for (const [at, one] of open.entries()) for (const other of open.slice(at + 1)) pairs.push([one, other]);
  for (const listener of listeners) {
    if (listener.hosts === undefined) continue;
    const met = new Set<Listener>(open);
    for (const host of listener.hosts) {
      const others = byHost.get(host) ?? [];
      for (const other of others) met.add(other);
      byHost.set(host, [...others, listener]);
    }
    for (const other of met) pairs.push([other, listener]);
  }
  return pairs;
}

function conflictOf(one: Listener, other: Listener): readonly FoundConflict[] {
  const isTogether = [...one.places].some((place) => other.places.has(place));
  if (!isTogether) return [];
  if (one.priority !== other.priority) {
    const [first, second] = one.priority > other.priority ? [one, other] : [other, one];
    const isOutOfReach = [...second.places].every((place) => first.places.has(place)) && surelyCovers(first.rule, second.rule);
    return isOutOfReach ? [told('shadowed', second, first, `no request reaches it, since ${titleOf(first)} takes all of them first`)] : [];
  }
  if (surelyCovers(one.rule, other.rule) && surelyCovers(other.rule, one.rule)) {
    return [told('same-rule', other, one, `has the rule and the priority of ${titleOf(one)}; chance decides which of them answers`)];
  }
  const shared = sharedRequest(one.rule, other.rule);
  if (shared === undefined) return [];
  const request = `${shared.method} ${shared.host}${shared.path}`;
  return [
    told('overlap', other, one, `has the priority of ${titleOf(one)}, and both take ${request}; chance decides which of them answers`),
  ];
}

const titleOf = ({ router }: Listener): string => `router ${router.name.replace(/@consulcatalog$/, '')}`;

function told(kind: 'shadowed' | 'same-rule' | 'overlap', one: Listener, other: Listener, text: string): FoundConflict {
  const declaredBy = [...new Set([...one.router.declaredBy, ...other.router.declaredBy])].sort(byBytes);
  const what = titleOf(one);
  const severity = kind === 'same-rule' && declaredBy.length > 1 ? 'error' : 'warning';
  return { kind, severity, what, message: `${what}: ${text}`, declaredBy, objects: [what, titleOf(other)] };
}
