import { type PoolView, viewPool } from '../desired/pool-view.ts';
import { byBytes, kindOf, type PoolKey, poolKey, SERVICE_KIND, splitPoolKey } from '../model/ids.ts';
import type { JsonObject, LiveObject, SpecObject } from '../model/objects.ts';
import type { PlanContext } from '../plan/context.ts';

/** Every pool that anything knows of: a live Service, a spec, or Consul. In order. */
export function knownPools({ desired, views, registry }: PlanContext): readonly PoolKey[] {
  const wanted = [...desired.specs.values()].flatMap(({ spec, orphanPools }) => [
    ...orphanPools,
    ...(spec?.objects ?? []).filter(({ key }) => kindOf(key) === SERVICE_KIND).map(({ object }) => keyOf(object)),
  ]);
  return [...new Set([...views.keys(), ...wanted, ...(registry?.instances.keys() ?? [])])].sort(byBytes);
}

const keyOf = ({ metadata }: SpecObject['object']): PoolKey => poolKey(metadata.namespace ?? '', metadata.name);

/** The pools that a name may mean: `namespace/name`, the name alone, or the Consul service. */
export function poolsNamed(name: string, context: PlanContext): readonly PoolKey[] {
  const pools = knownPools(context);
  if (name.includes('/')) return pools.filter((pool) => pool === name);
  const own = pools.filter((pool) => splitPoolKey(pool).name === name);
  return own.length > 0 ? own : pools.filter((pool) => context.views.get(pool)?.service === name);
}

/** The views of all pools, those among them that specs only ask for so far: what their tags will be. */
export function wantedViews(context: PlanContext): readonly PoolView[] {
  const coming = [...context.desired.specs.values()].flatMap(({ id, spec }) =>
    (spec?.objects ?? []).flatMap(({ key, object }): readonly PoolView[] => {
      if (kindOf(key) !== SERVICE_KIND || context.views.has(keyOf(object))) return [];
      return [
        viewPool(
          { spec: id, live: asLive(key, object), desired: object, wish: object, pruned: false, recreated: undefined },
          context.policy,
        ),
      ];
    }),
  );
  return [...context.views.values(), ...coming];
}

const asLive = (key: SpecObject['key'], { apiVersion, kind, metadata, ...rest }: SpecObject['object']): LiveObject => ({
  key,
  apiVersion,
  kind,
  namespace: metadata.namespace ?? '',
  name: metadata.name,
  uid: '',
  resourceVersion: '',
  labels: metadata.labels ?? {},
  annotations: metadata.annotations ?? {},
  deleting: false,
  finalizers: [],
  managers: [],
  spec: (rest['spec'] ?? {}) as JsonObject,
});
