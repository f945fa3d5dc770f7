import { groupKindOf } from '../model/ids.ts';
import type { JsonObject, JsonValue } from '../model/objects.ts';
import { asObject } from '../spec/json.ts';
import { isClusterScoped } from '../spec/scope.ts';
import { splitObjects } from '../spec/split-objects.ts';
import { orderDocument } from './order-fields.ts';
import type { SpecForm } from './spec-form.ts';

/** Which of them the documents of a file are: an envelope names no kind of its own. */
export function formOf(documents: readonly JsonValue[]): SpecForm {
  const isEnvelope = (document: JsonValue): boolean =>
    asObject(document)?.['objects'] !== undefined && asObject(document)?.['kind'] === undefined;
  return documents.some(isEnvelope) ? 'envelope' : 'manifests';
}

/** The documents in the other format, or in the same one with its fields in order. The objects are those that were written, to the last field. */
export function convertDocuments(documents: readonly JsonValue[], to: SpecForm): readonly JsonValue[] {
  const objects = documents.flatMap(objectsOf);
  return (to === 'envelope' ? [envelopeOf(objects)] : objects).map(orderDocument);
}

/** The objects of a document, each with the namespace that its envelope gives it. */
export function objectsOf(document: JsonValue): readonly JsonObject[] {
  return splitObjects(document).objects.map(({ value, namespace }) => (namespace === undefined ? value : withNamespace(value, namespace)));
}

function withNamespace(object: JsonObject, namespace: string): JsonObject {
  const metadata = asObject(object['metadata']);
  const own = metadata?.['namespace'];
  if (metadata === undefined || (own !== undefined && own !== '')) return object;
  if (isClusterScoped(groupKindOf(String(object['apiVersion']), String(object['kind'])))) return object;
  return { ...object, metadata: { ...metadata, namespace } };
}

/** The ancestor's envelope: the objects of each kind under its plural. */
function envelopeOf(objects: readonly JsonObject[]): JsonObject {
  const sections = Map.groupBy(objects, (object) => pluralOf(String(object['kind'])));
  const written = [...sections].map(([plural, all]): [string, JsonValue] => {
    const [first] = all;
    return [plural, { specification: all.length === 1 && first !== undefined ? first : all }];
  });
  return { objects: Object.fromEntries(written) };
}

/** The plural of a kind in lower case, as the API server would most likely call it: any is accepted. */
export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name === 'endpoints') return name;
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}
