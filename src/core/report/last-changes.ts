import type { SpecId } from '../model/ids.ts';
import type { SpecSet } from '../model/spec-set.ts';
import type { SpecChange } from './run-report.ts';

/** The commit that last changed each spec, as far back as Git has told. Pure. */
export function lastChanges(set: Pick<SpecSet, 'recent'> | undefined): ReadonlyMap<SpecId, SpecChange> {
  const last = new Map<SpecId, SpecChange>();
  for (const { revision, committedAtMs, changes } of set?.recent ?? []) {
    for (const { id } of changes) if (!last.has(id)) last.set(id, { revision, committedAtMs });
  }
  return last;
}
