import type { LabelSelector, SelectorRequirement } from './settings.ts';

const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** True for a key of a label or an annotation: `name` or `dns.prefix/name`, the name at most 63 characters (Kubernetes: qualified name). */
export function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return LABEL_NAME.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix) && LABEL_NAME.test(key.slice(slash + 1));
}

/** True for the value of a label: empty, or at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends. */
export const isLabelValue = (value: string): boolean => LABEL_VALUE.test(value);

/** A label selector as read, or what is wrong with its text, as the end of a sentence. */
export type ParsedSelector =
  | { readonly kind: 'selector'; readonly selector: LabelSelector }
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Reads a label selector as `kubectl --selector` takes it: requirements joined by commas, each `key=value`, `key==value`,
 * `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` or `!key`. An empty text selects everything.
 */
export function parseLabelSelector(text: string): ParsedSelector {
  const selector: SelectorRequirement[] = [];
  if (text.trim() === '') return { kind: 'selector', selector };
  // A comma inside parentheses belongs to the value list.
  for (const part of text.split(/,(?![^(]*\))/)) {
    const requirement = parseRequirement(part.trim());
    if (typeof requirement === 'string') return { kind: 'invalid', reason: requirement };
    selector.push(requirement);
  }
  return { kind: 'selector', selector };
}

function parseRequirement(text: string): SelectorRequirement | string {
  if (text === '') return 'a requirement is empty';
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  const equality = /^([^\s=!]+)\s*(==?|!=)\s*([^\s=!]*)$/.exec(text);
  const presence = /^(!?)\s*([^\s=!(),]+)$/.exec(text);
  if (set !== null) return requirementOf(set[1], set[2] === 'in' ? 'in' : 'not-in', (set[3] ?? '').split(',').map(trimmed));
  if (equality !== null) return requirementOf(equality[1], equality[2] === '!=' ? 'not-in' : 'in', [equality[3] ?? '']);
  if (presence !== null) return requirementOf(presence[2], presence[1] === '!' ? 'not-exists' : 'exists', []);
  return `"${text}" is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key`;
}

function requirementOf(
  key: string | undefined,
  operator: SelectorRequirement['operator'],
  values: readonly string[],
): SelectorRequirement | string {
  if (key === undefined || !isQualifiedName(key)) return `"${key}" is not a label key`;
  const wrong = values.find((value) => !isLabelValue(value));
  return wrong === undefined ? { key, operator, values } : `"${wrong}" is not a label value`;
}

const trimmed = (text: string): string => text.trim();
