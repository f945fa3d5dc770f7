import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { SpecFile } from '../model/spec-set.ts';
import { HiddenText } from './hidden-text.ts';

/** A spec file may hold at most 1 MiB. */
const MAX_SPEC_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

/** The text of a spec file, without a byte order mark; or why it cannot be read as text. */
export type SpecText = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'unreadable'; readonly problem: Problem };

/** Reads a file's bytes as UTF-8. */
export function readText({ id, content }: SpecFile): SpecText {
  if (content.kind === 'refused') return { kind: 'unreadable', problem: content.problem };
  const { bytes } = content;
  if (bytes.length > MAX_SPEC_BYTES) {
    const where = { file: id, line: 1, column: 1, path: '' };
    return { kind: 'unreadable', problem: problem('SPEC_TOO_LARGE', `the file has ${bytes.length} bytes, more than 1 MiB`, { where }) };
  }
  const text = decodeUtf8(bytes);
  if (text !== undefined) return { kind: 'text', text };
  const where = { file: id, line: firstBadLine(bytes), column: 1, path: '' };
  return { kind: 'unreadable', problem: problem('SPEC_NOT_UTF8', 'the file is not UTF-8 from this line on', { where }) };
}

/**
 * What can be made out of a file that is no text or too large: enough to find names in it, in UTF-16 too. Undefined
 * when there is nothing to look at. What a symbolic link points to is not part of the repository: it holds nothing.
 */
export function anyText({ content }: SpecFile): HiddenText | undefined {
  if (content.kind === 'bytes') return new HiddenText(new TextDecoder().decode(content.bytes).replaceAll('\0', ''));
  return content.problem.code === 'SPEC_NOT_A_FILE' ? new HiddenText('') : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-8 never uses the byte of a line break inside a character, so lines can be tried one by one. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found + 1;
    if (decodeUtf8(bytes.subarray(start, end)) === undefined) return line;
    start = end;
  }
  return line;
}
