import type { OverviewRow } from '../http/overview.ts';
import type { StateFilter } from './page-url.ts';
import { standingOf } from './standing.ts';
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

/** What the words of a search may speak of beside the rows. */
export interface Searched {
  readonly nodes: readonly { readonly node: string }[];
}

/**
 * The rows that fit a filter and hold every word of the search: in their name, file, Consul service, hosts, state or note, as the name
 * of a node that serves them, or as the commit that last changed them.
 */
export function filterRows(
  rows: readonly OverviewRow[],
  { search, state }: { readonly search: string; readonly state: StateFilter },
  { nodes }: Searched = { nodes: [] },
): readonly OverviewRow[] {
  const words = searchWords(search).map((word) => ({ word, place: nodes.findIndex(({ node }) => isNamed(node, word)) }));
  return rows.filter((row) => {
    if (!fits(row, state)) return false;
    const { key, spec, service = '', hosts = '', nodePort = '', note = '' } = row;
    const text = `${key} ${spec} ${service} ${hosts} ${nodePort} ${row.state} ${note}`.toLowerCase();
    return words.every(
      ({ word, place }) => text.includes(word) || standingOf(row.nodes[place]).serves || isCommit(row.legs.git.text, word),
    );
  });
}

/** The nodes that hold a word of the search in their names. */
export function findNodes<T extends { readonly node: string }>(nodes: readonly T[], search: string): readonly T[] {
  const words = searchWords(search);
  return nodes.filter(({ node }) => words.some((word) => node.toLowerCase().includes(word)));
}

const searchWords = (search: string): readonly string[] =>
  search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');

/** Only a whole name counts, or what stands before its domain: who looks for `web` wants no service for its node `web-1`. */
function isNamed(node: string, word: string): boolean {
  const name = node.toLowerCase();
  return name === word || name.split('.', 1)[0] === word;
}

/** Whether a word is an id of a commit, of which only the beginning is known. */
const isCommit = (known: string | undefined, word: string): boolean =>
  known !== undefined && /^[0-9a-f]{7}$/.test(known) && /^[0-9a-f]{4,64}$/.test(word) && (known.startsWith(word) || word.startsWith(known));

/** How many rows fit each filter. */
export const countStates = (rows: readonly OverviewRow[]): Readonly<Record<StateFilter, number>> => ({
  all: rows.length,
  attention: rows.filter((row) => fits(row, 'attention')).length,
  moving: rows.filter((row) => fits(row, 'moving')).length,
  'in-step': rows.filter((row) => fits(row, 'in-step')).length,
});
