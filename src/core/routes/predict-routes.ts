import { type CatalogItem, catalogItems, instanceTitle, type TagFacts } from './catalog-items.ts';
import { type DefaultRule, declareTags, type TagDeclaration } from './declare-tags.ts';
import { readDefaultRule } from './default-rule.ts';
import { normalizeName } from './go-values.ts';
import { judgeHttp } from './judge-http.ts';
import { judgeTcp, judgeUdp } from './judge-sockets.ts';
import { LabelError } from './label-tree.ts';
import { type Declaration, mergeConfigurations, objectTitle } from './merge-configurations.ts';
import type { Dropped, PredictedRoutes, TraefikSettings } from './predicted-routes.ts';
import type { RoutedInstance } from './route-model.ts';

/**
 * The routes that Traefik 3 builds from the instances of the catalog, ours and everybody's, with what it drops and why. The order of the
 * instances does not matter. Equal to `/api/rawdata` of Traefik 3.6, but for the health of servers. A default rule that is beyond us (see
 * `readDefaultRule`) makes no routers here.
 */
export function predictRoutes(instances: readonly RoutedInstance[], settings: TraefikSettings = {}): PredictedRoutes {
  const dropped: Dropped[] = [];
  const defaultRule = readDefaultRule(settings.defaultRule) ?? (() => undefined);
  const declarations = declareAll(catalogItems(instances, settings, dropped), defaultRule, dropped);
  reportLostRouters(declarations, dropped);
  const merged = mergeConfigurations(declarations, dropped);
  return {
    http: judgeHttp(merged.http, settings),
    tcp: judgeTcp(merged.tcp, settings),
    udp: judgeUdp(merged.udp, settings),
    dropped,
  };
}

/** What each instance declares, in the order in which Traefik merges them. */
function declareAll(items: readonly CatalogItem[], defaultRule: DefaultRule, dropped: Dropped[]): readonly Declaration[] {
  const byKey = new Map<string, Declaration>();
  // The items of a service come together.
  let current: string | undefined;
  const known = new Map<TagFacts, TagDeclaration | LabelError>();
  for (const { instance, service, tags } of items) {
    if (service !== current) known.clear();
    current = service;
    const fromTags = known.get(tags) ?? declare(service, tags, defaultRule);
    known.set(tags, fromTags);
    const declared = instance.address === '' ? new LabelError('address is missing') : fromTags;
    if (declared instanceof LabelError) {
      const why = `its tags cannot be read: ${declared.message}`;
      dropped.push({ reason: declared.freezes ? 'freeze' : 'instance', what: instanceTitle(instance), why, declaredBy: [service] });
      continue;
    }
    const declaration = { instance, service, declared };
    const key = normalizeName(`${instance.consulNode}-${service}-${instance.id}`);
    const other = byKey.get(key);
    if (other !== undefined) dropped.push(lostInstance(other, declaration));
    byKey.set(key, declaration);
  }
  // Without a comparison of ours, which would be slower: texts are put in the order of their bytes anyway.
  return [...byKey.keys()].sort().flatMap((key) => byKey.get(key) ?? []);
}

function declare(service: string, tags: TagFacts, defaultRule: DefaultRule): TagDeclaration | LabelError {
  try {
    return declareTags(service, tags, defaultRule);
  } catch (error) {
    if (error instanceof LabelError) return error;
    throw error;
  }
}

/** Tells of each router that an instance names and that is left out, once for those with the same tags. */
function reportLostRouters(declarations: readonly Declaration[], dropped: Dropped[]): void {
  const told = new Set<TagDeclaration>();
  for (const { service, declared } of declarations) {
    if (told.has(declared)) continue;
    told.add(declared);
    for (const { protocol, name, why } of declared.lost) {
      dropped.push({ reason: 'router', what: objectTitle({ protocol, kind: 'routers' }, name), why, declaredBy: [service] });
    }
  }
}

function lostInstance(lost: Declaration, kept: Declaration): Dropped {
  const why = `to Traefik it has the same name as ${instanceTitle(kept.instance)}, which it keeps`;
  return {
    reason: 'lost-instance',
    what: instanceTitle(lost.instance),
    why,
    declaredBy: [...new Set([lost.service, kept.service])].sort(),
  };
}
