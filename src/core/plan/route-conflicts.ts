import { errorText } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { byBytes } from '../model/ids.ts';
import type { RegistryState } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { CatalogRoutes, type RoutePart } from '../routes/catalog-routes.ts';
import { settleRoutes } from '../routes/settle-routes.ts';
import type { PlanContext } from './context.ts';
import { routeClaims } from './route-claims.ts';
import { routeProblems } from './route-problems.ts';
import { namesElsewhere, routeSettings } from './route-settings.ts';
import { NO_VERDICTS, type PoolClaim, type RouteSource, type RouteVerdicts } from './route-verdicts.ts';

/**
 * Foresees the routes of the catalog as it is and as it would be, ours and everybody's, and sets aside who would bring a new conflict.
 * While nothing that they are made of is another, the verdicts are the very same. Where only Traefik 1 reads the catalog there are none:
 * nobody foresees its routes here.
 */
export function routeVerdicts(context: PlanContext): RouteVerdicts {
  try {
    return foreseen(context);
  } catch (error) {
    // Nobody who was set aside comes in for that.
    const { setAside } = context.memos.routes.get('last')?.verdicts ?? NO_VERDICTS;
    const told = [problem('INTERNAL', `the routes cannot be foreseen: ${errorText(error)}`, { severity: 'warning' })];
    return { setAside, problems: new Map([...context.desired.specs.keys()].map((spec) => [spec, told])) };
  }
}

function foreseen(context: PlanContext): RouteVerdicts {
  const { registry, policy, desired, memos, world } = context;
  if (registry === undefined || policy.dialect === 'v1') return NO_VERDICTS;
  const elsewhere = namesElsewhere(world.gateways);
  const nodes = snapshotValue(world.cluster.nodes);
  const told = policy.registration === 'kv' || (registry.agents?.size ?? 0) > 0 ? [registry.kv, nodes] : [];
  const parts = [
    desired,
    policy,
    registry.instances,
    registry.foreignServices,
    registry.foreignTags,
    registry.agents,
    ...told,
    ...elsewhere,
  ];
  const last = memos.routes.get('last');
  if (last !== undefined && last.parts.length === parts.length && last.parts.every((part, i) => part === parts[i])) return last.verdicts;
  for (const key of memos.wishedPools.keys()) if (!desired.holders.has(key) || desired.live.has(key)) memos.wishedPools.delete(key);
  const claims = routeClaims(context);
  const foreign = foreignParts(registry, claims);
  const settings = routeSettings(policy.routes, elsewhere);
  const known = last?.settings === JSON.stringify(settings) ? last : undefined;
  const catalog = known?.catalog ?? new CatalogRoutes(settings);
  const verdicts =
    known !== undefined && isSameSource(known.source, { claims, foreign })
      ? known.verdicts
      : verdictsOf({ claims, foreign, catalog }, last?.verdicts);
  memos.routes.set('last', { parts, source: { claims, foreign }, settings: JSON.stringify(settings), catalog, verdicts });
  return verdicts;
}

interface Catalogue extends RouteSource {
  readonly catalog: CatalogRoutes;
}

function verdictsOf({ claims, foreign, catalog }: Catalogue, before: RouteVerdicts = NO_VERDICTS): RouteVerdicts {
  const settled = settleRoutes(claims, foreign, catalog);
  catalog.forgetUnused();
  const problems = [...routeProblems(settled, claims)].map(([spec, told]) => [spec, sameOr(before.problems.get(spec), told)] as const);
  problems.sort(([a], [b]) => byBytes(a, b));
  return { setAside: new Set(settled.setAside.keys()), problems: new Map(problems) };
}

const sameOr = (before: readonly Problem[] | undefined, now: readonly Problem[]): readonly Problem[] =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;

/** What others have registered. Who has a name with us is told by other rules: see name-holders.ts. */
function foreignParts({ foreignTags }: RegistryState, claims: readonly PoolClaim[]): readonly RoutePart[] {
  if (foreignTags === undefined || foreignTags.size === 0) return [];
  const own = new Set(claims.flatMap(({ before, after }) => [...before, ...after].map(({ service }) => service.toLowerCase())));
  return [...foreignTags].flatMap(([service, lists]) => (own.has(service.toLowerCase()) ? [] : lists.map((tags) => ({ service, tags }))));
}

const isSameSource = (one: RouteSource, other: RouteSource): boolean =>
  areSame(one.claims, other.claims, isSameClaim) && areSame(one.foreign, other.foreign, isSamePart);

const areSame = <T>(some: readonly T[], others: readonly T[], isSame: (one: T, other: T) => boolean): boolean =>
  some === others ||
  (some.length === others.length &&
    some.every((one, i) => {
      const other = others[i];
      return other !== undefined && isSame(one, other);
    }));

const isSameClaim = (one: PoolClaim, other: PoolClaim): boolean =>
  one.pool === other.pool &&
  one.spec === other.spec &&
  one.leaving === other.leaving &&
  one.object?.where.line === other.object?.where.line &&
  one.object?.where.column === other.object?.where.column &&
  areSame(one.before, other.before, isSamePart) &&
  areSame(one.after, other.after, isSamePart);

const isSamePart = (one: RoutePart, other: RoutePart): boolean =>
  one === other || (one.service === other.service && areSame(one.tags, other.tags, (a, b) => a === b));
