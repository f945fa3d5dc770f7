import { MARKS } from '../model/marks.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import { asList, asObject, changeAt, without } from './json.ts';
import { EXPORTED_ANNOTATIONS, EXPORTED_METADATA } from './known-fields.ts';
import { containerLists } from './pod-specs.ts';

const STATUS: ReadonlySet<string> = new Set(['status']);
const DROPPED_ANNOTATIONS: ReadonlySet<string> = new Set([...EXPORTED_ANNOTATIONS, MARKS.id, MARKS.spec, MARKS.hash]);
const DROPPED_LABELS: ReadonlySet<string> = new Set([MARKS.ownerLabel]);

/**
 * The object as it is sent: without what an export of a live object carries (status, the server's metadata, our own marks),
 * `stringData` of a Secret encoded into `data`, and every port with its protocol.
 */
export function normaliseObject(object: JsonObject): JsonObject {
  const bare = changeAt(without(object, STATUS), ['metadata'], normaliseMetadata);
  return addProtocols(encodeSecret(bare));
}

function normaliseMetadata(metadata: JsonValue): JsonValue {
  const mapping = asObject(metadata);
  if (mapping === undefined) return metadata;
  const kept = without(mapping, EXPORTED_METADATA);
  return dropEntries(dropEntries(kept, 'annotations', DROPPED_ANNOTATIONS), 'labels', DROPPED_LABELS);
}

function dropEntries(metadata: JsonObject, field: string, keys: ReadonlySet<string>): JsonObject {
  const entries = asObject(metadata[field]);
  if (entries === undefined) return metadata;
  const kept = without(entries, keys);
  return Object.keys(kept).length === 0 ? without(metadata, new Set([field])) : { ...metadata, [field]: kept };
}

/** `stringData` is write-only: left as it is, the object would never look the same as what was sent. Its entries win over `data`. */
function encodeSecret(object: JsonObject): JsonObject {
  const plain = asObject(object['stringData']);
  if (object['apiVersion'] !== 'v1' || object['kind'] !== 'Secret' || plain === undefined) return object;
  const encoded = Object.fromEntries(
    Object.entries(plain).map(([key, text]) => [key, typeof text === 'string' ? Buffer.from(text, 'utf8').toString('base64') : text]),
  );
  return { ...without(object, new Set(['stringData'])), data: { ...asObject(object['data']), ...encoded } };
}

/** The protocol is a key of these lists in server-side apply, and some servers refuse an item that leaves it to the default. */
function addProtocols(object: JsonObject): JsonObject {
  const isService = object['apiVersion'] === 'v1' && object['kind'] === 'Service';
  const withService = isService ? changeAt(object, ['spec', 'ports'], addProtocol) : object;
  return containerLists(object).reduce(
    (changed, keys) =>
      changeAt(changed, keys, (containers) => mapItems(containers, (container) => changeAt(container, ['ports'], addProtocol))),
    withService,
  );
}

const addProtocol = (ports: JsonValue): JsonValue => mapItems(ports, (port) => ({ protocol: 'TCP', ...port }));

function mapItems(list: JsonValue, change: (item: JsonObject) => JsonObject): JsonValue {
  return (
    asList(list)?.map((value) => {
      const item = asObject(value);
      return item === undefined ? value : change(item);
    }) ?? list
  );
}
