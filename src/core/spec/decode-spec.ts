import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { byBytes, objectTitle } from '../model/ids.ts';
import { SETTINGS } from '../model/marks.ts';
import type { JsonObject, Spec, SpecObject } from '../model/objects.ts';
import { keyOfObject } from '../model/objects.ts';
import type { SpecFile } from '../model/spec-set.ts';
import { decodeObject, UNNAMED } from './decode-object.ts';
import { SourceFile, under } from './finding.ts';
import { HiddenText } from './hidden-text.ts';
import type { SpecDocument } from './parse-documents.ts';
import { parseDocuments } from './parse-documents.ts';
import type { Path, Place } from './places.ts';
import { anyText, readText } from './read-text.ts';
import type { NamespaceOptions } from './scope.ts';
import { namespaceOfFile } from './scope.ts';
import { splitObjects } from './split-objects.ts';

/** What decoding depends on beside the file. */
export type DecodeOptions = NamespaceOptions;

/**
 * A file that decoded, with warnings and notes; or one that did not, with all its problems. Both in the order of the text. The text
 * of a broken file is undefined when nobody could read it.
 */
export type DecodedSpec =
  | { readonly kind: 'spec'; readonly spec: Spec; readonly notes: readonly Problem[] }
  | { readonly kind: 'broken'; readonly problems: readonly Problem[]; readonly text: HiddenText | undefined };

/**
 * Decodes one spec file (design section 4). Never throws: everything that is wrong with the file is told at once, each problem
 * with its place. The result depends on the file's path, its bytes and the options alone.
 */
export function decodeSpec(file: SpecFile, options: DecodeOptions): DecodedSpec {
  const read = readObjects(file, options);
  if (read.kind === 'unreadable') return { kind: 'broken', problems: [read.problem], text: anyText(file) };
  const { problems, text } = read;
  if (problems.some(({ severity }) => severity === 'error')) return { kind: 'broken', problems, text: new HiddenText(text) };
  const objects = read.objects.map(({ object }) => object);
  return { kind: 'spec', spec: { id: file.id, blobId: file.blobId, objects }, notes: problems };
}

/** One object of a file, with the way back to its text. */
export interface ReadObject extends WrittenObject {
  readonly object: SpecObject;
}

/** What stands where an object should. */
export interface WrittenObject {
  /** As written, in the API version that it was upgraded to. */
  readonly upgraded: JsonObject;
  /** The document that it stands in, and the path to it. */
  readonly document: Place;
  readonly path: Path;
}

/** What stands in a file: also the objects of one that is broken, as far as they say of which kind they are. Problems in the order of the text. */
export type ReadObjects =
  | { readonly kind: 'unreadable'; readonly problem: Problem }
  | {
      readonly kind: 'read';
      readonly text: string;
      readonly source: SourceFile;
      readonly objects: readonly ReadObject[];
      /** Those that do not say so. */
      readonly others: readonly WrittenObject[];
      /** How many objects stand in the file, with those that do not say what they are. */
      readonly count: number;
      readonly problems: readonly Problem[];
    };

/** Reads the objects of one spec file, and everything that is wrong with it. Never throws. */
export function readObjects(file: SpecFile, options: DecodeOptions): ReadObjects {
  const read = readText(file);
  if (read.kind === 'unreadable') return read;
  const source = new SourceFile(file.id, read.text);
  const parsed = parseDocuments(read.text, source, file.id.toLowerCase().endsWith('.json'));
  const fallback = namespaceOfFile(file.id, options);
  const decoded = parsed.documents.map((document) => readDocument(document, source, fallback));
  const objects = decoded.flatMap((part) => part.objects);
  const twice = duplicates(
    objects.map(({ object }) => object),
    file.id,
  );
  const problems = [...parsed.problems, ...decoded.flatMap((part) => part.problems), ...twice].sort(byPlace);
  if (objects.length === 0 && problems.length === 0) {
    problems.push(problem('SPEC_EMPTY', 'the file holds no object', { where: source.at(0) }));
  }
  const count = decoded.reduce((sum, part) => sum + part.count, 0);
  const others = decoded.flatMap((part) => part.others);
  return { kind: 'read', text: read.text, source, objects, others, count, problems };
}

const DEPENDS_ON: Path = ['metadata', 'annotations', SETTINGS.dependsOn];

interface DocumentResult {
  readonly objects: readonly ReadObject[];
  readonly others: readonly WrittenObject[];
  readonly count: number;
  readonly problems: readonly Problem[];
}

function readDocument({ value, place }: SpecDocument, source: SourceFile, fallback: string): DocumentResult {
  const split = splitObjects(value);
  const problems = split.findings.map((finding) => source.problemOf(place, finding));
  const objects: ReadObject[] = [];
  const others: WrittenObject[] = [];
  for (const { value: written, path, namespace } of split.objects) {
    const { object, upgraded, findings, ...how } = decodeObject(written, namespace ?? fallback);
    problems.push(...under(path, findings).map((finding) => source.problemOf(place, finding)));
    if (object === undefined) {
      others.push({ upgraded, document: place, path });
      continue;
    }
    const at = (inside: Path): SpecObject['where'] => {
      const { line, column, path: text } = source.locate(place, [...path, ...inside]);
      return { line, column, path: text };
    };
    const dependsOn = object.metadata.annotations?.[SETTINGS.dependsOn] === undefined ? {} : { dependsOnWhere: at(DEPENDS_ON) };
    const decoded: SpecObject = { key: keyOfObject(object), object, where: at([]), ...dependsOn, ...how };
    objects.push({ object: decoded, upgraded, document: place, path });
  }
  return { objects, others, count: split.objects.length, problems };
}

function duplicates(objects: readonly SpecObject[], file: string): readonly Problem[] {
  const first = new Map<string, SpecObject>();
  return objects.flatMap((object) => {
    if (object.object.metadata.name === UNNAMED) return [];
    const earlier = first.get(object.key);
    if (earlier === undefined) {
      first.set(object.key, object);
      return [];
    }
    const message = `${objectTitle(object.key)} stands in this file twice, first in line ${earlier.where.line}`;
    return [problem('SPEC_DUPLICATE_OBJECT', message, { where: { file, ...object.where } })];
  });
}

/** Compares problems of one file by their places. */
export function byPlace(a: Problem, b: Problem): number {
  const line = (a.where?.line ?? 0) - (b.where?.line ?? 0);
  const column = (a.where?.column ?? 0) - (b.where?.column ?? 0);
  return line || column || byBytes(a.code, b.code) || byBytes(a.message, b.message);
}
