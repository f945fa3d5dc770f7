import { type GoMatch, type GoPattern, goRegExp } from '../../core/routes/go-regexp.ts';

/** Finds and replaces by an expression of Go. */
export interface GoReplacer {
  /** The first text that fits, undefined for none. */
  first(text: string): string | undefined;
  /** `template` in place of all that fits, its `$1` and `${name}` filled in. */
  replaceAll(text: string, template: string): string;
}

/** Undefined for an expression that Go refuses, or that is too large here. Source: Go's regexp, ReplaceAllString and Expand. */
export function goReplacer(source: string): GoReplacer | undefined {
  const read = goRegExp(source);
  if (read.kind !== 'pattern') return undefined;
  const { pattern } = read;
  return {
    first: (text) => pattern.first(text),
    replaceAll: (text, template) => {
      let [out, end] = ['', 0];
      for (const match of pattern.matches(text)) {
        out += text.slice(end, match.index) + expand(template, match, pattern);
        end = match.index + (match.groups[0] ?? '').length;
      }
      return out + text.slice(end);
    },
  };
}

const expand = (template: string, { groups }: GoMatch, pattern: GoPattern): string =>
  template.replace(/\$(?:\$|\{(?<braced>[\p{L}\p{Nd}_]+)\}|(?<plain>[\p{L}\p{Nd}_]+))/gu, (text, ...rest) => {
    const { braced, plain } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    const name = braced ?? plain;
    if (name === undefined) return text === '$$' ? '$' : text;
    if (/^(?:0|[1-9]\d*)$/.test(name)) return groups[Number(name)] ?? '';
    const taken = pattern.groupsNamed(name).find((group) => groups[group] !== undefined);
    return taken === undefined ? '' : (groups[taken] ?? '');
  });
