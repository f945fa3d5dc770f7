/** What is wrong with a text that is no YAML, and where, in words for people. Never quotes the text, which may be a Secret's. */
export interface YamlFault {
  /** Into the text. */
  readonly offset: number;
  readonly message: string;
  /** Undefined where the cause is not clear. */
  readonly remedy?: string;
}

/** The line at which the parser gave up, and those before it. */
interface Stop {
  readonly text: string;
  readonly offset: number;
  /** What js-yaml says. */
  readonly reason: string;
  readonly line: Line;
  /** The nearest line above that is neither empty nor a comment. */
  readonly above: Line | undefined;
}

interface Line {
  readonly start: number;
  readonly text: string;
}

type Cause = (stop: Stop) => YamlFault | undefined;

/**
 * The most likely cause of a syntax error. A parser stops where it cannot go on, which is often a line after the mistake, and says so in
 * words of the grammar. `reason` and `offset` are those of js-yaml.
 */
export function explainYaml(text: string, offset: number, reason: string): YamlFault {
  const line = lineAt(text, offset);
  const stop: Stop = { text, offset, reason, line, above: lineAbove(text, line.start) };
  for (const cause of CAUSES) {
    const fault = cause(stop);
    if (fault !== undefined) return fault;
  }
  return { offset, message: reason };
}

const aliasOrTag: Cause = ({ offset, reason }) => {
  if (/\balias\b/.test(reason) && !/maxAliases/.test(reason)) {
    return { offset, message: 'an alias without its anchor', remedy: 'Put a text that begins with "*" in quotes.' };
  }
  if (!/\btag\b/.test(reason)) return undefined;
  return { offset, message: 'a tag that YAML 1.2 does not know', remedy: 'Put a text that begins with "!" in quotes.' };
};

const tab: Cause = ({ reason, line, offset }) => {
  if (!reason.startsWith('tab characters')) return undefined;
  const at = line.text.indexOf('\t');
  return { offset: at < 0 ? offset : line.start + at, message: 'the line is indented with a tab', remedy: 'Use spaces, not a tab.' };
};

/** `{{ .Values.x }}`: to YAML a mapping whose key is a mapping. */
const template: Cause = ({ text, reason, offset }) => {
  if (!reason.includes('complex keys') && !/flow|brace|bracket/.test(reason)) return undefined;
  const found = text.search(/(?:^|[:\-,[] *)\{\{/m);
  if (found < 0) return reason.includes('complex keys') ? { offset, message: 'a key must be a text' } : undefined;
  const remedy = 'Write the value itself: templates are not filled in here. Put a text that begins with "{" in quotes.';
  return { offset: text.indexOf('{{', found), message: 'this looks like a template', remedy };
};

/** The quote that opens a value; a key in quotes passes for one. */
const VALUE_QUOTE = /^[ \t]*(?:- +)*(?:(?!- )[^\s"'#:][^"'#]*?:[ \t]+)?(?=["'])/;
const BLOCK_TEXT = /(?:^|[\s:-])[|>][-+\d]*\s*(?:#.*)?$/;

const unclosedQuote: Cause = ({ text, line: last }) => {
  /** The indentation of the field whose text follows, line by line, where quotes mean nothing. */
  let block: number | undefined;
  let line: Line | undefined = lineAt(text, 0);
  for (; line !== undefined && line.start <= last.start; line = lineBelow(text, line)) {
    if (block !== undefined && (line.text.trim() === '' || indentOf(line) > block)) continue;
    block = BLOCK_TEXT.test(line.text) ? indentOf(line) : undefined;
    const inside = VALUE_QUOTE.exec(line.text)?.[0].length;
    if (inside === undefined) continue;
    const open = line.start + inside;
    const close = closingQuote(text, open);
    if (close < 0) return quoteFault(text, open, close);
    line = lineAt(text, close);
    if (!/^\s*(?:$|#|[:,\]}])/.test(line.text.slice(close - line.start + 1))) return quoteFault(text, open, close);
  }
  return undefined;
};

function quoteFault(text: string, open: number, close: number): YamlFault {
  if (close < 0 || text.slice(open, close).includes('\n')) {
    return {
      offset: open,
      message: 'a quote opens here that is not closed in this line',
      remedy: 'Close the quote at the end of the value.',
    };
  }
  const remedy = "Put the whole value in quotes; write a quote inside as '' between single quotes, and as \\\" between double ones.";
  return { offset: close + 1, message: 'something follows the closing quote', remedy };
}

function closingQuote(text: string, open: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (quote === '"' && char === '\\') at++;
    else if (char === quote && quote === "'" && text[at + 1] === quote) at++;
    else if (char === quote) return at;
  }
  return -1;
}

/** What an item of a list begins with where a name follows: other items may well be texts with a colon, such as an image. */
const FIRST_KEYS = 'name|image|port|containerPort|key|host|path|mountPath|apiVersion|kind';
const NO_SPACE = new RegExp(`^ *(?:[A-Za-z][\\w./-]*|- +(?:${FIRST_KEYS})):(?=[^\\s:/])`);

const noSpaceAfterColon: Cause = ({ line, above }) =>
  inLine([above, line], { pattern: NO_SPACE, back: 1, message: 'no space follows the colon', remedy: 'Put a space after the ":".' });

const noSpaceAfterDash: Cause = ({ line, above }) =>
  inLine([above, line], {
    pattern: /^ *-(?=[A-Za-z"'])/,
    back: 1,
    message: 'no space follows the "-" of a list item',
    remedy: 'Put a space after the "-".',
  });

const reserved: Cause = ({ line }) =>
  inLine([line], {
    pattern: /^ *(?:- +)*(?:[^\s:]+: +)?(?=[@`%])/,
    message: 'no text may begin with this character',
    remedy: 'Put the text in quotes.',
  });

const colonInValue: Cause = ({ line }) =>
  inLine([line], {
    pattern: /^ *(?:- +)*[^\s:"'#]+: +[^\s"'[{|>&*!#][^#]*?(?=:(?:\s|$))/,
    message: 'the value holds a colon with a space after it, as if it were a key',
    remedy: 'Put the whole value in quotes.',
  });

const keyWithoutColon: Cause = ({ reason, above }) =>
  reason.startsWith('bad indentation of a mapping')
    ? inLine([above], { pattern: /^ *(?=[A-Za-z][\w.-]*\s*$)/, message: 'a key without a colon', remedy: 'Write ":" after the key.' })
    : undefined;

const listIndent: Cause = ({ reason, line }) => {
  const isItem = /^ *-(?: |$)/.test(line.text);
  if (!reason.startsWith('bad indentation') || !(isItem || reason.includes('sequence'))) return undefined;
  const message = isItem
    ? 'the item of the list begins in another column than the one before'
    : 'the field does not stand below the others of its item';
  const remedy = 'Begin the "-" of all items in one column, and the fields of an item in one column, two further in.';
  return { offset: line.start + indentOf(line), message, remedy };
};

const indent: Cause = ({ reason, line }) => {
  if (!reason.startsWith('bad indentation of a mapping')) return undefined;
  const remedy = 'Begin the fields of one mapping in one column.';
  return { offset: line.start + indentOf(line), message: 'the indentation of the line fits none of the lines above', remedy };
};

const unclosedBracket: Cause = ({ reason, offset }) => {
  if (reason !== 'deficient indentation' && !/unexpected end of the stream within a flow/.test(reason)) return undefined;
  return { offset, message: 'a "[", a "{" or a quote before this line is not closed', remedy: 'Close it, or indent what is inside.' };
};

const missingComma: Cause = ({ reason, offset }) =>
  reason.startsWith('missed comma') ? { offset, message: reason, remedy: 'Put a comma between the two.' } : undefined;

/** The first that fits is told. */
const CAUSES: readonly Cause[] = [
  aliasOrTag,
  tab,
  template,
  unclosedQuote,
  noSpaceAfterColon,
  noSpaceAfterDash,
  reserved,
  colonInValue,
  keyWithoutColon,
  listIndent,
  indent,
  unclosedBracket,
  missingComma,
];

/** A fault at the end of what `pattern` matches at the beginning of a line, or `back` before it. */
interface LineFault {
  readonly pattern: RegExp;
  readonly message: string;
  readonly remedy: string;
  readonly back?: number;
}

function inLine(lines: readonly (Line | undefined)[], { pattern, back = 0, ...words }: LineFault): YamlFault | undefined {
  for (const line of lines) {
    const found = line === undefined ? null : pattern.exec(line.text);
    if (line !== undefined && found !== null) return { offset: line.start + found[0].length - back, ...words };
  }
  return undefined;
}

const indentOf = ({ text }: Line): number => text.length - text.trimStart().length;

function lineAt(text: string, offset: number): Line {
  const start = offset <= 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', start);
  return { start, text: text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '') };
}

function lineBelow(text: string, { start }: Line): Line | undefined {
  const end = text.indexOf('\n', start);
  return end < 0 ? undefined : lineAt(text, end + 1);
}

/** Comments and empty lines are passed over. */
function lineAbove(text: string, start: number): Line | undefined {
  for (let end = start; end > 0; ) {
    const line = lineAt(text, end - 1);
    if (/^\s*[^\s#]/.test(line.text)) return line;
    end = line.start;
  }
  return undefined;
}
