import type { JSX } from 'preact';
import type { Explanation, LinkState, Verdict as VerdictName } from '../core/report/explanation.ts';
import { StateIcon } from './icons.tsx';
import { AsOf } from './lost-bar.tsx';
import { sentence } from './store.ts';
import { shortAge, type Tone } from './words.ts';

const VERDICTS: Readonly<Record<VerdictName, Tone>> = { 'in-traffic': 'good', degraded: 'busy', out: 'bad', unknown: 'unknown' };
const LINKS: Readonly<Record<LinkState, readonly [Tone, string]>> = {
  ok: ['good', 'in order'],
  waiting: ['busy', 'waits'],
  broken: ['bad', 'broken'],
  unknown: ['unknown', 'not known'],
  'not-watched': ['quiet', 'not watched'],
};

/** The answer in one sentence and, where something stands in the way, what and what to do. */
export const Verdict = ({ explanation: { verdict, says, cause } }: { readonly explanation: Explanation }): JSX.Element => (
  <div class={`verdict ${VERDICTS[verdict]}`}>
    <p class="card-title">
      <StateIcon tone={VERDICTS[verdict]} /> <AsOf />
      {sentence(says)}
    </p>
    {cause !== undefined && !says.includes(cause.says) && <p>{sentence(cause.says)}</p>}
    {cause?.remedy !== undefined && (
      <p class="remedy">
        <b>What to do:</b> {cause.remedy}
      </p>
    )}
  </div>
);

/** The way from the commit to the last probe, link by link. */
export const Chain = ({ explanation: { links } }: { readonly explanation: Explanation }): JSX.Element => (
  <ol class="chain">
    {links.map(({ link, state, says, facts, remedy, ageMs }, index) => {
      const [tone, words] = LINKS[state];
      return (
        // Links come in a fixed order, some of them twice.
        <li key={`${index} ${link}`} class={tone}>
          <StateIcon tone={tone} />
          <div>
            <p>
              <b>{link.replaceAll('-', ' ')}</b> <span class="hidden">({words})</span> {sentence(says)}
            </p>
            {facts.length > 0 && <p class="quiet facts">{facts.join(' · ')}</p>}
            {remedy !== undefined && <p class="remedy">{remedy}</p>}
          </div>
          <span class="quiet age">{ageMs === undefined ? '' : shortAge(ageMs)}</span>
        </li>
      );
    })}
  </ol>
);
