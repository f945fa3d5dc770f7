/**
 * Runs `work` over the items, at most `limit` at a time, and gives the results in the order of the items. An item is asked for when its
 * turn comes: what makes them only then keeps few of them in memory. After a failure no
 * further item is begun; it rejects with that failure when those begun have ended.
 */
export async function mapLimited<T, R>(items: Iterable<T>, limit: number, work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const entries = numbered(items);
  let failed = false;
  const worker = async () => {
    for (const [index, item] of entries) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: limit }, worker));
  for (const ended of workers) if (ended.status === 'rejected') throw ended.reason;
  return results;
}

function* numbered<T>(items: Iterable<T>): Generator<readonly [number, T], undefined> {
  let index = 0;
  for (const item of items) yield [index++, item];
}
