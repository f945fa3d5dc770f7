import type { OverviewAnswer, OverviewChange, OverviewRow } from '../http/overview.ts';

const KEPT_HAPPENINGS = 200;

/** The overview after a change; undefined when the change is from another state than this, so that all has to be read again. */
export function applyChange(overview: OverviewAnswer, change: OverviewChange): OverviewAnswer | undefined {
  if (change.head.id === overview.head.id) return overview;
  if (change.from !== overview.head.id) return undefined;
  const happenings = [...change.happenings, ...overview.happenings].slice(0, KEPT_HAPPENINGS);
  return { ...overview, head: change.head, rows: withChanges(overview.rows, change), happenings };
}

function withChanges(rows: readonly OverviewRow[], change: Pick<OverviewChange, 'rows' | 'gone'>): readonly OverviewRow[] {
  if (change.rows.length === 0 && change.gone.length === 0) return rows;
  const changed = new Map(change.rows.map((row) => [row.key, row]));
  const gone = new Set(change.gone);
  const kept = rows.flatMap((row) => (gone.has(row.key) ? [] : [changed.get(row.key) ?? row]));
  const known = new Set(rows.map(({ key }) => key));
  const fresh = change.rows.filter(({ key }) => !known.has(key));
  return fresh.length === 0 ? kept : [...kept, ...fresh].sort((a, b) => (a.key < b.key ? -1 : 1));
}
