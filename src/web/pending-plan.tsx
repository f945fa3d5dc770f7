import type { JSX } from 'preact';
import type { DiffLine } from '../core/report/diff-line.ts';
import type { PlannedChange } from '../core/report/plan-diff.ts';
import { StateIcon } from './icons.tsx';
import { nowMs, sentence } from './store.ts';
import { LEG_TITLES, shortAge, type Tone } from './words.ts';

const STATES: Readonly<Record<PlannedChange['state'], readonly [Tone, string]>> = {
  planned: ['busy', 'next'],
  waiting: ['busy', 'waits'],
  held: ['bad', 'held back'],
  failed: ['bad', 'failed'],
};

/** More lines of one change are drawn only when they are asked for. */
const FIRST_LINES = 20;

/** What is still to be done for a spec, leg by leg: the next run does it, or it tells what stands in the way. */
export const PendingPlan = ({ changes }: { readonly changes: readonly PlannedChange[] }): JSX.Element => (
  <ul class="pending">
    {changes.map((change, index) => (
      // One thing may be changed more than once.
      <Change key={`${index} ${change.op} ${change.on}`} change={change} />
    ))}
  </ul>
);

function Change({
  change: { leg, op, on, why, lines, state, reason, remedy, code, untilMs },
}: {
  readonly change: PlannedChange;
}): JSX.Element {
  const [tone, words] = STATES[state];
  const shown = lines.slice(0, FIRST_LINES);
  return (
    <li class={state}>
      <p>
        <span class={`state ${tone}`}>
          <StateIcon tone={tone} /> {words}
        </span>{' '}
        {LEG_TITLES[leg]}: <b>{op.replaceAll('-', ' ')}</b> {on}
      </p>
      {reason !== undefined && (
        <p>
          {sentence(reason)} {remedy}
          {untilMs !== undefined && ` Looks again in ${shortAge(untilMs - nowMs.value)}.`}
          {code !== undefined && <span class="quiet"> {code}</span>}
        </p>
      )}
      {state === 'held' && lines.length > 0 && <p class="quiet">Nothing of this happens until it is released:</p>}
      {lines.length === 0 && why.length > 0 && <p class="quiet">{why.join(', ')}</p>}
      {lines.length > 0 && (
        <div class="diff" role="group" aria-label={`What changes of ${on}`}>
          {shown.map((line, index) => (
            <DiffRow key={`${index} ${line.what}`} line={line} held={state === 'held'} />
          ))}
        </div>
      )}
      {lines.length > shown.length && (
        <details>
          <summary>The other {lines.length - shown.length} lines</summary>
          <div class="diff">
            {lines.slice(FIRST_LINES).map((line, index) => (
              <DiffRow key={`${index} ${line.what}`} line={line} held={state === 'held'} />
            ))}
          </div>
        </details>
      )}
    </li>
  );
}

const SIGNS: Readonly<Record<DiffLine['op'], string>> = { add: '+', remove: '−', change: '~' };
const VERBS: Readonly<Record<DiffLine['op'], string>> = { add: 'added', remove: 'removed', change: 'changed' };

/** What is held back does not happen: it has no sign and no colour of something that goes. */
const DiffRow = ({ line: { what, op, before, after }, held }: { readonly line: DiffLine; readonly held: boolean }): JSX.Element => (
  <p class={held ? 'kept' : op}>
    <span aria-hidden="true">{held ? '·' : SIGNS[op]}</span>
    <span class="hidden">{held ? `would be ${VERBS[op]}` : VERBS[op]}</span> <b>{what}</b>{' '}
    {before !== undefined && <del>{valueText(before)}</del>}
    {before !== undefined && after !== undefined && ' → '}
    {after !== undefined && `${before === undefined && op === 'change' ? '→ ' : ''}${valueText(after)}`}
  </p>
);

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
