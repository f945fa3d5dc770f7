import type { PoolKey, SpecId } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import { type CatalogRoutes, conflictKey, partKey, type RoutePart } from './catalog-routes.ts';
import type { DynamicObject } from './dynamic-types.ts';
import type { FoundConflict } from './route-conflict.ts';

/** What a pool of ours is to Traefik now, and what it is to be. The same: it asks for nothing. */
export interface RouteClaim {
  readonly pool: PoolKey;
  readonly spec: SpecId;
  readonly before: readonly RoutePart[];
  readonly after: readonly RoutePart[];
  /** True: it leaves Consul, and stands there until it has. */
  readonly leaving?: boolean;
}

/** How conflicts of routes are settled. */
export interface SettledRoutes {
  /** The pools that may not become what they are to be, each with the conflicts that it would bring. */
  readonly setAside: ReadonlyMap<PoolKey, readonly FoundConflict[]>;
  /** The conflicts that are or will be there without anybody to set aside for them, and all that are warnings. */
  readonly standing: readonly FoundConflict[];
}

/** What the catalog holds beside our pools: of each Consul service what its instances are. */
type Foreign = readonly RoutePart[];

/**
 * Sets aside the pools that would bring a new conflict (design section 4): what is registered stays, be it ours or a stranger's; of
 * several that come together the path first in byte order stays. A pool that is set aside counts as it is now, which may
 * bring others into conflict, or out of it: so it is asked again until nobody has to be.
 */
export function settleRoutes(claims: readonly RouteClaim[], foreign: Foreign, catalog: CatalogRoutes): SettledRoutes {
  const asking = claims.filter(isAsking).sort((a, b) => byBytes(a.spec, b.spec) || byBytes(a.pool, b.pool));
  const setAside = new Map<PoolKey, FoundConflict[]>();
  const partsNow = (isAfter: (claim: RouteClaim) => boolean): readonly RoutePart[] =>
    distinct([...foreign, ...claims.flatMap((claim) => (isAfter(claim) ? claim.after : claim.before))]);
  let known: ReadonlySet<string> | undefined;
  // Mostly nothing is found, and nobody needs to know what was there before.
  const isNew = (conflict: FoundConflict): boolean => {
    known ??= new Set(asking.length === 0 ? [] : catalog.conflictsOf(partsNow(() => false)).map(conflictKey));
    return !known.has(conflictKey(conflict));
  };
  for (;;) {
    const standing = catalog.conflictsOf(partsNow(({ pool }) => !setAside.has(pool)));
    const open = asking.filter(({ pool }) => !setAside.has(pool));
    const found = standing.filter((one) => one.severity === 'error' && isNew(one) && !isOwnAffair(one, claims));
    const leaving = yieldingOf(found, open, catalog);
    if (leaving.size === 0) return { setAside, standing };
    for (const [pool, conflicts] of leaving) setAside.set(pool, conflicts);
  }
}

/**
 * Whether nobody has to wait for what one spec does. When it renames a Service, the new one takes the rule over: while both serve it no
 * request is lost, and were the new one to wait, there would be nobody between them. And Services that one spec puts into one
 * Traefik service, such as a canary's, are meant to share requests.
 */
function isOwnAffair({ kind, declaredBy }: FoundConflict, claims: readonly RouteClaim[]): boolean {
  if (kind !== 'same-rule' && kind !== 'shared-service') return false;
  const parties = claims.filter(({ after }) => after.some(({ service }) => declaredBy.includes(service)));
  const isOfOneSpec = parties.every(({ spec }) => spec === parties[0]?.spec);
  const isShared = kind === 'shared-service' || parties.some(({ leaving }) => leaving === true);
  return isOfOneSpec && isShared && parties.length === declaredBy.length;
}

const isAsking = ({ before, after }: RouteClaim): boolean =>
  before.length !== after.length || before.some((part, i) => after[i] === undefined || partKey(part) !== partKey(after[i]));

const distinct = (parts: readonly RoutePart[]): readonly RoutePart[] => [...new Map(parts.map((part) => [partKey(part), part])).values()];

/** One conflict, who may yield in it, and who does. */
interface Judged {
  readonly conflict: FoundConflict;
  readonly parties: readonly RouteClaim[];
  readonly yielding: readonly RouteClaim[];
}

/** Who yields, with the conflicts. Only those of which every party is still there: once one has gone, it is looked at again. */
function yieldingOf(
  found: readonly FoundConflict[],
  open: readonly RouteClaim[],
  catalog: CatalogRoutes,
): ReadonlyMap<PoolKey, FoundConflict[]> {
  const byService = new Map(open.flatMap((claim) => claim.after.map(({ service }) => [service, claim] as const)));
  const rank = new Map(open.map((claim, i) => [claim, i]));
  const rankOf = ({ yielding: [first] }: Judged): number => (first === undefined ? 0 : (rank.get(first) ?? 0));
  const judged = found.flatMap((conflict): Judged[] => {
    const asking = new Set(conflict.declaredBy.flatMap((service) => byService.get(service) ?? []));
    const parties = open.filter((claim) => asking.has(claim));
    return parties.length === 0 ? [] : [{ conflict, parties, yielding: yieldingIn(conflict, parties, catalog) }];
  });
  const leaving = new Map<PoolKey, FoundConflict[]>();
  for (const { conflict, parties, yielding } of judged.sort((a, b) => rankOf(a) - rankOf(b))) {
    const isOpen = !parties.some(({ pool }) => leaving.has(pool));
    const isSettled = yielding.every(({ pool }) => leaving.has(pool));
    if (!isOpen && !isSettled) continue;
    for (const { pool } of yielding) leaving.set(pool, [...(leaving.get(pool) ?? []), conflict]);
  }
  return leaving;
}

/** Whoever asks for nothing stays, and all others yield. Where all ask, one stays: who holds it now, else the first. */
function yieldingIn(conflict: FoundConflict, parties: readonly RouteClaim[], catalog: CatalogRoutes): readonly RouteClaim[] {
  if (parties.length === 1 || parties.length < conflict.declaredBy.length) return parties;
  const stays = parties.find((claim) => holds(claim, conflict, catalog)) ?? parties[0];
  return parties.filter((claim) => claim !== stays);
}

/** Whether what a conflict is about is registered for a pool already: the name or, where it is about rules, the rule. */
function holds({ before, after }: RouteClaim, { kind, objects }: FoundConflict, catalog: CatalogRoutes): boolean {
  const isOfRules = kind === 'same-rule' || kind === 'overlap' || kind === 'shadowed';
  return objects.some((name) => {
    const old = find(before, name, catalog);
    const wanted = find(after, name, catalog);
    if (old === undefined || wanted === undefined) return false;
    return !isOfRules || (old['rule'] === wanted['rule'] && old['priority'] === wanted['priority']);
  });
}

const find = (parts: readonly RoutePart[], name: string, catalog: CatalogRoutes): DynamicObject | undefined =>
  parts.map((part) => catalog.objectOf(part, name)).find((object) => object !== undefined)?.config;
