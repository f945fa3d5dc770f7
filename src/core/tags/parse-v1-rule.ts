/** One part of a Traefik 1 rule: `Host:a.example.com,b.example.com`. */
export interface RuleClause {
  /** Letter case counts: Traefik 1 knows `Host`, not `host`. */
  readonly name: string;
  readonly args: readonly string[];
}

/** A rule taken apart, or why Traefik 1 would not take it, as the end of a sentence. */
export type ParsedRule =
  | { readonly kind: 'rule'; readonly clauses: readonly RuleClause[] }
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Takes a Traefik 1 rule apart as its own parser does (v1.7 rules/rules.go): clauses joined by `;` must all match, empty ones are
 * dropped; the name ends at the first `:`, and runs of `:` count as one; arguments are joined by `,` and trimmed.
 */
export function parseV1Rule(rule: string): ParsedRule {
  const parts = fields(rule, ';');
  if (parts.length === 0) return { kind: 'invalid', reason: 'it is empty' };
  const clauses: RuleClause[] = [];
  for (const part of parts) {
    const [name = '', ...rest] = fields(part, ':');
    const args = fields(rest.join(':'), ',').map((arg) => arg.trim());
    if (args.length === 0) return { kind: 'invalid', reason: `"${part.trim()}" has no argument` };
    clauses.push({ name: name.trim(), args });
  }
  return { kind: 'rule', clauses };
}

/** Go's strings.FieldsFunc: the pieces between separators, without empty ones. */
const fields = (text: string, separator: string): readonly string[] => text.split(separator).filter((piece) => piece !== '');
