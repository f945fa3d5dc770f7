import type { JSX } from 'preact';
import type { Happening, OverviewRevision } from '../http/overview.ts';
import { StateIcon } from './icons.tsx';
import { nowMs, open, overview } from './store.ts';
import { VerdictLine } from './verdict-line.tsx';
import { ago, duration, shortAge, shortRevision } from './words.ts';

/** The commits that were in force and how long they took, and what has happened. */
export function ActivityView(): JSX.Element {
  const { head, happenings = [] } = overview.value ?? {};
  return (
    <div class="columns">
      <section aria-label="Happenings">
        <h2>What has happened</h2>
        {happenings.length === 0 && <p class="quiet">Nothing since the daemon was started.</p>}
        <ol class="happenings">
          {happenings.map((one) => (
            <HappeningItem key={one.id} happening={one} />
          ))}
        </ol>
      </section>
      <section aria-label="Commits">
        <h2>Commits</h2>
        <ol class="revisions">
          {(head?.revisions ?? []).map((one) => (
            <RevisionItem key={`${one.revision} ${one.seenAtMs}`} revision={one} />
          ))}
        </ol>
      </section>
    </div>
  );
}

const HappeningItem = ({ happening: { about, text, tone, atMs, row } }: { readonly happening: Happening }): JSX.Element => (
  <li class={tone}>
    <StateIcon tone={tone} />
    <span class="about">{about}</span>
    {row === undefined ? (
      <span>{text}</span>
    ) : (
      <button type="button" class="plain link" onClick={() => open({ kind: 'row', name: row })}>
        {text}
      </button>
    )}
    <time class="quiet" dateTime={new Date(atMs).toISOString()} title={new Date(atMs).toLocaleString()}>
      {shortAge(nowMs.value - atMs)}
    </time>
  </li>
);

const RevisionItem = ({
  revision: { revision, commit, seenAtMs, seconds, verdict },
}: {
  readonly revision: OverviewRevision;
}): JSX.Element => (
  <li>
    <p>
      <code>{shortRevision(revision)}</code> {commit?.subject}
    </p>
    <p class="quiet">
      {[
        ...(commit === undefined ? [] : [commit.author]),
        `seen ${ago(nowMs.value - seenAtMs)}`,
        seconds === undefined ? 'not timed' : `in traffic after ${duration(seconds)}`,
      ].join(' · ')}
    </p>
    <VerdictLine verdict={verdict} />
  </li>
);
