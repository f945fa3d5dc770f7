import type { JSX } from 'preact';
import type { Hold } from '../core/model/action.ts';
import type { Problem } from '../shared/problem.ts';
import { StateIcon } from './icons.tsx';
import { sentence } from './words.ts';

/** Something that is held back, why, and what releases it. */
export const HoldCard = ({ hold: { what, reason, spec } }: { readonly hold: Hold }): JSX.Element => (
  <div class="card bad">
    <p class="card-title">
      <StateIcon tone="bad" /> Held back: {what}
    </p>
    <p>{sentence(reason.message)}</p>
    <p class="remedy">
      <b>Released by:</b> {reason.remedy}
    </p>
    <p class="quiet">
      <code>{spec}</code> · {reason.code}
    </p>
  </div>
);

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
