import type { JsonObject, JsonValue } from '../model/objects.ts';
import { asList, asObject } from '../spec/json.ts';

/** The order in which people expect the fields of each part of a spec; what is not named follows as it was written. */
const ENVELOPE = ['id', 'namespace', 'objects'];
const OBJECT = ['apiVersion', 'kind', 'metadata', 'type', 'immutable', 'spec', 'data', 'stringData', 'binaryData', 'items', 'status'];
const METADATA = ['name', 'namespace', 'labels', 'annotations'];
const SPEC = [
  'type',
  'replicas',
  'schedule',
  'scaleTargetRef',
  'selector',
  'strategy',
  'updateStrategy',
  'ports',
  'template',
  'jobTemplate',
];
const CONTAINER = ['name', 'image', 'imagePullPolicy', 'command', 'args', 'workingDir', 'ports', 'env', 'envFrom', 'resources'];
const PORT = ['name', 'protocol', 'port', 'targetPort', 'nodePort', 'containerPort'];

const CONTAINER_LISTS: ReadonlySet<string> = new Set(['containers', 'initContainers', 'ephemeralContainers']);

/** The same document with its fields in canonical order, whatever form of spec it is. Items of lists keep theirs: it may matter. */
export function orderDocument(value: JsonValue): JsonValue {
  const list = asList(value);
  if (list !== undefined) return list.map(orderDocument);
  const mapping = asObject(value);
  if (mapping === undefined) return value;
  if ('kind' in mapping || 'apiVersion' in mapping) return orderObject(mapping);
  const ordered = inOrder(mapping, ENVELOPE);
  const sections = asObject(ordered['objects']);
  return sections === undefined ? ordered : { ...ordered, objects: mapValues(sections, orderSection) };
}

function orderSection(section: JsonValue): JsonValue {
  const mapping = asObject(section);
  const specification = mapping?.['specification'];
  return mapping === undefined || specification === undefined ? section : { ...mapping, specification: orderDocument(specification) };
}

function orderObject(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(inOrder(object, OBJECT)).map(([key, value]) => [key, key === 'items' ? orderDocument(value) : orderField(key, value)]),
  );
}

/** A field of an object. `data` and the like hold keys of the writer, in the writer's order. */
function orderField(key: string, value: JsonValue): JsonValue {
  const mapping = asObject(value);
  if (mapping !== undefined) {
    if (key === 'metadata') return inOrder(mapping, METADATA);
    if (key === 'spec') return mapValues(inOrder(mapping, SPEC), (inner, name) => orderField(name, inner));
    return key === 'template' || key === 'jobTemplate'
      ? mapValues(inOrder(mapping, OBJECT), (inner, name) => orderField(name, inner))
      : value;
  }
  const list = asList(value);
  if (list === undefined) return value;
  if (CONTAINER_LISTS.has(key)) return list.map((item) => orderContainer(item));
  return key === 'ports' ? list.map((item) => orderItem(item, PORT)) : value;
}

function orderContainer(value: JsonValue): JsonValue {
  const container = asObject(orderItem(value, CONTAINER));
  return container === undefined ? value : mapValues(container, (inner, name) => (name === 'ports' ? orderField(name, inner) : inner));
}

function orderItem(value: JsonValue, order: readonly string[]): JsonValue {
  const mapping = asObject(value);
  return mapping === undefined ? value : inOrder(mapping, order);
}

/** The named fields first, in their order; then the others. */
function inOrder(mapping: JsonObject, order: readonly string[]): JsonObject {
  const first = order.filter((key) => Object.hasOwn(mapping, key));
  const rest = Object.keys(mapping).filter((key) => !order.includes(key));
  return Object.fromEntries([...first, ...rest].map((key) => [key, mapping[key] as JsonValue]));
}

const mapValues = (mapping: JsonObject, change: (value: JsonValue, key: string) => JsonValue): JsonObject =>
  Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, change(value, key)]));
