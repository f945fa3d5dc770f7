import type { JsonObject, JsonValue } from '../model/objects.ts';
import { isLabelValue, isQualifiedName } from '../model/parse-selector.ts';
import { remedyFor } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { asObject, typeName } from './json.ts';
import { EXPORTED_METADATA, METADATA_FIELDS } from './known-fields.ts';
import { isDnsLabel } from './names.ts';

/** Checks metadata beside the name: known fields, a valid namespace, labels and annotations as the API server takes them. */
export function checkMetadata(object: JsonObject): readonly Finding[] {
  const metadata = asObject(object['metadata']);
  if (metadata === undefined) return [];
  return [
    ...Object.keys(metadata).flatMap(checkField),
    ...checkNamespace(metadata['namespace']),
    ...checkEntries('labels', metadata['labels'], (value) =>
      isLabelValue(value)
        ? undefined
        : 'is no label value: at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends',
    ),
    ...checkEntries('annotations', metadata['annotations'], () => undefined),
  ];
}

function checkField(field: string): readonly Finding[] {
  const path = ['metadata', field];
  if (METADATA_FIELDS.includes(field) || EXPORTED_METADATA.has(field)) return [];
  if (field === 'ownerReferences') {
    const message = 'an object of a spec cannot be owned by another object, with which it would be deleted';
    return [{ code: 'SPEC_INVALID_FIELD', path, at: 'key', message, remedy: 'Remove metadata.ownerReferences.' }];
  }
  const remedy = remedyFor(field, METADATA_FIELDS);
  return [{ code: 'SPEC_UNKNOWN_FIELD', path, at: 'key', message: `metadata has no field "${field}"`, remedy }];
}

function checkNamespace(namespace: JsonValue | undefined): readonly Finding[] {
  if (namespace === undefined || namespace === '' || (typeof namespace === 'string' && isDnsLabel(namespace))) return [];
  const message = 'the namespace must be a name of at most 63 lower case letters, digits and "-"';
  return [{ code: 'SPEC_INVALID_FIELD', path: ['metadata', 'namespace'], message }];
}

/** Labels or annotations: a mapping of qualified names to strings. `wrong` tells what is wrong with a value. */
function checkEntries(
  field: 'labels' | 'annotations',
  value: JsonValue | undefined,
  wrong: (value: string) => string | undefined,
): readonly Finding[] {
  if (value === undefined) return [];
  const entries = asObject(value);
  if (entries === undefined) {
    return [{ code: 'SPEC_INVALID_FIELD', path: ['metadata', field], message: `${field} must be a mapping, not ${typeName(value)}` }];
  }
  return Object.entries(entries).flatMap(([key, text]) => {
    const path = ['metadata', field, key];
    if (!isQualifiedName(key)) return [badKey(field, key)];
    if (typeof text !== 'string') {
      const message = `"${key}" must be a string, not ${typeName(text)}`;
      return [{ code: 'SPEC_INVALID_FIELD', path, message, remedy: 'Put the value in quotes.' } as const];
    }
    const reason = wrong(text);
    return reason === undefined ? [] : [{ code: 'SPEC_INVALID_FIELD', path, message: `the value of "${key}" ${reason}` } as const];
  });
}

function badKey(field: 'labels' | 'annotations', key: string): Finding {
  const isTag = field === 'annotations' && key.startsWith('traefik.');
  return {
    code: 'SPEC_INVALID_FIELD',
    path: ['metadata', field, key],
    at: 'key',
    message: `"${key}" cannot be a key of ${field}: a name has at most 63 letters, digits, "-", "_" and "."`,
    ...(isTag ? { remedy: 'Write this tag as a line of the annotation poolkeeper.dev/tags.' } : {}),
  };
}
