const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', '"': '"', '\\': '\\' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: TOML forbids control characters, but for the tab, in a string.
const FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f"]/;

/**
 * The text that `value` stands for between the quotes of a TOML basic string, which is where Traefik 1 pastes it. Undefined when
 * it does not fit there: one such tag keeps Traefik 1 from taking any further change of any service (reference: traefik.md 1.6).
 */
export function unescapeToml(value: string): string | undefined {
  let text = '';
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char !== '\\') {
      if (FORBIDDEN.test(char)) return undefined;
      text += char;
      continue;
    }
    const escaped = readEscape(value.slice(at + 1));
    if (escaped === undefined) return undefined;
    text += escaped.text;
    at += escaped.length;
  }
  return text;
}

/** The character that the text after a backslash stands for, and how much of the text it takes. */
function readEscape(text: string): { readonly text: string; readonly length: number } | undefined {
  const letter = text.charAt(0);
  if (Object.hasOwn(ESCAPES, letter)) return { text: ESCAPES[letter] ?? '', length: 1 };
  const digits = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(text);
  const point = Number.parseInt(digits?.[1] ?? digits?.[2] ?? '', 16);
  const valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  return digits !== null && valid ? { text: String.fromCodePoint(point), length: digits[0].length } : undefined;
}
