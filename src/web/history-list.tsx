import type { JSX } from 'preact';
import type { SpecHistoryAnswer } from '../core/report/commit-verdict.ts';
import { nowMs } from './store.ts';
import { useAnswer } from './use-answer.ts';
import { VerdictLine } from './verdict-line.tsx';
import { ago, duration, shortRevision } from './words.ts';

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
            <VerdictLine verdict={verdict} />
          </li>
        ))}
      </ol>
      {value.revisions.length === 0 && <p class="quiet">Git knows of no commit that changed it.</p>}
      {value.more && <p class="quiet">Older ones are in Git.</p>}
    </>
  );
}
