import type { RuleClause } from './parse-v1-rule.ts';
import { parseV1Rule } from './parse-v1-rule.ts';
import type { TurnedClause } from './rule-functions.ts';
import { RULE_FUNCTIONS } from './rule-functions.ts';
import type { Fields, Told } from './v1-key.ts';

/**
 * A Traefik 1 rule in the words of Traefik 3, the middlewares that do what some of its functions do, and what differs all the same;
 * or the reason why it was not translated, as the end of a sentence. Never a part of it: a rule without one of its clauses would let
 * in what the whole rule keeps out.
 */
export type TranslatedRule =
  | { readonly kind: 'rule'; readonly rule: string; readonly fields: Fields; readonly told: readonly Told[] }
  | { readonly kind: 'not-translated'; readonly reason: string };

const FUNCTIONS = new Map(RULE_FUNCTIONS.map((row) => [row.name, row]));

/** A rule of nothing but modifiers matches every request. */
const EVERYTHING = 'PathPrefix(`/`)';

/** Translates a rendered Traefik 1 rule: clauses become `&&`, the arguments of a clause `||`. Of two clauses that set one thing the last wins. */
export function translateRule(v1Rule: string): TranslatedRule {
  const parsed = parseV1Rule(v1Rule);
  if (parsed.kind === 'invalid') return { kind: 'not-translated', reason: parsed.reason };
  const rules = new Set<string>();
  const told: Told[] = [];
  const fields: Record<string, string> = {};
  for (const clause of parsed.clauses) {
    const turned = turnClause(clause);
    if (turned.kind === 'not-translated') return turned;
    const { matchers } = turned;
    if (matchers.length > 0) rules.add(matchers.length === 1 ? matchers.join('') : `(${matchers.join(' || ')})`);
    Object.assign(fields, turned.fields);
    told.push(...(turned.told ?? []));
  }
  return { kind: 'rule', rule: rules.size === 0 ? EVERYTHING : [...rules].join(' && '), fields, told };
}

function turnClause({ name, args }: RuleClause): TurnedClause {
  const row = FUNCTIONS.get(name);
  if (row !== undefined) return row.turn(args);
  const alike = RULE_FUNCTIONS.find((known) => known.name.toLowerCase() === name.toLowerCase());
  const hint = alike === undefined ? '' : `; it is written ${alike.name}`;
  return { kind: 'not-translated', reason: `Traefik 1 has no function "${name}"${hint}` };
}
