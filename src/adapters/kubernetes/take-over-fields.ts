import { fieldManager } from '../../core/model/marks.ts';
import { asRecord, asText, type JsonRecord } from './json-access.ts';
import { isApplyOf } from './live-object.ts';

/** Whose entries are moved to whom. */
export interface TakeOver {
  readonly owner: string;
  readonly takeFrom: readonly string[];
  /** The version of the object that is applied afterwards: paths of another version cannot be merged with it. */
  readonly apiVersion: string;
}

/**
 * The managedFields with the entries of the `takeFrom` managers moved into our Apply entry, or undefined when there is
 * nothing to move. Afterwards an apply of ours removes what those managers had set and we do not. Entries of subresources
 * stay. The rules are those of client-go's csaupgrade: entries in another apiVersion are dropped, not merged.
 */
export function takeOverFields(
  managedFields: readonly unknown[],
  { owner, takeFrom, apiVersion }: TakeOver,
): readonly JsonRecord[] | undefined {
  const manager = fieldManager(owner);
  const entries = managedFields.map(asRecord);
  const taken = entries.filter((entry) => takeFrom.includes(asText(entry['manager'])) && asText(entry['subresource']) === '');
  if (taken.length === 0) return undefined;
  const ours = entries.find((entry) => isApplyOf(entry, manager));
  const merged = [...(ours === undefined ? [] : [ours]), ...taken]
    .filter((entry) => entry['apiVersion'] === apiVersion)
    .map((entry) => asRecord(entry['fieldsV1']))
    .reduce(mergeFields, {});
  const kept = entries.filter((entry) => entry !== ours && !taken.includes(entry));
  if (Object.keys(merged).length === 0) return kept;
  const time = asText(ours?.['time'] ?? taken[0]?.['time']);
  const own = { manager, operation: 'Apply', apiVersion, ...(time === '' ? {} : { time }), fieldsType: 'FieldsV1', fieldsV1: merged };
  return [...kept, own];
}

/** The union of two FieldsV1 trees. */
function mergeFields(a: JsonRecord, b: JsonRecord): JsonRecord {
  const union: Record<string, unknown> = { ...a };
  for (const [path, fields] of Object.entries(b)) union[path] = mergeFields(asRecord(union[path]), asRecord(fields));
  return union;
}
