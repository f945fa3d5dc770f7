import type { JSX } from 'preact';
import { StateIcon } from './icons.tsx';
import { lostAtMs } from './store.ts';
import { clockTime } from './words.ts';

/** Says, whatever is open and however small the window is, that nothing is heard any more. */
export function LostBar(): JSX.Element | null {
  if (lostAtMs.value === undefined) return null;
  return (
    <div class="lost" role="alert">
      <StateIcon tone="bad" />
      <p>
        <b>Connection lost.</b> All that is shown is as of {clockTime(lostAtMs.value)} and may be over. The page connects again by itself.
      </p>
    </div>
  );
}

/** `As of 12:03:04:` before what is said of the present, while nobody can know that. */
export const AsOf = (): JSX.Element | null =>
  lostAtMs.value === undefined ? null : <span class="as-of">As of {clockTime(lostAtMs.value)}: </span>;
