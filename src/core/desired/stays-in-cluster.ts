import type { GroupKind } from '../model/ids.ts';
import { groupKind, kindOf, NAMESPACE_KIND, objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { LiveObject } from '../model/objects.ts';

/** Deleting one takes what others may have made: with a definition go all objects of its kind. */
const DEFINITION_KIND = groupKind('apiextensions.k8s.io', 'CustomResourceDefinition');

/** Deleting one takes data that no commit brings back. */
const HOLD_DATA: ReadonlySet<GroupKind> = new Set([groupKind('', 'PersistentVolumeClaim'), groupKind('', 'PersistentVolume')]);

/**
 * Why a live object of ours is not deleted although it has left Git; undefined for the others. Definitions of kinds, volumes and
 * their claims go only when they say so themselves. The annotation is read from the live object: when its file is gone, nothing
 * else tells of it.
 */
export function whyItStays(live: LiveObject): string | undefined {
  const holdsData = HOLD_DATA.has(kindOf(live.key)) && pruneOf(live) !== 'true';
  return whyNeverDeleted(live) ?? (holdsData ? stays(live, `its data would go with it, ${UNLESS}`) : undefined);
}

/** Why a live object of ours is not deleted either when it is to be created again at once. */
export function whyNeverDeleted(live: LiveObject): string | undefined {
  const kind = kindOf(live.key);
  // What strangers keep in it would go with it.
  if (kind === NAMESPACE_KIND) return stays(live, 'namespaces are never deleted');
  if (pruneOf(live) === 'false') return stays(live, `its annotation ${SETTINGS.prune} says "false"`);
  if (kind === DEFINITION_KIND && pruneOf(live) !== 'true') return stays(live, `all objects of its kind would go with it, ${UNLESS}`);
  return undefined;
}

const UNLESS = `and its annotation ${SETTINGS.prune} does not say "true"`;

const stays = ({ key }: LiveObject, why: string): string => `${objectTitle(key)} stays: ${why}`;

const pruneOf = ({ annotations }: LiveObject): string | undefined => annotations[SETTINGS.prune]?.trim();
