import { isDeepStrictEqual } from 'node:util';
import { ApiError, type Cause } from './api-error.ts';
import type { ApiObject, Fields, ManagedFieldsEntry } from './api-object.ts';
import * as paths from './field-paths.ts';
import { claimedPaths, compareFields, mergeFields, removePaths } from './merge-fields.ts';
import { typeOfKind, zeroOf } from './schema.ts';

type FieldPaths = paths.FieldPaths;

/** Who writes, and through which door. */
export interface Writer {
  readonly manager: string;
  readonly subresource: '' | 'status';
  /** RFC 3339. */
  readonly time: string;
}

/** One entry of the managedFields, opened. */
interface Owner {
  readonly entry: Omit<ManagedFieldsEntry, 'fieldsV1'>;
  readonly fields: FieldPaths;
}

const metadata = ['name', 'namespace', 'creationTimestamp', 'uid', 'generation', 'managedFields', 'resourceVersion'];
/** Never owned by anyone. */
const unowned: FieldPaths = new Set([
  'f:apiVersion',
  'f:kind',
  'f:metadata',
  ...metadata.map((field) => paths.joinPath('f:metadata', `f:${field}`)),
]);

/**
 * Server-side apply: the object that results, with its managedFields. What this manager applied before and does not now is
 * removed where nobody else owns it. Throws 409 with one cause per field that another manager owns with another value, unless
 * forced. `live` is undefined when the object does not exist.
 */
export function applyFields(live: ApiObject | undefined, applied: ApiObject, writer: Writer, force: boolean): ApiObject {
  const type = typeOfKind(applied.kind);
  const before: unknown = live === undefined ? zeroOf(type) : withoutOwners(live);
  const owners = live === undefined ? [] : ownersBeforeApply(live, writer);
  const entry = newEntry('Apply', applied.apiVersion, writer);
  const mine = owners.find((owner) => isSameManager(owner.entry, entry));
  const others = owners.filter((owner) => owner !== mine);
  const claimed = ofDoor(claimedPaths(type, applied), writer);
  const stillOwned = paths.withStructs(type, paths.union(claimed, ...others.map((owner) => owner.fields)));
  const dropped = paths.difference(paths.withStructs(type, mine?.fields ?? new Set()), stillOwned);
  const result = removePaths(type, mergeFields(type, before, applied), dropped);
  const { added, modified, removed } = compareFields(type, before, result);
  const changed = ofDoor(paths.union(added, modified), writer);
  if (!force) refuseConflicts(others, changed);
  const kept = others.map((owner) => ({ ...owner, fields: paths.difference(owner.fields, paths.union(changed, removed)) }));
  // A manager that joins in without changing anything gets no time, as from the real server.
  const { time: _, ...timeless } = entry;
  const time = isDeepStrictEqual(before, result) ? mine?.entry.time : writer.time;
  return withOwners(result as ApiObject, [
    ...kept,
    { entry: { ...timeless, ...(time && { time }) }, fields: paths.difference(claimed, unowned) },
  ]);
}

/**
 * A create, update or patch that is not an apply: takes every changed field from its owners and gives it to this writer.
 * managedFields that the new object brings along count as the owners before the change; an empty entry forgets them all.
 */
export function updateFields(live: ApiObject | undefined, next: ApiObject, writer: Writer): ApiObject {
  const type = typeOfKind(next.kind);
  const owners = ownersBeforeUpdate(live, next, writer);
  if (live !== undefined && owners.length === 0) return withOwners(next, []);
  const compared = compareFields(type, live === undefined ? zeroOf(type) : withoutOwners(live), withoutOwners(next));
  const changed = ofDoor(paths.union(compared.added, compared.modified), writer);
  const gone = ofDoor(compared.removed, writer);
  const kept = owners.map((owner) => ({ ...owner, fields: paths.difference(owner.fields, paths.union(changed, gone)) }));
  const taken = paths.difference(changed, unowned);
  if (taken.size === 0) return withOwners(next, kept);
  const entry = newEntry('Update', next.apiVersion, writer);
  const mine = kept.find((owner) => isSameManager(owner.entry, entry));
  const others = kept.filter((owner) => owner !== mine);
  return withOwners(next, [...others, { entry, fields: paths.union(mine?.fields ?? new Set(), taken) }]);
}

/** True when two objects are the same but for the times in their managedFields: such a write changes nothing. */
export function sameButTimes(one: ApiObject, other: ApiObject): boolean {
  const timeless = (object: ApiObject): unknown => [
    withoutOwners(object),
    object.metadata.managedFields?.map((entry) => ({ ...entry, time: undefined })),
  ];
  return isDeepStrictEqual(timeless(one), timeless(other));
}

/** What a write through this door can touch: the status through `status`, all else through the object itself. */
const ofDoor = (fields: FieldPaths, { subresource }: Writer): FieldPaths =>
  paths.withoutField(fields, subresource === 'status' ? 'spec' : 'status');

function refuseConflicts(others: readonly Owner[], changed: FieldPaths): void {
  const conflicts = others.flatMap(({ entry, fields }) => {
    const through = entry.subresource === undefined ? '' : ` with subresource "${entry.subresource}"`;
    const who = `"${entry.manager}"${through}${entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''}`;
    return [...paths.intersection(fields, changed)].sort().map((path) => ({ who, field: paths.pathText(path) }));
  });
  const [first] = conflicts;
  if (first === undefined) return;
  const causes = conflicts.map(({ who, field }): Cause => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field }));
  const lists = [...new Set(conflicts.map(({ who }) => who))].sort().map((who) => {
    const fields = conflicts.filter((conflict) => conflict.who === who).map(({ field }) => `- ${field}`);
    return [`conflicts with ${who}:`, ...fields].join('\n');
  });
  const text =
    causes.length === 1 ? `1 conflict: conflict with ${first.who}: ${first.field}` : `${causes.length} conflicts: ${lists.join('\n')}`;
  throw new ApiError(409, 'Conflict', `Apply failed with ${text}`, { causes });
}

/** An object without owners belongs to `before-first-apply`, so that the first apply does not silently take it. */
function ownersBeforeApply(live: ApiObject, writer: Writer): readonly Owner[] {
  const owners = open(live.metadata.managedFields);
  if (owners.length > 0) return owners;
  return open(updateFields(undefined, withoutOwners(live), { ...writer, manager: 'before-first-apply' }).metadata.managedFields);
}

function ownersBeforeUpdate(live: ApiObject | undefined, next: ApiObject, { subresource }: Writer): readonly Owner[] {
  const given = next.metadata.managedFields;
  if (subresource !== '' || given === undefined) return open(live?.metadata.managedFields);
  return given.some((entry) => entry.fieldsV1 === undefined) ? [] : open(given);
}

const open = (entries: readonly ManagedFieldsEntry[] = []): readonly Owner[] =>
  entries.map(({ fieldsV1, ...entry }) => ({ entry, fields: paths.fromFieldsV1(fieldsV1 as Fields) }));

function withOwners(object: ApiObject, owners: readonly Owner[]): ApiObject {
  const rank = ({ entry }: Owner): string => JSON.stringify([entry.operation, entry.time ?? '', entry.manager, entry.subresource ?? '']);
  const managedFields = owners
    .filter((owner) => owner.fields.size > 0)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .map(({ entry, fields }): ManagedFieldsEntry => ({ ...entry, fieldsV1: paths.toFieldsV1(fields) }));
  const bare = withoutOwners(object);
  return managedFields.length === 0 ? bare : { ...bare, metadata: { ...bare.metadata, managedFields } };
}

function withoutOwners(object: ApiObject): ApiObject {
  const { managedFields: _, ...rest } = object.metadata;
  return { ...object, metadata: rest };
}

function newEntry(operation: 'Apply' | 'Update', apiVersion: string, { manager, subresource, time }: Writer): Owner['entry'] {
  return { manager, operation, apiVersion, fieldsType: 'FieldsV1', time, ...(subresource === '' ? {} : { subresource }) };
}

const isSameManager = (one: Owner['entry'], other: Owner['entry']): boolean =>
  (['manager', 'operation', 'apiVersion', 'subresource'] as const).every((field) => one[field] === other[field]);
