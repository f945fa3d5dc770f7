import type { Problem, ProblemCode, Severity, SourcePosition } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { Path, Place } from './places.ts';
import { findPlace, pathText } from './places.ts';

/** Something a check found, told by the path to it: what becomes a problem once the place is looked up. */
export interface Finding {
  readonly code: ProblemCode;
  /** From the root of what was checked. */
  readonly path: Path;
  readonly message: string;
  readonly remedy?: string;
  readonly severity?: Severity;
  /** `key` points at the name of the field, for what is wrong with the name; otherwise its value is pointed at. */
  readonly at?: 'key';
  /** A part of the value, which is pointed at where the text shows it: one line of many. */
  readonly inside?: string;
  /** How far into `inside` the place is that is meant. */
  readonly skip?: number;
}

/** The same findings, seen from further out. */
export const under = (base: Path, findings: readonly Finding[]): readonly Finding[] =>
  findings.map((finding) => ({ ...finding, path: [...base, ...finding.path] }));

/** Turns offsets and paths of one file into positions for people. */
export class SourceFile {
  readonly #file: string;
  readonly #text: string;
  #lineStarts: readonly number[] | undefined;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** The position of an offset. */
  at(offset: number, path = ''): SourcePosition {
    this.#lineStarts ??= lineStartsOf(this.#text);
    const line = lastNotAbove(this.#lineStarts, offset);
    return { file: this.#file, line: line + 1, column: offset - (this.#lineStarts[line] ?? 0) + 1, path };
  }

  /** The position of what `path` leads to in a document; of the nearest thing around it when it is not there. */
  locate(document: Place, path: Path, { at, inside, skip }: Pick<Finding, 'at' | 'inside' | 'skip'> = {}): SourcePosition {
    const { place, found } = findPlace(document, path);
    const offset = at === 'key' && found === path.length ? place.keyStart : place.start;
    const part = inside === undefined || found < path.length ? -1 : this.#offsetInside(inside, skip ?? 0, offset);
    return this.at(Math.max(offset, part), pathText(writtenPath(document, path)));
  }

  /** Where a text stands that may be escaped as in JSON; -1 when it is written in yet another way. */
  #offsetInside(inside: string, skip: number, from: number): number {
    const plain = this.#text.indexOf(inside, from);
    if (plain >= 0) return plain + skip;
    const escaped = this.#text.indexOf(escapedText(inside), from);
    return escaped < 0 ? -1 : escaped + escapedText(inside.slice(0, skip)).length;
  }

  /** The problem that a finding in a document stands for. */
  problemOf(document: Place, finding: Finding): Problem {
    return problem(finding.code, finding.message, {
      where: this.locate(document, finding.path, finding),
      ...(finding.remedy === undefined ? {} : { remedy: finding.remedy }),
      ...(finding.severity === undefined ? {} : { severity: finding.severity }),
    });
  }
}

const escapedText = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The path with the indexes that the text has, where left out nulls moved the items of a list. */
function writtenPath(document: Place, path: Path): Path {
  let place: Place | undefined = document;
  return path.map((part) => {
    place = place?.children.get(part);
    return place?.part ?? part;
  });
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Index of the last number that is not above `value`, in ascending numbers that begin with 0. */
function lastNotAbove(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((ascending[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
