import type { JSX } from 'preact';
import type { CommitState, SpecHistoryAnswer } from '../core/report/commit-verdict.ts';
import { StateIcon } from './icons.tsx';
import { nowMs, sentence } from './store.ts';
import { useAnswer } from './use-answer.ts';
import { ago, duration, shortRevision, type Tone } from './words.ts';

/** How a commit stands, as a tone. */
export const COMMIT_TONES: Readonly<Record<CommitState, Tone>> = {
  'in-traffic': 'good',
  'on-its-way': 'busy',
  held: 'bad',
  broken: 'bad',
  superseded: 'quiet',
  'nothing-to-do': 'quiet',
};

/** The last commits that changed a spec: who, when, and how long each took to traffic. */
export function HistoryList({ spec }: { readonly spec: string }): JSX.Element {
  const { value, error } = useAnswer<SpecHistoryAnswer>(`api/v1/history?spec=${encodeURIComponent(spec)}`);
  if (value === undefined) return <p class="quiet">{error ?? 'Git is asked …'}</p>;
  return (
    <>
      <ol class="revisions">
        {value.revisions.map(({ revision, author, subject, committedAtMs, change, verdict }) => (
          <li key={revision}>
            <p>
              <code>{shortRevision(revision)}</code> {subject}
            </p>
            <p class="quiet">
              {author} · {change} {ago(nowMs.value - committedAtMs)}
              {verdict?.seconds !== undefined && ` · in traffic after ${duration(verdict.seconds)}`}
            </p>
            {verdict !== undefined && (
              <p>
                <StateIcon tone={COMMIT_TONES[verdict.state]} /> {sentence(verdict.says)}
              </p>
            )}
          </li>
        ))}
      </ol>
      {value.revisions.length === 0 && <p class="quiet">Git knows of no commit that changed it.</p>}
      {value.more && <p class="quiet">Older ones are in Git.</p>}
    </>
  );
}
