import { SETTINGS } from '../model/marks.ts';
import type { Finding } from '../spec/finding.ts';
import { listParts, parseTag } from '../tags/annotation-tags.ts';
import type { PlacedObject } from './placed-object.ts';
import type { Unplaced } from './v3-tag-faults.ts';

const BASE = ['metadata', 'annotations'] as const;

/**
 * Points a finding at the tag of that key, wherever it is written: at its key, its value, or what `skip` leads to in the value. At the
 * annotations, or the object, when it is written nowhere.
 */
export function placeTag(finding: Unplaced, key: string | undefined, { annotations }: PlacedObject): Finding {
  if (Object.keys(annotations).length === 0) return { ...finding, path: [] };
  if (key === undefined) return { ...finding, path: BASE, at: 'key' };
  const value = annotations[key];
  if (value !== undefined) return { ...finding, path: [...BASE, key], ...(finding.skip === undefined ? {} : { inside: value }) };
  return placeInLists(finding, key, annotations) ?? { ...finding, path: BASE, at: 'key' };
}

/** One of the lines of `poolkeeper.dev/tags`, or of the parts of another list of tags. */
function placeInLists(finding: Unplaced, key: string, annotations: PlacedObject['annotations']): Finding | undefined {
  const { at, ...rest } = finding;
  for (const [annotation, text] of Object.entries(annotations)) {
    const isLines = annotation === SETTINGS.tags;
    if (!isLines && annotation.split('.', 1)[0] !== 'tags') continue;
    const parts = isLines ? text.split('\n').map((line) => line.trim()) : listParts(text);
    const inside = parts.find((part) => parseTag(part).key === key);
    if (inside === undefined) continue;
    const skip = at === 'key' ? 0 : Math.min(inside.length, key.length + 1) + (finding.skip ?? 0);
    return { ...rest, path: [...BASE, annotation], inside, skip };
  }
  return undefined;
}
