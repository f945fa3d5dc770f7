import type { JSX } from 'preact';
import { StateIcon } from './icons.tsx';
import { failing, nowMs, overview } from './store.ts';
import { ago } from './words.ts';

/** Says that nothing moves although the daemon answers: every run ends in an error that nobody foresaw. */
export function FailingBanner(): JSX.Element | null {
  const failure = failing.value;
  const lastMs = overview.value?.head.startedAtMs;
  if (failure === undefined) return null;
  return (
    <div class="failing" role="alert">
      <p class="card-title">
        <StateIcon tone="bad" /> Every run fails; the first did {ago(nowMs.value - failure.sinceMs)}
      </p>
      <p>
        <code>{failure.says}</code>
      </p>
      <p class="quiet">
        Nothing is written, and what stands below is from the last run that ended
        {lastMs === undefined ? '' : `, ${ago(nowMs.value - lastMs)}`}. The log of the daemon says more.
      </p>
    </div>
  );
}
