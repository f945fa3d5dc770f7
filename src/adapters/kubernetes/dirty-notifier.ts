import type { NodeName, PoolKey, SpecId } from '../../core/model/ids.ts';
import type { DirtyListener, Unsubscribe } from '../../core/model/ports.ts';

type DirtyKey = SpecId | PoolKey | NodeName;

/** Tells listeners what became dirty, once per macrotask: a list or a burst of events is one call. */
export class DirtyNotifier {
  readonly #listeners = new Set<DirtyListener>();
  #keys: Set<DirtyKey> | 'all' = new Set();
  #scheduled = false;

  subscribe(listener: DirtyListener): Unsubscribe {
    // A function subscribed twice is two subscriptions.
    const own: DirtyListener = (keys) => listener(keys);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  add(keys: Iterable<DirtyKey>): void {
    for (const key of keys) {
      if (this.#keys === 'all') return;
      this.#keys.add(key);
      this.#schedule();
    }
  }

  all(): void {
    this.#keys = 'all';
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const keys = this.#keys;
      this.#keys = new Set();
      for (const listener of this.#listeners) listener(keys);
    });
  }
}
