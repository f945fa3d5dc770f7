import type { Problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import type { Spec } from '../model/objects.ts';
import type { Claims } from './claims.ts';
import type { SuspendedSpecs } from './suspensions.ts';

/** Where a spec file stands: decoded, broken, suspended by a person, set aside for another spec's sake, or no longer there. */
export type SpecStanding = 'decoded' | 'broken' | 'suspended' | 'set-aside' | 'gone';

/** Where one spec stands. That its file is broken comes first: then nobody can tell what it asks for. */
export function standingOf(
  id: SpecId,
  known: Pick<Claims, 'setAside'> & {
    readonly specs: ReadonlyMap<SpecId, Spec>;
    readonly broken: readonly Problem[] | undefined;
    readonly suspended: SuspendedSpecs;
  },
): SpecStanding {
  if (known.broken !== undefined) return 'broken';
  if (known.suspended.has(id)) return 'suspended';
  if (known.setAside.has(id)) return 'set-aside';
  return known.specs.has(id) ? 'decoded' : 'gone';
}
