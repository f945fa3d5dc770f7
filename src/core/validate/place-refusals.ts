import type { Problem } from '../../shared/problem.ts';
import { objectTitle } from '../model/ids.ts';
import type { SpecFile } from '../model/spec-set.ts';
import { type DecodeOptions, readObjects } from '../spec/decode-spec.ts';
import type { Path } from '../spec/places.ts';
import type { Refusal } from './not-yet-told.ts';
import { placeObject } from './placed-object.ts';

/** `field: what is wrong with it`, as API servers begin what they say of a field. */
const FIELD = /^\.?([a-z][\w-]*(?:\.[\w-]+|\[[^\]]*\])+): /i;

/**
 * The refusals as problems with their places: each field that an API server names is one of its own, at the place of the field or of the
 * nearest thing around it that the file has; what names no field is told at the object, and at the top of the file when it names no object.
 */
export function placeRefusals(
  refusals: readonly Refusal[],
  files: ReadonlyMap<string, SpecFile>,
  decode: DecodeOptions,
): readonly Problem[] {
  return refusals.flatMap((refusal) => {
    const file = files.get(refusal.file);
    return file === undefined ? [refusal.problem] : placeIn(file, refusal, decode);
  });
}

function placeIn(file: SpecFile, { problem }: Refusal, decode: DecodeOptions): readonly Problem[] {
  const read = readObjects(file, decode);
  const top = { ...problem, where: { file: file.id, line: 1, column: 1, path: '' } };
  if (read.kind === 'unreadable') return [top];
  const titled = read.objects.map((object) => ({ object, title: `${objectTitle(object.object.key)}: ` }));
  const found = titled.find(({ title }) => problem.message.startsWith(title));
  if (found === undefined) return [top];
  const { problemOf } = placeObject(file.id, read.source, found.object);
  return partsOf(problem.message.slice(found.title.length)).map((part): Problem => {
    const [, field = ''] = FIELD.exec(part) ?? [];
    const { where } = problemOf({ code: problem.code, path: pathOf(field), message: part });
    return { ...problem, message: found.title + part, ...(where === undefined ? {} : { where }) };
  });
}

/** One text for each field; what follows a semicolon without naming one goes on with the text before it. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  for (const part of text.split('; ')) {
    if (parts.length === 0 || FIELD.test(part)) parts.push(part);
    else parts.push(`${parts.pop()}; ${part}`);
  }
  return parts;
}

/** `spec.ports[0].name` as a path. It ends at an item that is told by its keys: the list is the nearest that has a place. */
function pathOf(field: string): Path {
  const path: (string | number)[] = [];
  for (const [, name, inside] of field.matchAll(/([\w-]+)|\[([^\]]*)\]/g)) {
    if (inside?.includes('=') === true) return path;
    path.push(name ?? (/^\d+$/.test(inside ?? '') ? Number(inside) : (inside ?? '')));
  }
  return path;
}
