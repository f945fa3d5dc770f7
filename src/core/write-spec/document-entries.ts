import { type Path, type Place, pathText } from '../spec/places.ts';

/** A key with its value, an item of a list, or the whole document. */
export interface DocumentEntry {
  /** The path in the document: the same in two texts of the same content. */
  readonly path: string;
  readonly parent: DocumentEntry | undefined;
  readonly depth: number;
  /** Where it begins: at its key, or at the `-` of an item. */
  readonly offset: number;
  /** How far that is from the beginning of the line. */
  readonly column: number;
  /** Written in brackets. */
  readonly isFlow: boolean;
  /** How many entries are inside it, at any depth: those that follow it. */
  readonly inside: number;
}

/** All entries of a document as they follow each other in the text, each before those inside it. */
export function entriesOf(text: string, root: Place): readonly DocumentEntry[] {
  const entries: Mutable[] = [];
  const add = (place: Place, path: Path, parent: DocumentEntry | undefined): void => {
    const offset = typeof path.at(-1) === 'number' ? dashBefore(text, place.start) : place.keyStart;
    const column = offset - (text.lastIndexOf('\n', offset - 1) + 1);
    const isFlow = text[place.start] === '[' || text[place.start] === '{';
    const entry: Mutable = { path: pathText(path), parent, depth: path.length, offset, column, isFlow, inside: 0 };
    const index = entries.push(entry);
    for (const [part, child] of place.children) add(child, [...path, part], entry);
    entry.inside = entries.length - index;
  };
  add(root, [], undefined);
  return entries;
}

type Mutable = { -readonly [K in keyof DocumentEntry]: DocumentEntry[K] };

/** The `-` of an item of a block list; in brackets the item itself. */
function dashBefore(text: string, start: number): number {
  const dash = text.lastIndexOf('-', start - 1);
  return dash >= 0 && /^-\s+$/.test(text.slice(dash, start)) ? dash : start;
}
