import { groupKind, objectKey } from '../../core/model/ids.ts';
import { fieldManager } from '../../core/model/marks.ts';
import type { FieldManager, FieldsV1, JsonObject, JsonValue, LiveObject } from '../../core/model/objects.ts';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import { type ApiResource, resourceTitle } from './discovery.ts';
import { asList, asRecord, asText, asTextMap, deepFreeze, type JsonRecord } from './json-access.ts';
import { EMPTY, readStatus } from './live-status.ts';

const WORKLOADS: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  '/ReplicationController',
  'batch/Job',
]);

/** Whether the core reads the `spec` of such objects: then a metadata-only lookup does not tell enough. */
export const hasReadSpec = ({ group, kind, scalable }: ApiResource): boolean =>
  scalable === true || WORKLOADS.has(`${group}/${kind}`) || isService(group, kind);

const isService = (group: string, kind: string): boolean => group === '' && kind === 'Service';

/**
 * Reduces an object of the API server to what the core reads, and freezes it. Kind and version come from `resource`: items
 * of a list carry neither, and metadata-only answers carry those of PartialObjectMetadata. Throws AppError when it is no object.
 */
export function decodeLiveObject(raw: unknown, resource: ApiResource, owner: string): LiveObject {
  const object = asRecord(raw);
  const meta = asRecord(object['metadata']);
  const { name, uid, resourceVersion } = requireIdentity(meta, resource);
  const namespace = asText(meta['namespace']);
  const { group, kind, apiVersion } = resource;
  const entries = asList(meta['managedFields']).map(asRecord);
  const ours = entries.find((entry) => isApplyOf(entry, fieldManager(owner)));
  const controller = asList(meta['ownerReferences'])
    .map(asRecord)
    .find((reference) => reference['controller'] === true);
  return deepFreeze<LiveObject>({
    key: objectKey(groupKind(group, kind), namespace, name),
    apiVersion,
    kind,
    namespace,
    name,
    uid,
    resourceVersion,
    labels: asTextMap(meta['labels']),
    annotations: asTextMap(meta['annotations']),
    ...(controller === undefined ? {} : { controlledBy: `${asText(controller['kind'])}/${asText(controller['name'])}` }),
    deleting: asText(meta['deletionTimestamp']) !== '',
    finalizers: asList(meta['finalizers']).map(asText),
    ...(ours === undefined ? {} : { ourFields: readFields(asRecord(ours['fieldsV1'])), ...readAppliedAt(ours) }),
    managers: entries.map((entry) => decodeManager(entry, entry === ours)),
    spec: readSpec(asRecord(object['spec']), resource),
    ...(typeof meta['generation'] === 'number' ? { generation: meta['generation'] } : {}),
    // A metadata-only answer tells nothing of the status; no status at all is told by an empty one.
    ...(object['kind'] === 'PartialObjectMetadata' ? {} : { status: readStatus(asRecord(object['status']), resource) }),
  });
}

/** Name, uid and resourceVersion of an object's metadata. Throws AppError when one is missing. */
export function requireIdentity(meta: JsonRecord, resource: ApiResource): { name: string; uid: string; resourceVersion: string } {
  const [name, uid, resourceVersion] = [asText(meta['name']), asText(meta['uid']), asText(meta['resourceVersion'])];
  if (name !== '' && uid !== '' && resourceVersion !== '') return { name, uid, resourceVersion };
  throw new AppError(
    problem('KUBERNETES_UNAVAILABLE', `an answer about ${resourceTitle(resource)} holds an object without name, uid or resourceVersion`, {
      remedy: 'Something between the daemon and the API server answers in its place; check the address and any proxy.',
    }),
  );
}

/** Whether a managedFields entry is the server-side apply of this manager to the object itself. */
export const isApplyOf = (entry: JsonRecord, manager: string): boolean =>
  entry['manager'] === manager && entry['operation'] === 'Apply' && asText(entry['subresource']) === '';

/** When the entry last changed; nothing when it does not say. */
function readAppliedAt(entry: JsonRecord): Pick<LiveObject, 'appliedAtMs'> {
  const appliedAtMs = Date.parse(asText(entry['time']));
  return Number.isNaN(appliedAtMs) ? {} : { appliedAtMs };
}

function decodeManager(entry: JsonRecord, isOurs: boolean): FieldManager {
  const subresource = asText(entry['subresource']);
  const fields = asRecord(entry['fieldsV1']);
  return {
    name: asText(entry['manager']),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    subresource,
    ownsReplicas: asRecord(fields['f:spec'])['f:replicas'] !== undefined,
    ...(isOurs || subresource !== '' ? {} : { fields: readFields(fields) }),
  };
}

/** The same tree; its leaves, most of what it is made of, are one object. */
function readFields(fields: JsonRecord): FieldsV1 {
  const entries = Object.entries(fields);
  return entries.length === 0 ? EMPTY : Object.fromEntries(entries.map(([path, inner]) => [path, readFields(asRecord(inner))]));
}

const SPEC_KEYS = ['replicas', 'selector', 'paused', 'suspend', 'updateStrategy', 'completions', 'parallelism'];

function readSpec(spec: JsonRecord, { group, kind, scalable }: ApiResource): JsonObject {
  if (isService(group, kind)) return spec as JsonObject;
  if (!WORKLOADS.has(`${group}/${kind}`)) {
    const { replicas } = spec;
    return scalable === true && typeof replicas === 'number' ? { replicas } : EMPTY;
  }
  const kept: Record<string, JsonValue> = {};
  for (const key of SPEC_KEYS) if (spec[key] !== undefined) kept[key] = spec[key] as JsonValue;
  const { type } = asRecord(spec['strategy']);
  if (typeof type === 'string') kept['strategy'] = { type };
  // Which Services select its pods.
  const { labels } = asRecord(asRecord(spec['template'])['metadata']);
  if (labels !== undefined) kept['template'] = { metadata: { labels: asTextMap(labels) } };
  return kept;
}
