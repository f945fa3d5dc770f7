import { kindOf, NAMESPACE_KIND, objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { LiveObject } from '../model/objects.ts';

/**
 * Why a live object of ours is never deleted, whatever leaves Git; undefined for the others. Namespaces: what strangers keep in
 * them would go with them. The annotation is read from the live object: when its file is gone, nothing else tells of it.
 */
export function whyItStays(live: LiveObject): string | undefined {
  if (kindOf(live.key) === NAMESPACE_KIND) return `${objectTitle(live.key)} stays: namespaces are never deleted`;
  if (live.annotations[SETTINGS.prune]?.trim() === 'false')
    return `${objectTitle(live.key)} stays: its annotation ${SETTINGS.prune} says "false"`;
  return undefined;
}
