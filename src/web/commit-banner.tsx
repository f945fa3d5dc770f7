import type { JSX } from 'preact';
import type { LegName, NodeReport } from '../core/report/run-report.ts';
import type { OverviewHead } from '../http/overview.ts';
import { type LegCounts, type OpenState, summarise } from './commit-summary.ts';
import { StateIcon } from './icons.tsx';
import { AsOf } from './lost-bar.tsx';
import { go, nowMs, open, overview, sentence, sourcesAtMs } from './store.ts';
import { ago, count, duration, LEG_TITLES, shortRevision, stateWords, type Tone, toneOf } from './words.ts';

const LEGS = ['git', 'kubernetes', 'consul', 'traefik'] as const;
const TONES = ['good', 'busy', 'bad', 'unknown', 'quiet'] as const;

/** The commit in force, and how far it is: the first thing that people want to know. */
export function CommitBanner(): JSX.Element | null {
  const known = overview.value;
  if (known === undefined) return null;
  const { head, rows } = known;
  const [current] = head.revisions;
  const summary = summarise(rows, current?.seconds !== undefined);
  const { commit } = head;
  return (
    <section class={`commit ${summary.tone}`} aria-label="The commit in force">
      <div class="commit-text">
        <p class="commit-says">
          <StateIcon tone={summary.tone} />
          <strong>
            <AsOf />
            {summary.says}
          </strong>
        </p>
        <p class="commit-facts">
          <code>{head.revision === undefined ? 'no commit' : shortRevision(head.revision)}</code>
          {commit !== undefined && <span class="subject">{commit.subject}</span>}
          <span class="quiet">
            {[
              ...(commit === undefined ? [] : [commit.author, ago(nowMs.value - commit.committedAtMs)]),
              ...(current?.seconds === undefined ? [] : [`${duration(current.seconds)} from commit to traffic`]),
              ...lookedWords(head),
              ...(head.leader.consul ? [] : [`standby${head.leader.holder === undefined ? '' : ` of ${head.leader.holder}`}`]),
            ].join(' · ')}
          </span>
        </p>
        <p class="commit-open">
          {summary.open.map(({ state, rows }) => (
            <OpenServices key={state} state={state} rows={rows} />
          ))}
          <NodesOut nodes={head.nodes.filter(({ eligible }) => !eligible)} all={head.nodes.length} />
        </p>
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
    else if (state === 'held') go({ view: 'held', opened: undefined });
    else if (state === 'suspended') go({ view: 'services', state: 'all', search: state, opened: undefined });
    else go({ view: 'services', state: tone === 'busy' ? 'moving' : 'attention', search: '', opened: undefined });
  };
  return (
    <button type="button" class={`plain link state ${tone}`} onClick={show}>
      <StateIcon tone={tone} />
      {rows.length === 1 && only !== undefined ? `${only.key} ${stateWords(state)}` : `${rows.length} ${stateWords(state)}`}
    </button>
  );
}

/** Which nodes take no traffic, and why; with one click all of it. */
function NodesOut({ nodes, all }: { readonly nodes: readonly NodeReport[]; readonly all: number }): JSX.Element | null {
  const [only] = nodes;
  if (only === undefined) return null;
  const show = (): void => (nodes.length === 1 ? open({ kind: 'node', name: only.node }) : go({ view: 'nodes', opened: undefined }));
  const tone = nodes.every(({ draining }) => draining) ? 'busy' : 'bad';
  return (
    <button type="button" class={`plain link state ${tone}`} onClick={show}>
      <StateIcon tone={tone} />
      {nodes.length === 1
        ? `${only.node} takes no traffic. ${sentence(only.reason)}`
        : `${nodes.length} of ${count(all, 'node')} take no traffic`}
    </button>
  );
}

/** When Git was last looked at: whoever has just pushed sees whether that can be known yet. */
function lookedWords({ sources }: OverviewHead): readonly string[] {
  const git = sources.find(({ source }) => source === 'git');
  if (git?.ageMs === undefined) return [];
  return [`Git read ${ago(git.ageMs + nowMs.value - sourcesAtMs.value)}`];
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
