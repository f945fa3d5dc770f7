import { isDeepStrictEqual } from 'node:util';

/** One object of the API server in a cache. `version` is its resourceVersion. */
export interface CacheItem<K, V> {
  readonly key: K;
  readonly uid: string;
  readonly version: string;
  readonly value: V;
}

/** What an event changed; undefined stands for "not there". */
export interface CacheChange<K, V> {
  readonly key: K;
  readonly before: V | undefined;
  readonly after: V | undefined;
}

interface Held<K, V> extends CacheItem<K, V> {
  /** When we put it here ourselves from the answer of a write, as a count; 0 when it came from a list or a watch. */
  readonly foldedAt: number;
}

/** A deletion of ours that no list or watch has shown yet. */
interface Tombstone {
  readonly uid: string;
  readonly at: number;
}

/**
 * The objects of one kind, from lists, watch events and the answers of our own writes, in whatever order these arrive.
 * A watch may lag behind a write, and a list may have begun before it: what we wrote is never taken back by them.
 *
 * | comes in | is ignored when |
 * |---|---|
 * | event with an object | we hold the same or a newer version, or have deleted that very object (uid) |
 * | event of a deletion | we hold a newer version: it was created again, or came back into the selection |
 * | list | for an object written or deleted by us since the list began |
 *
 * resourceVersions of one resource may be compared as numbers (Kubernetes API concepts, "Resource versions"); where one is
 * no number, what comes in is taken as newer.
 */
export class WatchCache<K extends string, V> {
  readonly #held = new Map<K, Held<K, V>>();
  readonly #tombstones = new Map<K, Tombstone>();
  #count = 0;
  #values: ReadonlyMap<K, V> | undefined;

  /** A moment in the order of things: taken before a list is asked for, and given to `replace` with its answer. */
  mark(): number {
    return ++this.#count;
  }

  /** The object of a key. */
  get(key: K): V | undefined {
    return this.#held.get(key)?.value;
  }

  /** All objects. The same map until something changes; never changed afterwards. */
  values(): ReadonlyMap<K, V> {
    this.#values ??= new Map([...this.#held].map(([key, item]) => [key, item.value]));
    return this.#values;
  }

  /** Takes over a whole list that was asked for after `mark`. */
  replace(items: readonly CacheItem<K, V>[], mark: number): readonly CacheChange<K, V>[] {
    const listed = new Map(items.map((item) => [item.key, item]));
    const changes: CacheChange<K, V>[] = [];
    for (const [key, held] of this.#held) {
      if (listed.has(key) || held.foldedAt > mark) continue;
      changes.push({ key, before: held.value, after: undefined });
      this.#held.delete(key);
      this.#values = undefined;
    }
    for (const item of items) {
      const held = this.#held.get(item.key);
      const gone = this.#tombstones.get(item.key);
      if (gone !== undefined && gone.at > mark && gone.uid === item.uid) continue;
      if (held !== undefined && held.foldedAt > mark && isNewer(held.version, item.version)) continue;
      const change = this.#set(item, 0);
      if (change !== undefined) changes.push(change);
    }
    for (const [key, gone] of this.#tombstones) if (gone.at <= mark) this.#tombstones.delete(key);
    return changes;
  }

  /** An ADDED or MODIFIED event. Undefined when nothing but the version changed. */
  put(item: CacheItem<K, V>): CacheChange<K, V> | undefined {
    if (this.#tombstones.get(item.key)?.uid === item.uid) return undefined;
    const held = this.#held.get(item.key);
    if (held !== undefined && !isNewer(item.version, held.version)) return undefined;
    this.#tombstones.delete(item.key);
    return this.#set(item, 0);
  }

  /** A DELETED event. */
  drop(item: CacheItem<K, V>): CacheChange<K, V> | undefined {
    if (this.#tombstones.get(item.key)?.uid === item.uid) this.#tombstones.delete(item.key);
    const held = this.#held.get(item.key);
    if (held === undefined || isNewer(held.version, item.version)) return undefined;
    this.#held.delete(item.key);
    this.#values = undefined;
    return { key: item.key, before: held.value, after: undefined };
  }

  /** The answer of a write of ours. */
  fold(item: CacheItem<K, V>): void {
    const held = this.#held.get(item.key);
    if (held !== undefined && isNewer(held.version, item.version)) return;
    this.#tombstones.delete(item.key);
    this.#set(item, ++this.#count);
  }

  /** A deletion of ours that the server has confirmed. */
  foldGone(key: K, uid: string): void {
    const held = this.#held.get(key);
    if (held !== undefined && held.uid !== uid) return;
    this.#tombstones.set(key, { uid, at: ++this.#count });
    this.#held.delete(key);
    this.#values = undefined;
  }

  #set(item: CacheItem<K, V>, foldedAt: number): CacheChange<K, V> | undefined {
    const before = this.#held.get(item.key)?.value;
    if (isDeepStrictEqual(before, item.value) && before !== undefined) {
      // The old value stays, so that what was derived from it stays valid.
      this.#held.set(item.key, { ...item, value: before, foldedAt });
      return undefined;
    }
    this.#held.set(item.key, { ...item, foldedAt });
    this.#values = undefined;
    const same = isDeepStrictEqual(withoutVersion(before), withoutVersion(item.value));
    return same ? undefined : { key: item.key, before, after: item.value };
  }
}

/** True when the resourceVersion `a` is later than `b`. */
export function isNewer(a: string, b: string): boolean {
  if (a === b) return false;
  if (!isNumber(a) || !isNumber(b)) return true;
  return BigInt(a) > BigInt(b);
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** Every write moves the version, also those of which we keep nothing, such as a status. */
function withoutVersion(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'resourceVersion' in value ? { ...value, resourceVersion: '' } : value;
}
