import { isDeepStrictEqual } from 'node:util';
import type { PoolKey } from '../../core/model/ids.ts';
import type { EndpointFacts } from '../../core/model/nodes.ts';
import { joinSlices, type SliceFacts } from './endpoint-facts.ts';
import type { CacheChange } from './watch-cache.ts';

/** The endpoints of every Service, kept in step with the slices they stand in. */
export class EndpointIndex {
  readonly #slices = new Map<PoolKey, Map<string, SliceFacts>>();
  readonly #facts = new Map<PoolKey, EndpointFacts>();
  #values: ReadonlyMap<PoolKey, EndpointFacts> | undefined;

  /** All endpoints. The same map until something changes; never changed afterwards. */
  values(): ReadonlyMap<PoolKey, EndpointFacts> {
    this.#values ??= new Map(this.#facts);
    return this.#values;
  }

  /** Takes over changes of slices and returns the pools whose endpoints are other ones now. */
  apply(changes: readonly CacheChange<string, SliceFacts>[]): readonly PoolKey[] {
    const touched = new Set<PoolKey>();
    for (const { key, before, after } of changes) {
      if (before?.pool !== undefined) this.#slices.get(before.pool)?.delete(key);
      if (after?.pool !== undefined) this.#slicesOf(after.pool).set(key, after);
      for (const pool of [before?.pool, after?.pool]) if (pool !== undefined) touched.add(pool);
    }
    return [...touched].filter((pool) => this.#refresh(pool));
  }

  #slicesOf(pool: PoolKey): Map<string, SliceFacts> {
    const found = this.#slices.get(pool) ?? new Map<string, SliceFacts>();
    this.#slices.set(pool, found);
    return found;
  }

  #refresh(pool: PoolKey): boolean {
    const slices = this.#slicesOf(pool);
    if (slices.size === 0) {
      this.#slices.delete(pool);
      this.#values = undefined;
      return this.#facts.delete(pool);
    }
    const facts = joinSlices(pool, slices.values());
    if (isDeepStrictEqual(this.#facts.get(pool), facts)) return false;
    this.#facts.set(pool, facts);
    this.#values = undefined;
    return true;
  }
}
