/** A regular expression of Go (RE2) as one of JavaScript, or why it is none. */
export type GoRegExp = GoPattern | { readonly kind: 'invalid'; readonly reason: string };

export interface GoPattern {
  readonly kind: 'pattern';
  readonly pattern: RegExp;
  /** The names of its groups in order, empty for one without; none at all unless groups are captured. */
  readonly groups: readonly string[];
}

/**
 * Compiles an expression as Go reads it: inline flags, named groups, `\A`, `\z`, `\Q…\E`, `\pL`, POSIX classes; `.`, `$` and `\s` mean
 * what they mean there. What Go refuses (looking around, back references) and JavaScript knows is refused. Groups are captured only if
 * they are asked for.
 */
export function goRegExp(source: string, { captures = false }: { readonly captures?: boolean } = {}): GoRegExp {
  const converter = new Converter(source, captures);
  try {
    return { kind: 'pattern', pattern: new RegExp(converter.convert(), 'u'), groups: converter.groups };
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'invalid', reason: error.message };
    if (error instanceof SyntaxError) return { kind: 'invalid', reason: 'is not a regular expression' };
    throw error;
  }
}

class Refusal extends Error {}

const SPACE = '\\t\\n\\f\\r ';
const NOT_SPACE = '\\u{0}-\\u{8}\\u{b}\\u{e}-\\u{1f}\\u{21}-\\u{10ffff}';
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\u{0}-\\u{7f}',
  blank: '\\t ',
  cntrl: '\\u{0}-\\u{1f}\\u{7f}',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const CONTROLS: Readonly<Record<string, string>> = { a: '\\u{7}', f: '\\f', t: '\\t', n: '\\n', r: '\\r', v: '\\v' };

/** The flags that are on; `s` is done by what `.` becomes. */
interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** Walks over the source once. A group of flags that Go lets act on the rest of its group becomes a group around that rest. */
class Converter {
  /** The names of the captured groups, in order. */
  readonly groups: string[] = [];
  readonly #source: string;
  readonly #captures: boolean;
  #at = 0;

  constructor(source: string, captures: boolean) {
    this.#source = source;
    this.#captures = captures;
  }

  convert(): string {
    const converted = this.#alternatives({ i: false, m: false, s: false });
    if (this.#at < this.#source.length) throw new Refusal('has a closing parenthesis too many');
    return converted;
  }

  /** Up to the end of a group. Flags that change within it count for the alternatives after it, too. */
  #alternatives(outer: Flags): string {
    let flags = outer;
    let out = '';
    let open = 0;
    const closeAll = (): string => ')'.repeat(open);
    while (this.#at < this.#source.length && this.#peek() !== ')') {
      if (this.#peek() === '|') {
        this.#at += 1;
        out += `${closeAll()}|`;
        open = flags === outer ? 0 : 1;
        if (open > 0) out += openFlags(flags);
        continue;
      }
      const changed = this.#flagGroup(flags);
      if (changed === undefined) out += this.#item(flags);
      else {
        flags = changed;
        out += openFlags(flags);
        open += 1;
      }
    }
    return out + closeAll();
  }

  /** `(?i)` and the like: the flags from here on. */
  #flagGroup(flags: Flags): Flags | undefined {
    const match = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?\)/.exec(this.#source.slice(this.#at));
    if (match === null) return undefined;
    this.#at += match[0].length;
    return withFlags(flags, match[1] ?? '', match[2] ?? '');
  }

  #item(flags: Flags): string {
    const char = this.#next();
    if (char === '(') return this.#group(flags);
    if (char === '[') return this.#class();
    if (char === '\\') return this.#escape();
    if (char === '.') return flags.s ? '[\\s\\S]' : '[^\\n]';
    if (char === '{' && !/^\d+(?:,\d*)?\}/.test(this.#source.slice(this.#at))) return '\\{';
    if (char === '{') return this.#repetition();
    return char === '}' || char === ']' || char === '/' ? `\\${char}` : char;
  }

  #repetition(): string {
    const text = this.#source.slice(this.#at, this.#source.indexOf('}', this.#at) + 1);
    if (text.split(/\D+/).some((count) => Number(count) > 1000)) throw new Refusal('repeats more than 1000 times, which Go refuses');
    this.#at += text.length;
    return `{${text}`;
  }

  #group(flags: Flags): string {
    const rest = this.#source.slice(this.#at);
    if (/^\?<?[=!]/.test(rest)) throw new Refusal('looks around or back, which regular expressions in Traefik cannot');
    const named = /^\?P?<([A-Za-z0-9_]+)>/.exec(rest);
    const plain = /^\?([a-zA-Z]*)(?:-([a-zA-Z]*))?:/.exec(rest);
    const start = named ?? plain;
    if (start === null && rest.startsWith('?')) throw new Refusal('has a group that Go does not know');
    this.#at += start?.[0].length ?? 0;
    const isCaptured = this.#captures && plain === null;
    if (isCaptured) this.groups.push(named?.[1] ?? '');
    const inner = plain === null ? flags : withFlags(flags, plain[1] ?? '', plain[2] ?? '');
    const content = this.#alternatives(inner);
    if (this.#peek() !== ')') throw new Refusal('lacks a closing parenthesis');
    this.#at += 1;
    if (isCaptured) return `(${content})`;
    return plain === null ? `(?:${content})` : `${openFlags(inner)}${content})`;
  }

  #escape(): string {
    const rest = this.#source.slice(this.#at);
    if (rest.startsWith('Q')) {
      const end = rest.indexOf('\\E');
      const literal = rest.slice(1, end < 0 ? undefined : end);
      this.#at += end < 0 ? rest.length : end + 2;
      return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    }
    const char = rest.charAt(0);
    if (char === 'A' || char === 'z') {
      this.#at += 1;
      return char === 'A' ? '(?<![\\s\\S])' : '(?![\\s\\S])';
    }
    if (char === 'b' || char === 'B') {
      this.#at += 1;
      return `\\${char}`;
    }
    if (/^[sS]/.test(char)) {
      this.#at += 1;
      return `[${char === 's' ? '' : '^'}${SPACE}]`;
    }
    return this.#character();
  }

  /** What stands after a backslash, in a class or outside of one, but for what differs there. */
  #character(): string {
    const rest = this.#source.slice(this.#at);
    const property = /^[pP](?:\{(\^?)(\w+)\}|([A-Z]))/.exec(rest);
    const code = /^x(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))|^([0-7]{3}|0[0-7]{0,2})/.exec(rest);
    const [char] = rest;
    if (char === undefined) throw new Refusal('ends with a backslash');
    this.#at += (property ?? code ?? [char])[0].length;
    if (property !== null) return unicodeClass(property);
    if (code !== null) return `\\u{${Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', code[3] === undefined ? 16 : 8).toString(16)}}`;
    if (/[1-9]/.test(char)) throw new Refusal('looks around or back, which regular expressions in Traefik cannot');
    if (/[dDwW]/.test(char)) return `\\${char}`;
    const control = CONTROLS[char];
    if (control !== undefined) return control;
    if (/[A-Za-z0-9_]/.test(char) || char > '\u007f') throw new Refusal(`has the escape \\${char}, which Go does not know`);
    return /[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\u{${char.charCodeAt(0).toString(16)}}` : char;
  }

  #class(): string {
    let out = '[';
    if (this.#peek() === '^') out += this.#next();
    let isFirst = true;
    for (;;) {
      if (this.#at >= this.#source.length) throw new Refusal('lacks a closing bracket');
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at));
      if (posix !== null) {
        this.#at += posix[0].length;
        out += posixClass(posix[2] ?? '', posix[1] === '^');
      } else {
        const char = this.#next();
        if (char === ']' && !isFirst) return `${out}]`;
        out += this.#classCharacter(char);
      }
      isFirst = false;
    }
  }

  #classCharacter(char: string): string {
    if (char !== '\\') return /[[\]/]/.test(char) ? `\\${char}` : char;
    if (!/[sS]/.test(this.#peek())) return this.#character();
    return this.#next() === 's' ? SPACE : NOT_SPACE;
  }

  #peek(): string {
    return this.#source.charAt(this.#at);
  }

  #next(): string {
    const point = this.#source.codePointAt(this.#at);
    const char = point === undefined ? '' : String.fromCodePoint(point);
    this.#at += char.length;
    return char;
  }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  // `U` makes repetitions take as little as they can, which does not change whether there is a match.
  if (/[^imsU]/.test(on + off)) throw new Refusal('has a flag that Go does not know');
  const next = (flag: keyof Flags): boolean => (flags[flag] || on.includes(flag)) && !off.includes(flag);
  return { i: next('i'), m: next('m'), s: next('s') };
}

/** The beginning of a group in which exactly these flags are on. */
function openFlags({ i, m }: Flags): string {
  const on = `${i ? 'i' : ''}${m ? 'm' : ''}`;
  const off = `${i ? '' : 'i'}${m ? '' : 'm'}`;
  return `(?${on}${off === '' ? '' : `-${off}`}:`;
}

function unicodeClass([text, negated, name, letter]: RegExpExecArray): string {
  const not = text.startsWith('P') !== (negated === '^');
  const property = letter ?? name ?? '';
  const general = /^[CLMNPSZ][a-z]?$/.test(property) ? property : `Script=${property}`;
  return `\\${not ? 'P' : 'p'}{${general}}`;
}

function posixClass(name: string, negated: boolean): string {
  const ranges = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined;
  if (ranges === undefined) throw new Refusal(`has the class [:${name}:], which Go does not know`);
  if (negated) throw new Refusal(`has the class [:^${name}:], which is not understood here; write it without [: :]`);
  return ranges;
}
