import type { Event as YamlEvent } from 'js-yaml';
import { EVENT_ID } from 'js-yaml';

/** A comment of a YAML text. */
export interface YamlComment {
  /** From its `#` to the end of the line. */
  readonly text: string;
  readonly offset: number;
  /** How far it is from the beginning of its line. */
  readonly column: number;
  /** Alone in its line, but for what begins an item or a document. */
  readonly isAlone: boolean;
  /** It is alone, and an empty line stands before it. */
  readonly isAfterGap: boolean;
  readonly isBeforeGap: boolean;
}

/** The comments of a YAML text, in order: each begins with a `#` after white space that is in no value. */
export function commentsOf(text: string, events: readonly YamlEvent[]): readonly YamlComment[] {
  const values = events.flatMap((event) =>
    event.type === EVENT_ID.SCALAR && event.valueStart >= 0 ? [{ start: event.valueStart, end: event.valueEnd }] : [],
  );
  const comments: YamlComment[] = [];
  let next = 0;
  let end = 0;
  for (const { index } of text.matchAll(/(?<=^|\s)#/gm)) {
    while (next < values.length && (values[next]?.end ?? 0) <= index) next++;
    const value = values[next];
    if (index < end || (value !== undefined && index >= value.start)) continue;
    const comment = commentAt(text, index);
    comments.push(comment);
    end = index + comment.text.length;
  }
  return comments;
}

function commentAt(text: string, offset: number): YamlComment {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const end = lineEnd < 0 ? text.length : lineEnd;
  const isAlone = /^[\s-]*$/.test(text.slice(lineStart, offset));
  return {
    text: text.slice(offset, end).trimEnd(),
    offset,
    column: offset - lineStart,
    isAlone,
    isAfterGap: isAlone && isBlank(text, text.lastIndexOf('\n', lineStart - 2) + 1, lineStart - 1),
    isBeforeGap: isAlone && isBlank(text, end + 1, text.indexOf('\n', end + 1)),
  };
}

/** Whether a line, told by its beginning and its end, is there and empty. */
const isBlank = (text: string, start: number, end: number): boolean => end >= start && start >= 0 && text.slice(start, end).trim() === '';
