import { goRegExp } from '../../core/routes/go-regexp.ts';

/** Finds and replaces by an expression of Go. */
export interface GoReplacer {
  /** The first text that fits, undefined for none. */
  first(text: string): string | undefined;
  /** `template` in place of all that fits, its `$1` and `${name}` filled in. */
  replaceAll(text: string, template: string): string;
}

/** Undefined for an expression that Go refuses. Source: Go's regexp, ReplaceAllString and Expand. */
export function goReplacer(source: string): GoReplacer | undefined {
  const read = goRegExp(source, { captures: true });
  if (read.kind === 'invalid') return undefined;
  const everywhere = new RegExp(read.pattern, 'gu');
  return {
    first: (text) => read.pattern.exec(text)?.[0],
    replaceAll: (text, template) => {
      let [out, end] = ['', 0];
      for (const match of text.matchAll(everywhere)) {
        // Unlike JavaScript, Go finds nothing of no length right behind what it found before.
        if (match[0] === '' && match.index === end && match.index > 0) continue;
        out += text.slice(end, match.index) + expand(template, match, read.groups);
        end = match.index + match[0].length;
      }
      return out + text.slice(end);
    },
  };
}

const expand = (template: string, match: RegExpExecArray, groups: readonly string[]): string =>
  template.replace(/\$(?:\$|\{(?<braced>[\p{L}\p{Nd}_]+)\}|(?<plain>[\p{L}\p{Nd}_]+))/gu, (text, ...rest) => {
    const { braced, plain } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const name = braced ?? plain;
    if (name === undefined) return text === '$$' ? '$' : text;
    if (/^(?:0|[1-9]\d*)$/.test(name)) return match[Number(name)] ?? '';
    const at = groups.findIndex((group, i) => group === name && match[i + 1] !== undefined);
    return at < 0 ? '' : (match[at + 1] ?? '');
  });
