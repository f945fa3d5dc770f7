import type { Dependencies } from '../desired/dependencies.ts';
import type { WishedPool } from '../desired/pool-tags.ts';
import type { GroupKind, ObjectKey, PoolKey, SpecId } from '../model/ids.ts';
import type { KvEntry } from '../model/registration.ts';
import type { CommitChanges } from '../model/spec-set.ts';
import type { ReadEntry } from '../model/told-agents.ts';
import type { PoolDecision } from '../pool/decide-pool.ts';
import type { OrderedObject } from './order.ts';
import type { RouteMemo } from './route-verdicts.ts';
import type { SettledPlans } from './settled-plans.ts';
import type { ObjectStep, PoolStep, RolloutStep, SpecificationStep } from './steps.ts';

/** What was worked out from some parts last time; it holds while every part is the very same. */
export interface Remembered<T> {
  readonly parts: readonly unknown[];
  readonly result: T;
}

/** Results of earlier passes, reused while nothing they were made from has changed. Losing them costs time, nothing else. */
export interface PlanMemos {
  readonly objects: Map<ObjectKey, Remembered<ObjectStep>>;
  readonly decisions: Map<PoolKey, Remembered<PoolDecision>>;
  readonly pools: Map<PoolKey, Remembered<PoolStep>>;
  /** When a pool was first seen to have a NodePort other than the registered one, ms since the epoch by our clock. */
  readonly opening: Map<PoolKey, { readonly nodePort: number; readonly seenAtMs: number }>;
  /** What agents are told, read from the entry under `deployments/`. */
  readonly told: Map<PoolKey, Remembered<ReadEntry>>;
  readonly specifications: Map<PoolKey, Remembered<SpecificationStep>>;
  /** What stands under `specifications/`, by pool. */
  readonly stored: Map<'specifications', Remembered<ReadonlyMap<PoolKey, readonly KvEntry[]>>>;
  readonly rollouts: Map<ObjectKey, Remembered<RolloutStep>>;
  readonly orders: Map<SpecId, Remembered<readonly OrderedObject[]>>;
  readonly dependencies: Map<'specs', Remembered<Dependencies>>;
  /** Custom kinds that specs define, with the definition. */
  readonly definitions: Map<'specs', Remembered<ReadonlyMap<GroupKind, ObjectKey>>>;
  /** What the specs say of Services that are not in the cluster yet. */
  readonly wishedPools: Map<ObjectKey, Remembered<WishedPool | undefined>>;
  /** The hosts that the rules of a pool name. */
  readonly hosts: Map<PoolKey, Remembered<readonly string[]>>;
  /** The commit that last changed each spec, as far as Git has told. */
  readonly lastChanges: Map<'specs', Remembered<ReadonlyMap<SpecId, Pick<CommitChanges, 'revision' | 'committedAtMs'>>>>;
  /** The conflicts of routes. */
  readonly routes: Map<'last', RouteMemo>;
  /** The plans of the last pass that were settled. */
  readonly settled: Map<'specs', SettledPlans>;
}

/** Nothing worked out yet. */
export const createPlanMemos = (): PlanMemos => ({
  objects: new Map(),
  decisions: new Map(),
  pools: new Map(),
  opening: new Map(),
  told: new Map(),
  specifications: new Map(),
  stored: new Map(),
  rollouts: new Map(),
  orders: new Map(),
  dependencies: new Map(),
  definitions: new Map(),
  wishedPools: new Map(),
  hosts: new Map(),
  lastChanges: new Map(),
  routes: new Map(),
  settled: new Map(),
});

/** The remembered result for `key` if it was made from the same parts; else `make()`, which is remembered. */
export function remember<K, T>(memo: Map<K, Remembered<T>>, key: K, parts: readonly unknown[], make: () => T): T {
  const known = memo.get(key);
  if (known?.parts.length === parts.length && known.parts.every((part, i) => part === parts[i])) return known.result;
  const result = make();
  memo.set(key, { parts, result });
  return result;
}
