import { SourceFile } from '../spec/finding.ts';
import type { YamlComment } from './comments.ts';
import type { DocumentEntry } from './document-entries.ts';

/** Where a comment belongs: above an entry, at the end of its first line, or below all of it. */
interface Attachment {
  readonly comment: YamlComment;
  readonly entry: DocumentEntry;
  readonly place: 'above' | 'beside' | 'below';
}

/** A document of YAML without comments, and its entries. */
export interface BareDocument {
  readonly text: string;
  readonly entries: readonly DocumentEntry[];
}

/**
 * Puts comments into a document that has the entries which they were written at, maybe in another order: each goes where its entry went.
 * Undefined when an entry is missing there.
 */
export function carryComments(comments: readonly YamlComment[], from: readonly DocumentEntry[], to: BareDocument): string | undefined {
  const lines = to.text.split('\n').map((text): Line => ({ text, above: [], beside: [], below: [] }));
  const source = new SourceFile('', to.text);
  const lineAt = (offset: number): number => source.at(offset).line - 1;
  const found = new Map(to.entries.map((entry, index) => [entry.path, { entry, index }]));
  const attachments = comments.flatMap((comment) => attach(comment, from) ?? []);
  for (const { comment, entry: was, place } of attachments) {
    const now = found.get(was.path);
    if (now === undefined) return undefined;
    const { entry, index } = now;
    const next = to.entries[index + entry.inside + 1];
    const last = next === undefined ? lines.length - 2 : lineAt(next.offset) - 1;
    const line = lines[place === 'below' ? last : lineAt(entry.offset)];
    // Several entries may begin in one line; above it stands what is as far in as the line.
    line?.[place].push({ comment, depth: entry.depth, column: place === 'below' ? entry.column : line.text.search(/\S|$/) });
  }
  return lines.flatMap((line, index) => written(line, index === 0)).join('\n');
}

interface Placed {
  readonly comment: YamlComment;
  readonly depth: number;
  readonly column: number;
}

interface Line extends Readonly<Record<Attachment['place'], Placed[]>> {
  readonly text: string;
}

/** A line with the comments around it. Of several that would stand beside it all stand above. */
function written({ text, above, beside, below }: Line, isFirst: boolean): readonly string[] {
  const [only, ...others] = beside;
  const isBeside = only !== undefined && others.length === 0;
  // What is said of a whole stands above what is said of its first part, and below what is said of its last one.
  const before = (isBeside ? above : [...above, ...beside]).toSorted((a, b) => a.depth - b.depth);
  const after = below.toSorted((a, b) => b.depth - a.depth);
  const gap = before.at(-1)?.comment.isBeforeGap === true ? [''] : [];
  return [...rows(before, isFirst), ...gap, isBeside ? `${text} ${only.comment.text}` : text, ...rows(after, false)];
}

/** A line for each comment, with the empty lines that stood before them but at the very top. */
const rows = (placed: readonly Placed[], isTop: boolean): readonly string[] =>
  placed.flatMap(({ comment: { text, isAfterGap }, column }, index) => [
    ...(isAfterGap && !(isTop && index === 0) ? [''] : []),
    `${' '.repeat(column)}${text}`,
  ]);

/** What a comment is about: the line that it ends, what follows it, or, when it is indented deeper than that, what it follows. */
function attach(comment: YamlComment, entries: readonly DocumentEntry[]): Attachment | undefined {
  const index = entries.findIndex(({ offset }) => offset > comment.offset);
  const next = entries[index];
  const before = entries[(index < 0 ? entries.length : index) - 1];
  if (!comment.isAlone && before !== undefined) return { comment, entry: ownerOfLine(before), place: 'beside' };
  if (next !== undefined && (before === undefined || comment.column <= next.column)) return { comment, entry: next, place: 'above' };
  if (before === undefined) return undefined;
  const [root = before] = entries;
  const entry = next === undefined && comment.column <= root.column ? root : endedAt(comment.column, before);
  return { comment, entry, place: 'below' };
}

/** What is written in brackets gets lines of its own: what is beside them is about all of it. */
function ownerOfLine(entry: DocumentEntry): DocumentEntry {
  return entry.parent?.isFlow === true ? ownerOfLine(entry.parent) : entry;
}

/** The innermost of what ends at an entry that is indented no deeper than a column. */
function endedAt(column: number, entry: DocumentEntry): DocumentEntry {
  return entry.column <= column || entry.parent === undefined ? entry : endedAt(column, entry.parent);
}
