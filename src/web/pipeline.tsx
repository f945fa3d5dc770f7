import type { JSX } from 'preact';
import { Fragment } from 'preact';
import type { LegName } from '../core/report/run-report.ts';
import type { OverviewLeg, OverviewRow } from '../http/overview.ts';
import { Glyph, StateIcon } from './icons.tsx';
import { nowMs, overview } from './store.ts';
import { LEG_TITLES, shortAge, shortRevision, stateWords, toneOf } from './words.ts';

const LEGS = ['git', 'kubernetes', 'consul', 'traefik'] as const;

/** How far a service is, leg by leg. */
export const Pipeline = ({ row, titles }: { readonly row: OverviewRow; readonly titles?: boolean }): JSX.Element => (
  <>
    {LEGS.map((leg, index) => (
      <Fragment key={leg}>
        {titles === true && index > 0 && <Glyph name="arrow" />}
        <LegCell leg={leg} {...row.legs[leg]} titles={titles === true} />
      </Fragment>
    ))}
  </>
);

/** The commit that all speak of. */
function inForce(): string {
  const revision = overview.value?.head.revision;
  return revision === undefined ? 'never read' : shortRevision(revision);
}

interface LegCellProps extends OverviewLeg {
  readonly leg: LegName;
  readonly titles: boolean;
}

function LegCell({ leg, state, sinceMs, text = inForce(), titles }: LegCellProps): JSX.Element {
  const tone = toneOf(state);
  const words = stateWords(state);
  return (
    <div class={`leg ${tone}`} role={titles ? undefined : 'cell'} title={`${LEG_TITLES[leg]}: ${words}, ${text}`}>
      <StateIcon tone={tone} />
      <span class="leg-text">
        <span class={titles ? 'leg-title' : 'leg-title small-only'}>{LEG_TITLES[leg]}</span>
        <span class="leg-says">{text}</span>
        <span class="leg-age">
          {text === words ? '' : `${words} · `}
          {shortAge(nowMs.value - sinceMs)}
        </span>
      </span>
    </div>
  );
}
