import type { LabelSelector, SelectorRequirement } from '../model/settings.ts';
import { matchesSelector } from '../model/settings.ts';

/** The first requirement that the labels do not satisfy, as kubectl writes it (`zone!=b`); undefined when they satisfy all. */
export function unmetRequirement(selector: LabelSelector, labels: Readonly<Record<string, string>>): string | undefined {
  const unmet = selector.find((requirement) => !matchesSelector([requirement], labels));
  return unmet === undefined ? undefined : requirementText(unmet);
}

function requirementText({ key, operator, values }: SelectorRequirement): string {
  if (operator === 'exists') return key;
  if (operator === 'not-exists') return `!${key}`;
  const [only] = values;
  if (values.length === 1) return `${key}${operator === 'in' ? '=' : '!='}${only}`;
  return `${key} ${operator === 'in' ? 'in' : 'notin'} (${values.join(',')})`;
}
