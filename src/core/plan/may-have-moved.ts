import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { byBytes, objectTitle } from '../model/ids.ts';
import type { LiveObject } from '../model/objects.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { PlanContext } from './context.ts';

/**
 * Why an object that its file has dropped must stay: it may have moved into a file that is broken. A broken file tells nothing but
 * its text, and whatever has moved into it has its name there; so one that names the object keeps it, and so does one whose text
 * nobody could read. The names of most objects stand in no other file, so that a file which is broken for long holds up little.
 */
export function whyMayHaveMoved(live: LiveObject, context: PlanContext): Problem | undefined {
  const set = snapshotValue(context.world.specs);
  if (set === undefined || set.broken.size === 0) return undefined;
  const file = [...set.broken.keys()].sort(byBytes).find((id) => set.brokenTexts?.get(id)?.mentions(live.name) ?? true);
  if (file === undefined) return undefined;
  return problem('BROKEN_SPEC_MAY_OWN', `${objectTitle(live.key)} stays: it may have moved into ${file}, which is broken`);
}
