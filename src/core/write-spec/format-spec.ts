import type { Event as YamlEvent } from 'js-yaml';
import { EVENT_ID, parseEvents } from 'js-yaml';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { JsonValue } from '../model/objects.ts';
import { SourceFile } from '../spec/finding.ts';
import { parseDocuments, type SpecDocument } from '../spec/parse-documents.ts';
import { type Place, readPlaces } from '../spec/places.ts';
import { carryComments } from './carry-comments.ts';
import { commentsOf, type YamlComment } from './comments.ts';
import { entriesOf } from './document-entries.ts';
import { orderDocument } from './order-fields.ts';
import { syntaxOf, writeDocuments } from './write-documents.ts';

/** A formatted text; or a file that is left as it is, since something of it would be lost, or since it cannot be read. */
export type FormattedSpec = { readonly kind: 'formatted'; readonly text: string } | { readonly kind: 'kept'; readonly problem: Problem };

const REMEDY = 'Order it by hand, or take out what is named; JSON is always formatted.';

/**
 * Orders the fields of a spec file and indents it, in the syntax that it has. The objects stay the same, and comments go with what they
 * are about. YAML with anchors or tags is kept as it is: they would be lost.
 */
export function formatSpec(file: string, text: string): FormattedSpec {
  const source = new SourceFile(file, text);
  const isJson = syntaxOf(file) === 'json' || looksLikeJson(text);
  const { documents, problems } = parseDocuments(text, source, isJson);
  const [wrong] = problems.filter(({ severity }) => severity === 'error');
  if (wrong !== undefined) return { kind: 'kept', problem: wrong };
  if (isJson) return { kind: 'formatted', text: writeDocuments([orderDocument(JSON.parse(text) as JsonValue)], 'json') };
  if (documents.length === 0) return { kind: 'formatted', text };
  const events = parseEvents(text, {});
  const comments = commentsOf(text, events);
  const made = formatYaml({ text, events, comments, documents });
  const [lost] = [
    ...events.flatMap(markOf),
    ...(made === undefined ? comments.map(({ offset }) => ({ what: 'comments', offset })) : []),
  ].sort((a, b) => a.offset - b.offset);
  if (made !== undefined && lost === undefined) return { kind: 'formatted', text: made };
  const message = `the file is left as it is: its ${lost?.what ?? 'comments'} would be lost`;
  return { kind: 'kept', problem: problem('SPEC_NOT_FORMATTED', message, { where: source.at(lost?.offset ?? 0), remedy: REMEDY }) };
}

/** A YAML reader takes JSON as well, and whoever wrote it wants it back as such. */
function looksLikeJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Loss {
  readonly what: string;
  readonly offset: number;
}

function markOf(event: YamlEvent): readonly Loss[] {
  if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) return [];
  if (event.anchorStart >= 0) return [{ what: 'anchors', offset: event.anchorStart - 1 }];
  return event.type !== EVENT_ID.ALIAS && event.tagStart >= 0 ? [{ what: 'tags', offset: event.tagStart }] : [];
}

interface ReadYaml {
  readonly text: string;
  readonly events: readonly YamlEvent[];
  readonly comments: readonly YamlComment[];
  readonly documents: readonly SpecDocument[];
}

/** The documents in order, with their comments; undefined where not all of these find their place. */
function formatYaml({ text, events, comments, documents }: ReadYaml): string | undefined {
  const ordered = documents.map(({ value }) => writeDocuments([orderDocument(value)], 'yaml'));
  if (comments.length === 0) return ordered.join(SEPARATOR);
  const places = readPlaces(text, events);
  // A null is left out, and what is said of it would be said of something else.
  if (countPlaces(places) !== countPlaces(documents.map(({ place }) => place))) return undefined;
  const own = Map.groupBy(comments, ({ offset }) => documentAt(offset, text, places));
  const carried = ordered.map((document, index) => {
    const [place, bare] = [places[index], placeOf(document)];
    if (place === undefined || bare === undefined) return undefined;
    return carryComments(own.get(index) ?? [], entriesOf(text, place), { text: document, entries: entriesOf(document, bare) });
  });
  if (carried.includes(undefined)) return undefined;
  const made = carried.join(SEPARATOR);
  return isSame(made, ordered.join(SEPARATOR), comments) ? made : undefined;
}

const SEPARATOR = '---\n';

const placeOf = (document: string): Place | undefined => readPlaces(document, parseEvents(document, {}))[0];

const countPlaces = (places: Iterable<Place>): number => {
  let count = 0;
  for (const { children } of places) count += 1 + countPlaces(children.values());
  return count;
};

/** Which document a comment belongs to: the one that has begun, or, behind its end, the next one. */
function documentAt(offset: number, text: string, places: readonly Place[]): number {
  const next = places.findIndex(({ start }) => start > offset);
  if (next < 0) return places.length - 1;
  const isBehindEnd = !/^(?:---|\.\.\.)(?:\s|$)/m.test(text.slice(offset, places[next]?.start));
  return next === 0 || isBehindEnd ? next : next - 1;
}

/** Whether a text says the same as another one, and holds just these comments. */
function isSame(made: string, bare: string, comments: readonly YamlComment[]): boolean {
  const valuesOf = (text: string): string =>
    JSON.stringify(parseDocuments(text, new SourceFile('', text), false).documents.map(({ value }) => value));
  const textsOf = (all: readonly YamlComment[]): string => JSON.stringify(all.map(({ text }) => text).sort());
  return valuesOf(made) === valuesOf(bare) && textsOf(commentsOf(made, parseEvents(made, {}))) === textsOf(comments);
}
