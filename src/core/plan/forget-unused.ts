import type { PlanContext } from './context.ts';

/** Drops what is remembered of objects and pools that are no more. */
export function forgetUnused({ memos, desired, views }: PlanContext): void {
  for (const spec of memos.orders.keys()) if (!desired.specs.has(spec)) memos.orders.delete(spec);
  for (const memo of [memos.objects, memos.rollouts]) for (const key of memo.keys()) if (!desired.holders.has(key)) memo.delete(key);
  for (const memo of [memos.decisions, memos.pools, memos.opening, memos.told, memos.specifications, memos.hosts])
    for (const pool of memo.keys()) if (!views.has(pool)) memo.delete(pool);
}
