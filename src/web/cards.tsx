import type { JSX } from 'preact';
import type { Hold } from '../core/model/action.ts';
import type { SpecId } from '../core/model/ids.ts';
import type { Problem } from '../shared/problem.ts';
import { confirm } from './confirm.tsx';
import { groupBy } from './group-by.ts';
import { StateIcon } from './icons.tsx';
import { mayWrite, open, overview, sentence } from './store.ts';
import { count } from './words.ts';

/** What is held back, one card for each reason: why, what of which file, and what releases it. */
export const HoldCards = ({ holds }: { readonly holds: readonly Hold[] }): readonly JSX.Element[] =>
  [...groupBy(holds, ({ reason }) => `${reason.code} ${reason.message}`)].map(([key, group]) => <HoldCard key={key} holds={group} />);

function HoldCard({ holds }: { readonly holds: readonly [Hold, ...Hold[]] }): JSX.Element {
  const [{ what, reason }] = holds;
  return (
    <div class="card bad">
      <p class="card-title">
        <StateIcon tone="bad" /> Held back: {holds.length === 1 ? what : count(holds.length, 'removal')}
      </p>
      <p>{sentence(reason.message)} Until then everything serves as before.</p>
      <p class="remedy">
        <b>Released by:</b> {reason.remedy}
      </p>
      <ul class="held-parts">
        {[...groupBy(holds, ({ spec }) => spec)].map(([spec, parts]) => (
          <li key={spec}>
            <SpecLink spec={spec} />
            {holds.length > 1 && <span class="quiet"> {parts.map((part) => part.what).join(', ')}</span>}
          </li>
        ))}
      </ul>
      {RELEASABLE.has(reason.code) && <Release />}
      <p class="quiet">{reason.code}</p>
    </div>
  );
}

/** What is held for being too much at once: a person may say that it is meant. */
const RELEASABLE: ReadonlySet<string> = new Set(['REMOVAL_LIMIT', 'REMOVAL_ALL', 'SOURCE_CHANGED', 'SPECS_VANISHED']);

function Release(): JSX.Element | null {
  const held = overview.value?.head.held;
  if (held === undefined) return null;
  const what = [...(held.pools > 0 ? [count(held.pools, 'pool')] : []), ...(held.objects > 0 ? [count(held.objects, 'object')] : [])];
  const ask = (): void =>
    confirm({
      title: 'Release this hold?',
      says: `${what.join(' and ')} will be removed, and what they serve goes out of traffic. Should something else be held by then, nothing happens.`,
      yes: `Remove ${what.join(' and ')}`,
      path: 'api/v1/approvals',
      body: { hold: held.id },
      done: 'The hold is released.',
    });
  return (
    <p>
      <button type="button" class="button" onClick={ask}>
        {mayWrite.value ? 'Release this hold' : 'Sign in to release this hold'}
      </button>
    </p>
  );
}

/** The file; with one click all about what it makes. */
function SpecLink({ spec }: { readonly spec: SpecId }): JSX.Element {
  const row = overview.value?.rows.find((one) => one.spec === spec);
  if (row === undefined) return <code>{spec}</code>;
  return (
    <button type="button" class="plain link" onClick={() => open({ kind: 'row', name: row.key })}>
      <code>{spec}</code>
    </button>
  );
}

/** Something that is wrong, where, and what to do. */
export function ProblemCard({ problem: { message, remedy, where, severity, code } }: { readonly problem: Problem }): JSX.Element {
  const tone = severity === 'error' ? 'bad' : severity === 'warning' ? 'busy' : 'quiet';
  return (
    <div class={`card ${tone}`}>
      <p class="card-title">
        <StateIcon tone={tone} /> {sentence(message)}
      </p>
      <p class="remedy">
        <b>What to do:</b> {remedy}
      </p>
      <p class="quiet">
        {where !== undefined && (
          <>
            <code>{`${where.file}:${where.line}:${where.column}`}</code> ·{' '}
          </>
        )}
        {code}
      </p>
    </div>
  );
}
