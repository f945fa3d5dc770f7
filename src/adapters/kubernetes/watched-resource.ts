import type { Snapshot } from '../../core/model/snapshot.ts';
import { mapSnapshot } from '../../core/model/snapshot.ts';
import type { ApiResource } from './discovery.ts';
import { asRecord } from './json-access.ts';
import { requireIdentity } from './live-object.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { type CacheChange, type CacheItem, WatchCache } from './watch-cache.ts';

export interface WatchedResourceOptions<K, V> extends Omit<ReflectorOptions<CacheItem<K, V>>, 'sink'> {
  /** Key and value of an object. */
  readonly read: (object: unknown, resource: ApiResource) => { readonly key: K; readonly value: V };
  /** Told after each change from outside; never for what we folded in ourselves. */
  readonly changed: (changes: readonly CacheChange<K, V>[]) => void;
  /** Told after the first list, and each time the connection is lost or has come back. */
  readonly connected: () => void;
}

/** One watched kind: its objects, and how fresh they are. */
export class WatchedResource<K extends string, V> {
  readonly cache = new WatchCache<K, V>();
  readonly #reflector: Reflector<CacheItem<K, V>>;

  constructor(options: WatchedResourceOptions<K, V>) {
    const { cache } = this;
    const tell = (change: CacheChange<K, V> | undefined): void => {
      if (change !== undefined) options.changed([change]);
    };
    this.#reflector = new Reflector<CacheItem<K, V>>({
      ...options,
      sink: {
        mark: () => cache.mark(),
        decode: (object, resource) => decodeItem(object, resource, options.read),
        replace: (items, mark) => options.changed(cache.replace(items, mark)),
        put: (item) => tell(cache.put(item)),
        drop: (item) => tell(cache.drop(item)),
        connected: options.connected,
        lost: options.connected,
      },
    });
  }

  /** Starts listing and watching, once. */
  start(): void {
    this.#reflector.start();
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }

  retryNow(): void {
    this.#reflector.retryNow();
  }

  /** Resolves when the first list has succeeded or failed. */
  get firstOutcome(): Promise<void> {
    return this.#reflector.firstOutcome;
  }

  /** How fresh the objects are, without them. */
  freshness(): Snapshot<undefined> {
    return this.#reflector.state();
  }

  snapshot(): Snapshot<ReadonlyMap<K, V>> {
    return mapSnapshot(this.#reflector.state(), () => this.cache.values());
  }
}

function decodeItem<K, V>(object: unknown, resource: ApiResource, read: WatchedResourceOptions<K, V>['read']): CacheItem<K, V> {
  const { uid, resourceVersion } = requireIdentity(asRecord(asRecord(object)['metadata']), resource);
  return { ...read(object, resource), uid, version: resourceVersion };
}
