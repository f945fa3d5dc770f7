import { useEffect, useState } from 'preact/hooks';
import { read } from './api.ts';
import { overview } from './store.ts';

/** What an address answered last. `old` answers stay while a new one is on its way. */
export interface Answer<T> {
  readonly value?: T;
  readonly error?: string;
}

/** Reads JSON from the API, again after each run. `path` undefined: nothing is asked. */
export function useAnswer<T>(path: string | undefined): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { readonly path?: string }>({});
  const run = overview.value?.head.id;
  // A new run is a reason to read again.
  useEffect(() => {
    if (path === undefined) return undefined;
    let wanted = true;
    read<T>(path).then(
      (value) => wanted && setAnswer({ path, value }),
      (error: unknown) => wanted && setAnswer({ path, error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      wanted = false;
    };
  }, [path, run]);
  return answer.path === path ? answer : {};
}
