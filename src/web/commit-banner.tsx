import type { JSX } from 'preact';
import type { LegName } from '../core/report/run-report.ts';
import { type LegCounts, type OpenState, summarise } from './commit-summary.ts';
import { StateIcon } from './icons.tsx';
import { go, nowMs, open, overview } from './store.ts';
import { duration, LEG_TITLES, shortAge, shortRevision, stateWords, type Tone, toneOf } from './words.ts';

const LEGS = ['git', 'kubernetes', 'consul', 'traefik'] as const;
const TONES = ['good', 'busy', 'bad', 'unknown', 'quiet'] as const;

/** The commit in force, and how far it is: the first thing that people want to know. */
export function CommitBanner(): JSX.Element | null {
  const known = overview.value;
  if (known === undefined) return null;
  const { head, rows } = known;
  const summary = summarise(rows);
  const [current] = head.revisions;
  const { commit } = head;
  return (
    <section class={`commit ${summary.tone}`} aria-label="The commit in force">
      <div class="commit-text">
        <p class="commit-says">
          <StateIcon tone={summary.tone} />
          <strong>{summary.says}</strong>
        </p>
        <p class="commit-facts">
          <code>{head.revision === undefined ? 'no commit' : shortRevision(head.revision)}</code>
          {commit !== undefined && <span class="subject">{commit.subject}</span>}
          <span class="quiet">
            {[
              ...(commit === undefined ? [] : [commit.author, `${shortAge(nowMs.value - commit.committedAtMs)} ago`]),
              ...(current?.seconds === undefined ? [] : [`${duration(current.seconds)} from commit to traffic`]),
              ...(head.leader.consul ? [] : [`standby${head.leader.holder === undefined ? '' : ` of ${head.leader.holder}`}`]),
            ].join(' · ')}
          </span>
        </p>
        {summary.open.length > 0 && (
          <p class="commit-open">
            {summary.open.map(({ state, rows }) => (
              <OpenServices key={state} state={state} rows={rows} />
            ))}
          </p>
        )}
      </div>
      <ol class="legs-summary">
        {LEGS.map((leg) => (
          <LegBar key={leg} leg={leg} counts={summary.legs[leg]} total={rows.length} />
        ))}
      </ol>
    </section>
  );
}

/** How many services are in a state; with one click which they are. */
function OpenServices({ state, rows }: OpenState): JSX.Element {
  const tone = toneOf(state);
  const [only] = rows;
  const show = (): void => {
    if (rows.length === 1 && only !== undefined) open({ kind: 'row', name: only.key });
    else go({ view: 'services', state: tone === 'busy' ? 'moving' : 'attention', search: '', opened: undefined });
  };
  return (
    <button type="button" class={`plain link state ${tone}`} onClick={show}>
      <StateIcon tone={tone} />
      {rows.length === 1 && only !== undefined ? `${only.key} ${stateWords(state)}` : `${rows.length} ${stateWords(state)}`}
    </button>
  );
}

function LegBar({ leg, counts, total }: { readonly leg: LegName; readonly counts: LegCounts; readonly total: number }): JSX.Element {
  const unwatched = total > 0 && counts.quiet === total;
  return (
    <li>
      <span class="leg-name">{LEG_TITLES[leg]}</span>
      <span class="leg-count">{unwatched ? 'not watched' : `${counts.good + counts.quiet} / ${total}`}</span>
      <span class="bar" aria-hidden="true">
        {TONES.filter((tone: Tone) => counts[tone] > 0).map((tone) => (
          <span key={tone} class={tone} style={{ flexGrow: counts[tone] }} />
        ))}
      </span>
    </li>
  );
}
