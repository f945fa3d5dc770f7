import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject } from '../model/objects.ts';
import { isLabelValue, isQualifiedName } from '../model/parse-selector.ts';
import type { Finding } from '../spec/finding.ts';
import { asObject, valueAt } from '../spec/json.ts';
import { containerLists } from '../spec/pod-specs.ts';

/**
 * Labels beyond those of the object itself: of pod templates, and of what selects by them. The text of a value is not looked at where it is
 * no text: the schema tells that.
 */
export function labelFindings(object: JsonObject): readonly Finding[] {
  const podSpec = containerLists(object)[0]?.slice(0, -1);
  const isTemplate = podSpec !== undefined && podSpec.length > 1;
  const isService = groupKindOf(String(object['apiVersion']), String(object['kind'])) === SERVICE_KIND;
  return [
    ...(isTemplate ? entries(object, [...podSpec.slice(0, -1), 'metadata', 'labels']) : []),
    ...(isTemplate ? entries(object, ['spec', 'selector', 'matchLabels']) : []),
    ...(podSpec === undefined ? [] : entries(object, [...podSpec, 'nodeSelector'])),
    ...(isService ? entries(object, ['spec', 'selector']) : []),
  ];
}

function entries(object: JsonObject, path: readonly string[]): readonly Finding[] {
  return Object.entries(asObject(valueAt(object, path)) ?? {}).flatMap(([key, value]): readonly Finding[] => {
    const at = [...path, key];
    if (!isQualifiedName(key)) {
      const message = `"${key}" is no label key: a name has at most 63 letters, digits, "-", "_" and "."`;
      return [{ code: 'SPEC_INVALID_FIELD', path: at, at: 'key', message }];
    }
    if (typeof value !== 'string' || isLabelValue(value)) return [];
    const message = `the value of "${key}" is no label value: at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends`;
    return [{ code: 'SPEC_INVALID_FIELD', path: at, message }];
  });
}
