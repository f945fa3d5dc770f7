import { byBytes } from '../model/ids.ts';
import { isJudged, parseRule } from './parse-rule.ts';
import type { PredictedObject } from './predicted-routes.ts';
import type { FoundConflict } from './route-conflict.ts';
import {
  confinedHosts,
  confinedPaths,
  type HostBound,
  mayMeet,
  type PathBound,
  type RuleTerms,
  readTerms,
  sharedRequest,
  surelyCovers,
} from './rule-terms.ts';

/** A router that takes requests, with its rule read. */
export interface Listener {
  readonly router: PredictedObject;
  readonly rule: RuleTerms;
  readonly priority: number;
  /** Undefined: it may take any host. */
  readonly hosts: readonly HostBound[] | undefined;
  readonly paths: readonly PathBound[] | undefined;
  /** Each entry point, with or without TLS. */
  readonly places: ReadonlySet<string>;
}

/** Undefined for a router that takes no request, or of which nobody can tell. */
export function listenerOf(router: PredictedObject): Listener | undefined {
  const { rule: text, ruleSyntax, priority, tls } = router.config;
  if (router.status === 'disabled' || typeof text !== 'string' || ruleSyntax === 'v2') return undefined;
  const parsed = parseRule(text);
  if (!parsed.ok || !isJudged(parsed.rule)) return undefined;
  const rule = readTerms(parsed.rule);
  if (rule.terms?.length === 0) return undefined;
  const entryPoints = router.using.length > 0 ? router.using : [''];
  const places = new Set(entryPoints.map((entryPoint) => `${entryPoint} ${tls === undefined ? 'plain' : 'tls'}`));
  return { router, rule, priority: Number(priority ?? 0), hosts: confinedHosts(rule), paths: confinedPaths(rule), places };
}

/** How two routers take each other's requests, the one with the lesser name first. */
export function conflictOf(one: Listener, other: Listener): FoundConflict | undefined {
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
