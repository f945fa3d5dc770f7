import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { sleep } from '../shared/abort.ts';
import { unreadableFile } from './unreadable-file.ts';

/** Editors and Git change several files, and one file several times, for one change of a person's. */
const QUIET_MS = 150;

/**
 * Tells once for each bunch of changes at or below some paths, those since the call included, until the signal aborts. Throws AppError when
 * a path cannot be watched.
 */
export function changesOf(paths: readonly string[], signal: AbortSignal, quietMs: number = QUIET_MS): AsyncIterable<void> {
  const changes = new Changes();
  const watchers = paths.filter((path) => path !== '-').map((path) => watchPath(path, () => changes.tell()));
  const stop = (): void => {
    for (const watcher of watchers) watcher.close();
    changes.end();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return bunches(changes, signal, quietMs);
}

async function* bunches(changes: Changes, signal: AbortSignal, quietMs: number): AsyncGenerator<void> {
  while (await changes.next()) {
    // An abort ends the wait, and then the loop.
    await sleep(quietMs, signal).catch(() => undefined);
    changes.forget();
    if (!signal.aborted) yield;
  }
}

/** Whether something has changed, and who waits for it. */
class Changes {
  #isPending = false;
  #isOver = false;
  #wake: () => void = () => undefined;

  tell(): void {
    this.#isPending = true;
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  forget(): void {
    this.#isPending = false;
  }

  /** True when something has changed, at once or later; false when it is over. */
  async next(): Promise<boolean> {
    if (!this.#isPending && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#isOver;
  }
}

/** A file is watched by its folder: many editors write a new one and rename it. */
function watchPath(path: string, changed: () => void): FSWatcher {
  try {
    if (statSync(path).isDirectory()) return watch(path, { recursive: true }, changed);
    return watch(dirname(path), (_, name) => {
      if (name === null || name === basename(path)) changed();
    });
  } catch (error) {
    throw unreadableFile(path, error);
  }
}
