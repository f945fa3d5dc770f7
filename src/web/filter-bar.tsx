import type { JSX } from 'preact';
import { change } from './api.ts';
import { countStates, findNodes } from './filter-rows.ts';
import { Glyph } from './icons.tsx';
import { STATE_FILTERS, type StateFilter } from './page-url.ts';
import { go, mayWrite, open, overview, page, shownRows, signingIn } from './store.ts';
import { count } from './words.ts';

const TITLES: Readonly<Record<StateFilter, string>> = {
  all: 'All',
  attention: 'Needs attention',
  moving: 'On their way',
  'in-step': 'In step',
};

/** Search, filters by state, and the request to compare everything anew. */
export function FilterBar(): JSX.Element {
  const rows = overview.value?.rows ?? [];
  const counts = countStates(rows);
  const { search, state } = page.value;
  return (
    <div class="filters">
      <label class="search">
        <span class="hidden">Search services</span>
        <Glyph name="search" />
        <input
          id="search"
          type="search"
          placeholder="Search service, host, node, commit …"
          autocomplete="off"
          spellcheck={false}
          value={search}
          onInput={(event) => go({ search: event.currentTarget.value }, 'replace')}
        />
        <kbd>/</kbd>
      </label>
      <fieldset class="chips">
        <legend class="hidden">Show services by state</legend>
        {STATE_FILTERS.map((filter) => (
          <button
            key={filter}
            type="button"
            class={`chip ${filter}`}
            aria-pressed={state === filter}
            onClick={() => go({ state: filter }, 'replace')}
          >
            {TITLES[filter]} <span class="number">{counts[filter]}</span>
          </button>
        ))}
      </fieldset>
      <span class="hidden" role="status">
        {count(shownRows.value.length, 'service')} shown
      </span>
      <ResyncButton />
      <NodeHits />
    </div>
  );
}

const MOST_HITS = 6;

/** The nodes that the search names; with one click all about them. */
function NodeHits(): JSX.Element | null {
  const hits = findNodes(overview.value?.head.nodes ?? [], page.value.search);
  if (hits.length === 0) return null;
  return (
    <p class="node-hits">
      {count(hits.length, 'node')}:
      {hits.slice(0, MOST_HITS).map(({ node }) => (
        <button key={node} type="button" class="plain link" onClick={() => open({ kind: 'node', name: node })}>
          {node}
        </button>
      ))}
      {hits.length > MOST_HITS && '…'}
    </p>
  );
}

/** Asks the daemon to compare one spec, or everything, anew. */
export function ResyncButton({ spec }: { readonly spec?: string }): JSX.Element {
  const ask = (): void => {
    if (!mayWrite.value) signingIn.value = true;
    else
      void change(
        'api/v1/resync',
        spec === undefined ? 'Everything is compared anew.' : `${spec} is compared anew.`,
        spec === undefined ? {} : { body: { spec } },
      );
  };
  return (
    <button type="button" class="button" onClick={ask}>
      <Glyph name="resync" />
      {mayWrite.value ? 'Resync' : 'Sign in to resync'}
    </button>
  );
}
