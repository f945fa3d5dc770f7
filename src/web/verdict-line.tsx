import type { JSX } from 'preact';
import type { CommitState, CommitVerdict } from '../core/report/commit-verdict.ts';
import { StateIcon } from './icons.tsx';
import { sentence } from './store.ts';
import type { Tone } from './words.ts';

/** How a commit stands, as a tone. */
const TONES: Readonly<Record<CommitState, Tone>> = {
  'in-traffic': 'good',
  'on-its-way': 'busy',
  held: 'bad',
  broken: 'bad',
  superseded: 'quiet',
  'nothing-to-do': 'quiet',
};

/** What has become of a commit; nothing where nobody knows. */
export const VerdictLine = ({ verdict }: { readonly verdict: CommitVerdict | undefined }): JSX.Element | null =>
  verdict === undefined ? null : (
    <p>
      <StateIcon tone={TONES[verdict.state]} /> {sentence(verdict.says)}
    </p>
  );
