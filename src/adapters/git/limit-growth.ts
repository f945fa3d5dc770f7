import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 250;

/**
 * Runs `work` with a signal that aborts with `signal`, or when the files below `folder` hold more than `limit` bytes: what a server
 * sends goes to disk, and nobody says beforehand how much it will be. `exceeded` tells afterwards which of the two it was.
 */
export async function limitGrowth<T>(
  { folder, limit }: { readonly folder: string; readonly limit: number },
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly kind: 'done'; readonly value: T } | { readonly kind: 'exceeded' }> {
  const over = new AbortController();
  const ended = new AbortController();
  const watching = watch(folder, limit, over, ended.signal);
  try {
    return { kind: 'done', value: await work(AbortSignal.any([signal, over.signal])) };
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) return { kind: 'exceeded' };
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}

async function watch(folder: string, limit: number, over: AbortController, ended: AbortSignal): Promise<void> {
  for (;;) {
    await delay(LOOK_MS, undefined, { signal: ended }).catch(() => {});
    if (ended.aborted) return;
    if ((await sizeOf(folder)) > limit) return over.abort();
  }
}

/** Bytes of all files below a folder; what is gone meanwhile counts nothing. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const sizes = await Promise.all(
    files.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
