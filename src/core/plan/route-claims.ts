import { traefikServices, wishedPool } from '../desired/pool-tags.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { PoolKey } from '../model/ids.ts';
import { specId } from '../model/ids.ts';
import { META } from '../model/marks.ts';
import type { Spec, SpecObject } from '../model/objects.ts';
import type { RegisteredInstance } from '../model/registration.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { RoutePart } from '../routes/catalog-routes.ts';
import type { RouteClaim } from '../routes/settle-routes.ts';
import type { PlanContext } from './context.ts';
import { toldEntry } from './context.ts';
import { remember } from './memos.ts';
import { whyNameTaken } from './name-holders.ts';
import { agentsOf } from './pool-agents.ts';
import type { PoolClaim } from './route-verdicts.ts';

/**
 * What each pool of ours is to Traefik now, and what it is to be: all that a spec asks for, also while it waits for its NodePort or
 * its first endpoint, so that a conflict is told before anything is written. What leaves counts until it has left.
 */
export function routeClaims(context: PlanContext): readonly PoolClaim[] {
  const claims: PoolClaim[] = [];
  const { desired, registry, views } = context;
  for (const { standing, spec, pools } of desired.specs.values()) {
    const objects = new Map((spec?.objects ?? []).map((object) => [object.key, object]));
    for (const view of pools) claims.push(withObject(claimOfView(view, context), objects.get(view.live.key)));
    if (standing === 'decoded' && spec !== undefined) claims.push(...claimsOfUnborn(spec, context));
  }
  const claimed = new Set<PoolKey>(claims.map(({ pool }) => pool));
  for (const [pool, instances] of registry?.instances ?? []) {
    if (claimed.has(pool) || views.has(pool)) continue;
    const parts = partsOf(instances);
    claims.push({ pool, spec: specId(instances[0]?.meta[META.spec] ?? ''), before: parts, after: parts });
  }
  return claims;
}

const withObject = (claim: RouteClaim, object: SpecObject | undefined): PoolClaim => (object === undefined ? claim : { ...claim, object });

function claimOfView(view: PoolView, context: PlanContext): RouteClaim {
  const { pool, spec, service, tags } = view;
  const before = registeredParts(view, context);
  if (view.leaving !== undefined) return { pool, spec, before, after: before, leaving: true };
  return { pool, spec, before, after: mayChange(view, before, context) ? [{ service, tags }] : before };
}

function mayChange(view: PoolView, before: readonly RoutePart[], context: PlanContext): boolean {
  const { registry, policy, desired } = context;
  if (registry === undefined || view.problems.some(({ severity }) => severity === 'error')) return false;
  if ((!view.mayEnter && before.length === 0) || desired.nameConflicts.has(view.pool)) return false;
  return agentsOf(view, context).nodes.size > 0 || whyNameTaken(view, registry, policy) === undefined;
}

/** What is registered of a pool: in the catalog, else what agents are told. */
function registeredParts(view: PoolView, context: PlanContext): readonly RoutePart[] {
  const instances = context.registry?.instances.get(view.pool);
  if (instances !== undefined) return partsOf(instances);
  const entry = toldEntry(view.pool, context);
  const isFollowed = context.policy.registration === 'kv' || agentsOf(view, context).nodes.size > 0;
  if (!isFollowed || entry === undefined || entry.nodes?.length === 0) return [];
  // Where agents find the tags by themselves, nobody knows them, and they are taken for the ones that are wanted.
  return [{ service: entry.service, tags: entry.tags ?? view.tags }];
}

function partsOf(instances: readonly RegisteredInstance[]): readonly RoutePart[] {
  const parts: RoutePart[] = [];
  for (const { service, tags } of instances) {
    if (!parts.some((part) => part.tags === tags && part.service === service)) parts.push({ service, tags });
  }
  return parts;
}

/** Of the pools that have no Service in the cluster yet. */
function claimsOfUnborn(spec: Spec, { desired, views, registry, policy, memos, world }: PlanContext): readonly PoolClaim[] {
  const set = snapshotValue(world.specs);
  const traefikServiceOf = traefikServices(() => [...(set?.specs.values() ?? [])].flatMap(({ objects }) => objects));
  return spec.objects.flatMap((object): PoolClaim[] => {
    if (desired.holders.get(object.key) !== spec.id || desired.live.has(object.key)) return [];
    const wished = remember(memos.wishedPools, object.key, [object, policy, set], () => wishedPool(object, policy, traefikServiceOf));
    if (wished === undefined || views.has(wished.pool)) return [];
    const before = partsOf(registry?.instances.get(wished.pool) ?? []);
    const isClear = wished.problems.every(({ severity }) => severity !== 'error');
    const { pool, service, tags } = wished;
    return [{ pool, spec: spec.id, object, before, after: isClear ? [{ service, tags }] : before }];
  });
}
