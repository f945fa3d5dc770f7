import type { JsonObject, KubernetesObject, LiveObject, SpecObject } from '../model/objects.ts';

/**
 * Selectors are immutable, and old API versions filled them from the labels that the pod template had at the time. So where the
 * spec leaves the selector out, the live one is sent for as long as the labels of the template still match it.
 */
export function withLiveSelector({ object, filledSelector }: SpecObject, live: LiveObject): KubernetesObject {
  const spec = object['spec'] as JsonObject | undefined;
  const selector = live.spec['selector'] as JsonObject | undefined;
  if (filledSelector === undefined || spec === undefined || selector === undefined) return object;
  const template = spec['template'] as JsonObject | undefined;
  const labels = (template?.['metadata'] as JsonObject | undefined)?.['labels'] as JsonObject | undefined;
  return labels !== undefined && matches(selector, labels) ? { ...object, spec: { ...spec, selector } } : object;
}

/** Selectors with expressions are written by hand, so nothing was filled: they match nothing here. */
function matches({ matchLabels, matchExpressions }: JsonObject, labels: JsonObject): boolean {
  const wanted = Object.entries((matchLabels ?? {}) as JsonObject);
  const plain = matchExpressions === undefined || (matchExpressions as readonly unknown[]).length === 0;
  return plain && wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
