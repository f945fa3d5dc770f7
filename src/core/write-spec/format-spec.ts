import type { Event as YamlEvent } from 'js-yaml';
import { EVENT_ID, parseEvents } from 'js-yaml';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { JsonValue } from '../model/objects.ts';
import { SourceFile } from '../spec/finding.ts';
import { parseDocuments } from '../spec/parse-documents.ts';
import { orderDocument } from './order-fields.ts';
import { syntaxOf, writeDocuments } from './write-documents.ts';

/** A formatted text; or a file that is left as it is, since something of it would be lost, or since it cannot be read. */
export type FormattedSpec = { readonly kind: 'formatted'; readonly text: string } | { readonly kind: 'kept'; readonly problem: Problem };

const REMEDY = 'Order it by hand, or take out what is named; JSON is always formatted.';

/**
 * Orders the fields of a spec file and indents it, in the syntax that it has. The objects stay the same. YAML with comments, anchors or
 * tags is kept as it is: they would be lost.
 */
export function formatSpec(file: string, text: string): FormattedSpec {
  const source = new SourceFile(file, text);
  const isJson = syntaxOf(file) === 'json' || looksLikeJson(text);
  const { documents, problems } = parseDocuments(text, source, isJson);
  const [wrong] = problems.filter(({ severity }) => severity === 'error');
  if (wrong !== undefined) return { kind: 'kept', problem: wrong };
  if (isJson) return { kind: 'formatted', text: writeDocuments([orderDocument(JSON.parse(text) as JsonValue)], 'json') };
  const lost = whatIsLost(text);
  if (lost !== undefined) {
    const message = `the file is left as it is: its ${lost.what} would be lost`;
    return { kind: 'kept', problem: problem('SPEC_NOT_FORMATTED', message, { where: source.at(lost.offset), remedy: REMEDY }) };
  }
  const ordered = documents.map(({ value }) => orderDocument(value));
  return { kind: 'formatted', text: ordered.length === 0 ? text : writeDocuments(ordered, 'yaml') };
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

/** The first thing in a YAML text that cannot be written again. */
function whatIsLost(text: string): Loss | undefined {
  const events = parseEvents(text, {});
  const marks = events.flatMap(markOf);
  const comment = findComment(text, events);
  const found = [...marks, ...(comment === undefined ? [] : [{ what: 'comments', offset: comment }])];
  return found.sort((a, b) => a.offset - b.offset)[0];
}

function markOf(event: YamlEvent): readonly Loss[] {
  if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) return [];
  if (event.anchorStart >= 0) return [{ what: 'anchors', offset: event.anchorStart - 1 }];
  return event.type !== EVENT_ID.ALIAS && event.tagStart >= 0 ? [{ what: 'tags', offset: event.tagStart }] : [];
}

/** Where the first comment begins: a `#` at the beginning of a line or after white space that is in no value. */
function findComment(text: string, events: readonly YamlEvent[]): number | undefined {
  const values = events.flatMap((event) =>
    event.type === EVENT_ID.SCALAR && event.valueStart >= 0 ? [{ start: event.valueStart, end: event.valueEnd }] : [],
  );
  let next = 0;
  for (const { index } of text.matchAll(/(?<=^|\s)#/gm)) {
    while (next < values.length && (values[next]?.end ?? 0) <= index) next++;
    const value = values[next];
    if (value === undefined || index < value.start) return index;
  }
  return undefined;
}
