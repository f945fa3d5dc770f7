import type { JSX } from 'preact';
import type { OverviewRow } from '../http/overview.ts';
import { HoldCards, ProblemCard } from './cards.tsx';
import { StateIcon } from './icons.tsx';
import { open, overview, sentence } from './store.ts';
import { stateWords, toneOf } from './words.ts';

/** What is held back and why, what is wrong beside, and which sources do not answer. */
export function HeldView(): JSX.Element {
  const head = overview.value?.head;
  const { holds = [], problems = [], sources = [] } = head ?? {};
  const silent = sources.flatMap(({ source, kind, reason }) => (kind === 'complete' || reason === undefined ? [] : [{ source, reason }]));
  const broken = overview.value?.rows.filter(({ state }) => toneOf(state) === 'bad' && state !== 'held') ?? [];
  const errors = problems.filter(({ severity }) => severity !== 'note');
  const notes = problems.filter(({ severity }) => severity === 'note');
  return (
    <section aria-label="Held back">
      <h2>{holds.length === 0 ? 'Nothing is held back' : 'Held back'}</h2>
      <div class="cards grid">
        <HoldCards holds={holds} />
      </div>
      {broken.length > 0 && <h2>Services that need attention</h2>}
      <div class="cards grid">
        {broken.map((row) => (
          <RowCard key={row.key} row={row} />
        ))}
      </div>
      {silent.length > 0 && <h2>Sources that do not answer</h2>}
      <div class="cards grid">
        {silent.map(({ source, reason }) => (
          <ProblemCard key={source} problem={reason} />
        ))}
      </div>
      {errors.length > 0 && <h2>Problems</h2>}
      <div class="cards grid">
        {errors.map((problem) => (
          <ProblemCard key={`${problem.code} ${problem.message}`} problem={problem} />
        ))}
      </div>
      {notes.length > 0 && <h2>Notes</h2>}
      <div class="cards grid">
        {notes.map((problem) => (
          <ProblemCard
            key={`${problem.code} ${problem.message} ${problem.where?.file ?? ''}:${problem.where?.line ?? ''}`}
            problem={problem}
          />
        ))}
      </div>
    </section>
  );
}

const RowCard = ({ row: { key, state, note } }: { readonly row: OverviewRow }): JSX.Element => (
  <div class="card bad">
    <p class="card-title">
      <StateIcon tone="bad" />
      <button type="button" class="plain link" onClick={() => open({ kind: 'row', name: key })}>
        {key} {stateWords(state)}
      </button>
    </p>
    {note !== undefined && <p>{sentence(note)}</p>}
  </div>
);
