/** A pattern of Traefik 1 (those of gorilla/mux) as an expression without its anchors, or why it is none, as the end of a sentence. */
export type MuxPattern = { readonly kind: 'pattern'; readonly expression: string } | { readonly kind: 'invalid'; readonly reason: string };

/** What `{name}` stands for where it has no expression of its own. */
export const ANY_LABEL = '[^.]+';
export const ANY_SEGMENT = '[^/]+';

/**
 * Turns `/x/{id:[0-9]+}` into `/x/(?:[0-9]+)`: what stands outside of braces is meant literally, `{name:expression}` is that expression
 * and `{name}` is `any`. Braces nest, as in `{id:[0-9]{3}}`.
 */
export function muxPattern(template: string, any: string): MuxPattern {
  let expression = '';
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{', at);
    const literal = template.slice(at, open < 0 ? undefined : open);
    if (literal.includes('}')) return unbalanced(template);
    expression += quoteMeta(literal);
    if (open < 0) break;
    const close = closingBrace(template, open);
    if (close === undefined) return unbalanced(template);
    const inner = template.slice(open + 1, close);
    const colon = inner.indexOf(':');
    const name = colon < 0 ? inner : inner.slice(0, colon);
    const own = colon < 0 ? any : `(?:${inner.slice(colon + 1)})`;
    if (name === '' || own === '(?:)') return { kind: 'invalid', reason: `"{${inner}}" lacks a name or an expression` };
    expression += own;
    at = close + 1;
  }
  return { kind: 'pattern', expression };
}

const unbalanced = (template: string): MuxPattern => ({
  kind: 'invalid',
  reason: `the braces of "${template}" do not match; a comma in an expression ends the argument in Traefik 1`,
});

function closingBrace(template: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < template.length; at++) {
    if (template.charAt(at) === '{') depth += 1;
    if (template.charAt(at) === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

/** Go's regexp.QuoteMeta. */
export const quoteMeta = (literal: string): string => literal.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
