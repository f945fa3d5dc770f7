import type { OverviewRow } from '../http/overview.ts';
import type { StateFilter } from './page-url.ts';
import { toneOf } from './words.ts';

/** Whether a row is to be shown under a filter. */
function fits({ state }: OverviewRow, filter: StateFilter): boolean {
  const tone = toneOf(state);
  switch (filter) {
    case 'all':
      return true;
    case 'attention':
      return tone === 'bad' || tone === 'unknown';
    case 'moving':
      return tone === 'busy';
    case 'in-step':
      return tone === 'good';
  }
}

/** The rows that fit a filter and hold every word of the search in their name, file, Consul service, state or note. */
export function filterRows(
  rows: readonly OverviewRow[],
  { search, state }: { readonly search: string; readonly state: StateFilter },
): readonly OverviewRow[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return rows.filter((row) => {
    if (!fits(row, state)) return false;
    const text = `${row.key} ${row.spec} ${row.service ?? ''} ${row.nodePort ?? ''} ${row.state} ${row.note ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** How many rows fit each filter. */
export const countStates = (rows: readonly OverviewRow[]): Readonly<Record<StateFilter, number>> => ({
  all: rows.length,
  attention: rows.filter((row) => fits(row, 'attention')).length,
  moving: rows.filter((row) => fits(row, 'moving')).length,
  'in-step': rows.filter((row) => fits(row, 'in-step')).length,
});
