import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { OverviewRow } from '../http/overview.ts';
import { FilterBar } from './filter-bar.tsx';
import { StateIcon } from './icons.tsx';
import { writePageUrl } from './page-url.ts';
import { Pipeline } from './pipeline.tsx';
import { open, page, shownRows } from './store.ts';
import { visibleRange } from './visible-range.ts';
import { LEG_TITLES, stateWords, toneOf } from './words.ts';

const WIDE_ROW = 58;
const NARROW_ROW = 196;
const narrow = matchMedia('(max-width: 860px)');

/** The services, one row each; only those in sight are drawn. */
export function ServiceList(): JSX.Element {
  const rows = shownRows.value;
  const list = useRef<HTMLDivElement>(null);
  const rowHeight = narrow.matches ? NARROW_ROW : WIDE_ROW;
  const { from, to } = useRange(list, rows.length, rowHeight);
  return (
    <section aria-label="Services">
      <FilterBar />
      <div class="services" role="table" aria-label="Services and how far they are" aria-rowcount={rows.length + 1}>
        <div class="service head" role="row" aria-rowindex={1}>
          <div role="columnheader">Service</div>
          {Object.entries(LEG_TITLES).map(([leg, title]) => (
            <div key={leg} role="columnheader">
              {title}
            </div>
          ))}
        </div>
        <div class="service-rows" role="rowgroup" ref={list} style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(from, to).map((row, index) => (
            <ServiceRow key={row.key} row={row} index={from + index} top={(from + index) * rowHeight} />
          ))}
        </div>
      </div>
      {rows.length === 0 && <p class="empty">Nothing fits. Clear the search, or show all states.</p>}
      <p class="keys">
        <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> opens · <kbd>/</kbd> searches · <kbd>w</kbd> asks why · <kbd>Esc</kbd> closes
      </p>
    </section>
  );
}

function ServiceRow({ row, index, top }: { readonly row: OverviewRow; readonly index: number; readonly top: number }): JSX.Element {
  const { opened } = page.value;
  const isOpen = opened?.kind === 'row' && opened.name === row.key;
  const tone = toneOf(row.state);
  const slash = row.pool === undefined ? -1 : row.key.indexOf('/');
  const show = (event: Event): void => {
    event.preventDefault();
    open({ kind: 'row', name: row.key });
  };
  return (
    // Keyboard users have the link inside.
    <div
      class={`service ${isOpen ? 'open' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${top}px)` }}
      onClick={show}
    >
      <div role="cell" class="service-name">
        <a href={writePageUrl({ ...page.value, opened: { kind: 'row', name: row.key } })} data-row={row.key} onClick={show}>
          {row.key.slice(slash + 1)}
        </a>
        <span class="service-facts">
          {tone === 'good' ? (
            <span>{slash < 0 ? 'no pool' : row.key.slice(0, slash)}</span>
          ) : (
            <span class={`state ${tone}`}>
              <StateIcon tone={tone} /> {stateWords(row.state)}
              {row.note !== undefined && <span class="note">{row.note}</span>}
            </span>
          )}
        </span>
      </div>
      <Pipeline row={row} />
    </div>
  );
}

/** The rows in sight, kept up to date as the window scrolls. */
function useRange(
  list: { readonly current: HTMLElement | null },
  count: number,
  rowHeight: number,
): { readonly from: number; readonly to: number } {
  const [scrolled, setScrolled] = useState(0);
  const [, setNarrow] = useState(narrow.matches);
  useLayoutEffect(() => {
    const look = (): void => setScrolled(-(list.current?.getBoundingClientRect().top ?? 0));
    const width = (): void => setNarrow(narrow.matches);
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    narrow.addEventListener('change', width);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
      narrow.removeEventListener('change', width);
    };
  }, [list]);
  return visibleRange({ count, rowHeight, scrolled, height: innerHeight });
}
