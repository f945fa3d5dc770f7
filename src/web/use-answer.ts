import { useEffect, useRef, useState } from 'preact/hooks';
import { read } from './api.ts';
import { overview } from './store.ts';

/** What an address answered last. `old` answers stay while a new one is on its way. */
export interface Answer<T> {
  readonly value?: T;
  readonly error?: string;
}

/** Runs may follow each other closely, and an answer may be long: it is read again at most so often. */
const APART_MS = 1_000;

/** Reads JSON from the API, again after each run. `path` undefined: nothing is asked. */
export function useAnswer<T>(path: string | undefined): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { readonly path?: string }>({});
  const last = useRef({ path, askedAtMs: 0, asked: 0, shown: 0 }).current;
  const run = overview.value?.head.id;
  // A new run is a reason to read again; what is on its way is shown all the same.
  useEffect(() => {
    if (path === undefined) return undefined;
    const dueMs = last.path === path ? last.askedAtMs + APART_MS - Date.now() : 0;
    last.path = path;
    const ask = async (): Promise<void> => {
      last.askedAtMs = Date.now();
      const number = ++last.asked;
      const got = await read<T>(path).then(
        (value) => ({ value }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      );
      if (last.path !== path || number < last.shown) return;
      last.shown = number;
      setAnswer({ path, ...got });
    };
    const due = setTimeout(() => void ask(), dueMs);
    return () => clearTimeout(due);
  }, [path, run, last]);
  return answer.path === path ? answer : {};
}
