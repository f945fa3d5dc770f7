import type { Event as YamlEvent } from 'js-yaml';
import { constructFromEvents, EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import { errorText } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { JsonValue } from '../model/objects.ts';
import { cleanValue, newBudget } from './clean-value.ts';
import type { SourceFile } from './finding.ts';
import { findJsonError } from './json-syntax.ts';
import type { Place } from './places.ts';
import { readPlaces } from './places.ts';

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

/**
 * Parses a file: strict JSON when `strictJson` (YAML would let a trailing comma pass), else YAML 1.2, of which JSON is a part.
 * Both are then read by one parser, which tells positions and duplicate keys. After a syntax error nothing else is reported.
 */
export function parseDocuments(text: string, source: SourceFile, strictJson: boolean): ParsedDocuments {
  const syntax = strictJson ? jsonProblem(text, source) : undefined;
  if (syntax !== undefined) return { documents: [], problems: [syntax] };
  const parsed = parseYaml(text, source);
  if (parsed.kind === 'invalid') return { documents: [], problems: [parsed.problem] };
  const octals = octalProblems(text, parsed.events, source);
  const places = readPlaces(text, parsed.events);
  const budget = newBudget();
  const documents: SpecDocument[] = [];
  const problems: Problem[] = [...octals];
  parsed.values.forEach((value, index) => {
    const place = places[index];
    if (place === undefined) return;
    const tree = cleanValue(value, place, budget);
    if (tree.value !== undefined) documents.push({ value: tree.value, place: tree.place });
    problems.push(...budget.findings.splice(0).map((finding) => source.problemOf(place, finding)));
  });
  // A tree that was cut off at the limit would only bring up problems that are not there.
  return { documents: budget.left > 0 ? documents : [], problems };
}

function jsonProblem(text: string, source: SourceFile): Problem | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    const { offset, reason } = findJsonError(text) ?? { offset: 0, reason: 'the file is not JSON' };
    return problem('SPEC_SYNTAX', `not valid JSON: ${reason}`, { where: source.at(offset) });
  }
}

/**
 * Numbers that begin with 0: to kubectl, which reads YAML 1.1, `defaultMode: 0400` is octal, and to YAML 1.2 it is four hundred, a mode
 * that the group may write. Whoever wrote it meant one of both.
 */
function octalProblems(text: string, events: readonly YamlEvent[], source: SourceFile): readonly Problem[] {
  return events.flatMap((event) => {
    if (event.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.PLAIN || !/^[-+]?0\d+$/.test(getScalarValue(text, event))) return [];
    const message = 'a number that begins with 0 is octal to kubectl and decimal to YAML 1.2';
    const remedy = 'Write 0o400 where octal is meant, leave the 0 out where decimal is, and put a text in quotes.';
    return [problem('SPEC_INVALID_FIELD', message, { where: source.at(event.valueStart), remedy })];
  });
}

type Parsed =
  | { readonly kind: 'parsed'; readonly events: readonly YamlEvent[]; readonly values: readonly unknown[] }
  | { readonly kind: 'invalid'; readonly problem: Problem };

function parseYaml(text: string, source: SourceFile): Parsed {
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH });
    return { kind: 'parsed', events, values: constructFromEvents(events, { source: text, maxAliases: MAX_ALIASES }) };
  } catch (error) {
    const known = error instanceof YAMLException;
    const where = source.at(known ? (error.mark?.position ?? 0) : 0);
    return { kind: 'invalid', problem: problem('SPEC_SYNTAX', known ? reasonOf(error) : errorText(error), { where }) };
  }
}

/**
 * What js-yaml says, without words of the file, which may be a Secret's: its message quotes the lines around the error, and its
 * reason the name of an alias or tag, which is what an unquoted password that begins with `*` or `!` looks like.
 */
function reasonOf({ reason }: YAMLException): string {
  if (/\balias "/.test(reason)) return 'an alias without its anchor; put a text that begins with "*" in quotes';
  if (/\btag\b/.test(reason)) return 'a tag that YAML 1.2 does not know; put a text that begins with "!" in quotes';
  return reason;
}
