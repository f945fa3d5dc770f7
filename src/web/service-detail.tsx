import type { ComponentChildren, JSX } from 'preact';
import type { Explanation } from '../core/report/explanation.ts';
import type { PoolPicture } from '../core/report/pool-picture.ts';
import type { PoolReport, SpecReport } from '../core/report/run-report.ts';
import type { SpecAnswer } from '../http/api-answers.ts';
import type { OverviewRow } from '../http/overview.ts';
import { BackendTable } from './backend-table.tsx';
import { HoldCards, ProblemCard } from './cards.tsx';
import { ResyncButton } from './filter-bar.tsx';
import { HistoryList } from './history-list.tsx';
import { StateIcon } from './icons.tsx';
import { AsOf } from './lost-bar.tsx';
import { PendingPlan } from './pending-plan.tsx';
import { Pipeline } from './pipeline.tsx';
import { RoutePictures } from './route-picture.tsx';
import { standingOf } from './standing.ts';
import { nowMs, overview, sentence } from './store.ts';
import { SuspendButton } from './suspend.tsx';
import { useAnswer } from './use-answer.ts';
import { Chain, Verdict } from './why-chain.tsx';
import { ago, count, shortAge, stateWords, toneOf } from './words.ts';

/** That a person has it left as it is, which nothing waits for. */
const SUSPENDED = /^suspended(?:: |$)/;

/** Everything about one service. */
export function ServiceDetail({ name }: { readonly name: string }): JSX.Element {
  const row = overview.value?.rows.find(({ key }) => key === name);
  const pool = useAnswer<PoolReport>(row?.pool && `api/v1/pools/${row.pool}`);
  const picture = useAnswer<PoolPicture>(row?.pool && `api/v1/pools/${row.pool}/picture`);
  const why = useAnswer<Explanation>(row?.pool && `api/v1/why?pool=${encodeURIComponent(row.pool)}`);
  const spec = useAnswer<SpecAnswer>(row && `api/v1/specs/${row.spec.split('/').map(encodeURIComponent).join('/')}`);
  if (row === undefined) {
    return (
      <Detail title={name} kind="Service">
        <p class="empty">The last run knows nothing of {name}. It may have left, or not have been committed yet.</p>
      </Detail>
    );
  }
  const tone = toneOf(row.state);
  const slash = row.key.lastIndexOf('/');
  return (
    <Detail title={row.key.slice(slash + 1)} kind={row.pool === undefined ? 'Spec' : `Service in ${row.key.slice(0, slash)}`}>
      <div class="detail-line">
        <span class={`state ${tone}`}>
          <StateIcon tone={tone} /> {stateWords(row.state)}
        </span>
        <span class="quiet">from</span> <code>{row.spec}</code>
        <ResyncButton spec={row.spec} />
        <SuspendButton spec={row.spec} />
      </div>
      {why.value !== undefined && <Verdict explanation={why.value} />}
      <div class="strip">
        <Pipeline row={row} titles />
      </div>
      <Servers row={row} />
      {spec.value !== undefined && <Findings spec={spec.value} />}
      {picture.value !== undefined && (
        <Section title="Route">
          <RoutePictures picture={picture.value} />
        </Section>
      )}
      {pool.value !== undefined && (
        <Section title="Nodes">
          <BackendTable pool={pool.value} row={row} addresses={picture.value?.addresses ?? {}} />
        </Section>
      )}
      {spec.value !== undefined && <Plan spec={spec.value} />}
      {picture.value !== undefined && <Objects picture={picture.value} />}
      <Section title="History">
        <HistoryList spec={row.spec} />
      </Section>
      {why.value !== undefined && (
        <Section title="From commit to traffic">
          <Chain explanation={why.value} />
        </Section>
      )}
    </Detail>
  );
}

/** Which nodes serve it, before all the rest. */
function Servers({ row }: { readonly row: OverviewRow }): JSX.Element | null {
  const nodes = overview.value?.head.nodes ?? [];
  if (row.pool === undefined || nodes.length === 0) return null;
  const standing = nodes.map(({ node }, place) => ({ node, stands: standingOf(row.nodes[place]) }));
  const serving = standing.filter(({ stands }) => stands.serves);
  const others = standing.filter(({ stands }) => !stands.serves);
  return (
    <p class="servers-line">
      <AsOf />
      <b>{serving.length === 0 ? 'No node serves it' : `Served by ${count(serving.length, 'node')}`}</b>
      {serving.length > 0 && serving.length <= MOST_NAMED && `: ${serving.map(({ node }) => node).join(', ')}`}
      {others.length > 0 &&
        ` · not by ${others.length <= MOST_NAMED ? others.map(({ node }) => node).join(', ') : others.length}, see below`}
    </p>
  );
}
const MOST_NAMED = 6;

interface DetailProps {
  readonly title: string;
  readonly kind: string;
  readonly children: ComponentChildren;
}

/** The frame of everything that opens beside the list. */
export const Detail = ({ title, kind, children }: DetailProps): JSX.Element => (
  <article class="detail">
    <p class="eyebrow">{kind}</p>
    <h2 tabIndex={-1} data-focus>
      {title}
    </h2>
    {children}
  </article>
);

/** A part of a detail. */
export const Section = ({ title, children }: Omit<DetailProps, 'kind'>): JSX.Element => (
  <section class="part">
    <h3>{title}</h3>
    {children}
  </section>
);

/** What is wrong with a spec, held back of it, or waited for. */
function Findings({ spec: { holds, problems, waiting } }: { readonly spec: SpecReport }): JSX.Element | null {
  const shown = problems.filter(({ severity }) => severity !== 'note');
  if (holds.length + shown.length + waiting.length === 0) return null;
  return (
    <div class="cards">
      <HoldCards holds={holds} />
      {shown.map((problem) => (
        <ProblemCard key={problem.message} problem={problem} />
      ))}
      {waiting.map(({ what, untilMs }) => (
        <div key={what} class="card busy">
          <p class="card-title">
            <StateIcon tone="busy" /> {SUSPENDED.test(what) ? `S${what.slice(1)}` : `Waits: ${what}`}
          </p>
          {untilMs !== undefined && <p>Looks again in {shortAge(untilMs - nowMs.value)}.</p>}
        </div>
      ))}
    </div>
  );
}

/** Why nothing is pending. */
function withoutChanges(state: SpecReport['state'], holds: number): string {
  if (state === 'broken') return 'Nothing can be planned until the file can be read.';
  if (state === 'suspended') return 'Nothing is planned until it is resumed.';
  if (holds > 0) return 'Nothing is done until what is held back above is released.';
  return state === 'in-step' ? 'Nothing to do: everything is as the spec says.' : 'Nothing to do now.';
}

/** What is to be done for a spec, and what the last run has done. */
function Plan({ spec: { changes = [], actions, state, holds } }: { readonly spec: SpecAnswer }): JSX.Element {
  return (
    <Section title="Plan">
      {changes.length === 0 ? <p class="quiet">{withoutChanges(state, holds.length)}</p> : <PendingPlan changes={changes} />}
      {actions.length > 0 && <LastRun actions={actions} />}
    </Section>
  );
}

const RESULTS = { planned: 'planned', done: 'done', failed: 'failed', held: 'held back' } as const;

const LastRun = ({ actions }: Pick<SpecReport, 'actions'>): JSX.Element => (
  <>
    <h4>The last run</h4>
    <ul class="actions">
      {actions.map(({ op, on, changes, result, problem }) => (
        <li key={`${op} ${on}`} class={result}>
          <span class="result">{RESULTS[result]}</span> <b>{op.replaceAll('-', ' ')}</b> {on}
          {changes.length > 0 && <code class="changes">{changes.join('\n')}</code>}
          {problem !== undefined && (
            <p>
              {sentence(problem.message)} {problem.remedy}
            </p>
          )}
        </li>
      ))}
    </ul>
  </>
);

const OBJECT_STATES = { 'in-cluster': ['good', 'in the cluster'], missing: ['bad', 'missing'], unknown: ['unknown', 'not known'] } as const;

function Objects({ picture: { objects } }: { readonly picture: PoolPicture }): JSX.Element | null {
  if (objects.length === 0) return null;
  return (
    <Section title="Objects">
      <ul class="objects">
        {objects.map(({ title, state, appliedAtMs, dropped }) => {
          const [tone, words] =
            dropped === true ? (['busy', 'no longer in the file, still in the cluster'] as const) : OBJECT_STATES[state];
          return (
            <li key={title}>
              <StateIcon tone={tone} />
              <span>{title}</span>
              <span class="quiet">{appliedAtMs === undefined ? words : `${words}, changed ${ago(nowMs.value - appliedAtMs)}`}</span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
