import { byBytes } from '../model/ids.ts';
import { declareInstance } from './declare-instance.ts';
import { type LabelledObject, parseLabelBool } from './decode-labels.ts';
import { normalizeName } from './go-values.ts';
import { keptInstances } from './kept-instances.ts';
import { mergeObjects } from './merge-objects.ts';
import { defaultPriority, parseRule } from './parse-rule.ts';
import type { DeclaringInstance, RoutedInstance, RouteOptions, RouteProblem, Router, RouteService, Routes } from './route-model.ts';

/**
 * The routers and services that Traefik 3 builds from the instances of the catalog, and what it drops and why. The order of the
 * instances does not matter. Source: traefik pkg/provider/consulcatalog, pkg/provider/configuration.go.
 */
export function buildRoutes(instances: readonly RoutedInstance[], options: RouteOptions = {}): Routes {
  const problems: RouteProblem[] = [];
  const declaring = new Map<string, DeclaringInstance>();
  for (const instance of keptInstances(instances, options, problems)) {
    const decoded = declareInstance(instance, options, problems);
    const key = normalizeName(`${instance.consulNode}-${instance.service}-${instance.id}`);
    const other = declaring.get(key)?.instance;
    if (other !== undefined) problems.push(lostInstance(other, instance));
    if (decoded !== undefined) declaring.set(key, { key, instance, decoded });
  }
  const sorted = [...declaring.values()].sort((a, b) => byBytes(a.key, b.key));
  const merged = mergeObjects(sorted, problems);
  const services = new Map(merged.services.map((service) => [service.name, service]));
  const routers = new Map<string, Router>();
  for (const { object, declaredBy } of merged.routers) {
    const router = readRouter(object, declaredBy, problems);
    if (router !== undefined) routers.set(router.name, router);
  }
  for (const router of routers.values()) reportMissingService(router, services, problems);
  reportTies([...routers.values()], problems);
  return { routers, services, middlewares: new Set(merged.middlewares), problems };
}

function lostInstance(lost: RoutedInstance, kept: RoutedInstance): RouteProblem {
  const declaredBy = [...new Set([lost.service, kept.service])];
  const message = `${lost.id} on ${lost.consulNode} is lost: to Traefik it has the same name as ${kept.id} on ${kept.consulNode}`;
  return { kind: 'lost-instance', object: `instance ${lost.id}`, declaredBy, message };
}

const listOf = (value: string | undefined): readonly string[] =>
  (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function readRouter({ name, labels }: LabelledObject, declaredBy: readonly string[], problems: RouteProblem[]): Router | undefined {
  const text = labels.get('rule') ?? '';
  // The rules of Traefik 2 are another language: not read here, so not judged either.
  const parsed = labels.get('rulesyntax') === 'v2' ? undefined : parseRule(text);
  if (parsed?.ok === false) {
    const message = `the rule of router ${name} cannot be read: column ${parsed.error.column}: ${parsed.error.message}`;
    problems.push({ kind: 'bad-rule', object: `router ${name}`, declaredBy, message });
    return undefined;
  }
  const tls = labels.get('tls');
  const hasTls = (tls !== undefined && parseLabelBool(tls) === true) || [...labels.keys()].some((field) => field.startsWith('tls.'));
  return {
    name,
    text,
    rule: parsed?.rule,
    entryPoints: listOf(labels.get('entrypoints')),
    service: labels.get('service') ?? '',
    middlewares: listOf(labels.get('middlewares')),
    priority: Number(labels.get('priority') ?? 0) || defaultPriority(text),
    tls: hasTls,
    declaredBy,
  };
}

/** A router whose service is gone answers 404. Services of other providers (`name@file`) are not known here. */
function reportMissingService(router: Router, services: ReadonlyMap<string, RouteService>, problems: RouteProblem[]): void {
  const name = router.service.replace(/@consulcatalog$/, '');
  if (name.includes('@') || services.has(name)) return;
  const message = `router ${router.name} leads to the service ${router.service}, which does not exist`;
  problems.push({ kind: 'missing-service', object: `router ${router.name}`, declaredBy: router.declaredBy, message });
}

/** Routers of one rule and one priority on one entry point: which of them answers is chance. */
function reportTies(routers: readonly Router[], problems: RouteProblem[]): void {
  const groups = Map.groupBy(routers, ({ rule, text, priority, tls }) => JSON.stringify([rule ?? text, priority, tls]));
  for (const group of groups.values()) {
    const [first, ...others] = [...group].sort((a, b) => byBytes(a.name, b.name));
    for (const other of others) {
      if (first === undefined || !shareEntryPoint(first, other)) continue;
      const declaredBy = [...new Set([...first.declaredBy, ...other.declaredBy])];
      const message = `routers ${first.name} and ${other.name} have the same rule and priority; chance decides which of them answers`;
      problems.push({ kind: 'tie', object: `router ${other.name}`, declaredBy, message });
    }
  }
}

const shareEntryPoint = (a: Router, b: Router): boolean =>
  a.entryPoints.length === 0 || b.entryPoints.length === 0 || a.entryPoints.some((name) => b.entryPoints.includes(name));
