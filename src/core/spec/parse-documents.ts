import type { Event as YamlEvent } from 'js-yaml';
import { constructFromEvents, EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import { errorText } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { JsonValue } from '../model/objects.ts';
import { cleanValue, newBudget } from './clean-value.ts';
import type { SourceFile } from './finding.ts';
import { findJsonError } from './json-syntax.ts';
import type { Place, RepeatedKey } from './places.ts';
import { readTextPlaces } from './places.ts';
import { explainYaml } from './yaml-syntax.ts';

/** One document of a file: plain JSON without nulls, and the places of its parts. */
export interface SpecDocument {
  readonly value: JsonValue;
  readonly place: Place;
}

/** The documents of a file that hold anything, and every problem met while reading them. */
export interface ParsedDocuments {
  readonly documents: readonly SpecDocument[];
  readonly problems: readonly Problem[];
}

const MAX_DEPTH = 100;
const MAX_ALIASES = 100;
/** After so many the file is hardly one of Kubernetes objects. */
const MAX_BROKEN_DOCUMENTS = 20;
const MAX_REPEATED_KEYS = 20;
/** A file of more documents is not read one by one. */
const MAX_PARTS = 1000;

/**
 * Parses a file: strict JSON when `strictJson` (YAML would let a trailing comma pass), else YAML 1.2, of which JSON is a part.
 * Both are then read by one parser, which tells positions and duplicate keys. A YAML document that cannot be read hides none of the others.
 */
export function parseDocuments(text: string, source: SourceFile, strictJson: boolean): ParsedDocuments {
  const syntax = strictJson ? jsonProblem(text, source) : undefined;
  if (syntax !== undefined) return { documents: [], problems: [syntax] };
  const parts = parseText(text, source);
  const budget = newBudget();
  const documents: SpecDocument[] = [];
  const problems: Problem[] = [];
  for (const part of parts) {
    problems.push(...part.problems);
    part.places.forEach((place, index) => {
      const tree = cleanValue(part.values[index], place, budget);
      if (tree.value !== undefined) documents.push({ value: tree.value, place: tree.place });
      problems.push(...budget.findings.splice(0).map((finding) => source.problemOf(place, finding)));
    });
  }
  // A tree that was cut off at the limit would only bring up problems that are not there.
  return { documents: budget.left > 0 ? documents : [], problems };
}

function jsonProblem(text: string, source: SourceFile): Problem | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const { offset, reason, remedy } = findJsonError(text) ?? { offset: 0, reason: 'the file is not JSON' };
    const more = remedy === undefined ? {} : { remedy };
    return problem('SPEC_SYNTAX', `not valid JSON: ${reason}`, { where: source.at(offset), ...more });
  }
}

/**
 * Numbers that begin with 0: to kubectl, which reads YAML 1.1, `defaultMode: 0400` is octal, and to YAML 1.2 it is four hundred, a mode
 * that the group may write. Whoever wrote it meant one of both.
 */
function octalProblems({ text, base }: TextPart, events: readonly YamlEvent[], source: SourceFile): readonly Problem[] {
  return events.flatMap((event) => {
    if (event.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.PLAIN || !/^[-+]?0\d+$/.test(getScalarValue(text, event))) return [];
    const message = 'a number that begins with 0 is octal to kubectl and decimal to YAML 1.2';
    const remedy = 'Write 0o400 where octal is meant, leave the 0 out where decimal is, and put a text in quotes.';
    return [problem('SPEC_INVALID_FIELD', message, { where: source.at(base + event.valueStart), remedy })];
  });
}

/** A part of a file that is read by itself, and the offset where it begins. */
interface TextPart {
  readonly text: string;
  readonly base: number;
}

/** The values of the documents of a part, each with its place. */
interface ParsedPart {
  readonly values: readonly unknown[];
  readonly places: readonly Place[];
  readonly problems: readonly Problem[];
  /** False when it could not be read: then it has neither values nor places. */
  readonly isRead: boolean;
}

/** The text as one; where that cannot be read, document by document. */
function parseText(text: string, source: SourceFile): readonly ParsedPart[] {
  const whole = parsePart({ text, base: 0 }, source);
  if (whole.isRead) return [whole];
  const parts = splitText(text);
  if (parts.length < 2 || parts.length > MAX_PARTS) return [whole];
  const parsed: ParsedPart[] = [];
  let broken = 0;
  for (const part of parts) {
    const read = parsePart(part, source);
    parsed.push(read);
    if (!read.isRead) broken++;
    if (broken >= MAX_BROKEN_DOCUMENTS) break;
  }
  return parsed;
}

/** Parts at `---` at the beginning of a line, which nothing but the end of a document may be. Directives would belong to the next part. */
function splitText(text: string): readonly TextPart[] {
  if (/(?:^|\n)%/.test(text)) return [];
  const starts = [0, ...Array.from(text.matchAll(/\n---(?=[ \t\r\n]|$)/g), ({ index }) => index + 1)];
  return starts.map((base, index) => ({ text: text.slice(base, starts[index + 1]), base }));
}

function parsePart(part: TextPart, source: SourceFile): ParsedPart {
  const { text, base } = part;
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH });
    const { documents: places, repeated } = readTextPlaces(text, events, base);
    const { values, isTwice } = construct(text, events);
    const twice = isTwice ? repeated.slice(0, MAX_REPEATED_KEYS).map((key) => repeatedProblem(key, source)) : [];
    return { values, places, problems: [...twice, ...octalProblems(part, events, source)], isRead: true };
  } catch (error) {
    return { values: [], places: [], problems: [syntaxProblem(error, part, source)], isRead: false };
  }
}

/** The values of the documents. Of a key that stands twice the last one counts, so that the rest can be looked at. */
function construct(text: string, events: YamlEvent[]): { readonly values: readonly unknown[]; readonly isTwice: boolean } {
  const options = { source: text, maxAliases: MAX_ALIASES };
  try {
    return { values: constructFromEvents(events, options), isTwice: false };
  } catch (error) {
    if (!(error instanceof YAMLException) || error.reason !== REPEATED_KEY) throw error;
    return { values: constructFromEvents(events, { ...options, json: true }), isTwice: true };
  }
}

/** What js-yaml says of it. */
const REPEATED_KEY = 'duplicated mapping key';

function repeatedProblem({ first, again }: RepeatedKey, source: SourceFile): Problem {
  const message = `${REPEATED_KEY}: it stands in line ${source.at(first).line} already`;
  return problem('SPEC_SYNTAX', message, { where: source.at(again), remedy: 'Remove one of the two, or join what they hold.' });
}

/** What js-yaml's own message quotes may be a Secret's: lines around the error, the name of an alias or tag. */
function syntaxProblem(error: unknown, { text, base }: TextPart, source: SourceFile): Problem {
  if (!(error instanceof YAMLException)) return problem('SPEC_SYNTAX', errorText(error), { where: source.at(base) });
  const { offset, message, remedy } = explainYaml(text, error.mark?.position ?? 0, error.reason);
  return problem('SPEC_SYNTAX', message, { where: source.at(base + offset), ...(remedy === undefined ? {} : { remedy }) });
}
